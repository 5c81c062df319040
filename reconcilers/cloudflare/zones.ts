/** Zones by name. They are looked up, never managed. */
import { z } from "zod";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ResourceContext } from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { readPages } from "./paging.ts";

/** The id of a zone's name practically never changes, in milliseconds. */
const ZONE_AGE = 6 * 3_600_000;

const zoneSchema = z.looseObject({ id: z.string(), name: z.string() });

/**
 * The id of a zone.
 * @param options `field`: the field of the spec that names it
 * @throws FlaresmithError SPEC_REFERENCE_MISSING when the token sees no zone of that name in the account
 */
export async function zoneId(
  context: Pick<ResourceContext<CloudflareClient>, "client" | "shared" | "signal">,
  options: { accountId: string; zone: string; field: string },
): Promise<string> {
  const { client, signal } = context;
  const name = options.zone.toLowerCase().replace(/\.$/, "");
  const load = async (): Promise<string> => {
    const zones = await readPages(client, {
      path: "/zones",
      query: { name, "account.id": options.accountId },
      perPage: 50,
      item: zoneSchema,
      purpose: { what: `looking up the zone ${name}`, permission: "Zone: Read", field: options.field },
      signal,
    });
    const id = zones.find((zone) => zone.name.toLowerCase() === name)?.id;
    // Thrown here, because a failure is not remembered: whoever adds the zone is not told for hours that it is missing.
    if (id === undefined) throw missing();
    return id;
  };
  const missing = (): FlaresmithError =>
    new FlaresmithError({
      code: "SPEC_REFERENCE_MISSING",
      message: `the zone ${name} is not in the Cloudflare account ${options.accountId}, or the API token does not see it`,
      hint: 'Add the zone to the account, correct its name, or give the Connection\'s API token the permission "Zone: Read" for it.',
      field: options.field,
      context: { provider: "cloudflare" },
    });
  return context.shared(`zone:${options.accountId}:${name}`, load, ZONE_AGE);
}
