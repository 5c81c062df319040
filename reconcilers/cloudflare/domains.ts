/**
 * Custom domains of a Worker. One listing of the account serves every Worker. Cloudflare's call replaces whatever has the
 * hostname when it is told to; it is never told to, and a hostname of another Worker is a conflict.
 */
import { z } from "zod";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type {
  InventoryEntry,
  Observation,
  Reference,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { claimAddresses, diffAddresses, removable, writeAddresses } from "./addresses.ts";
import type { AddressKind } from "./addresses.ts";
import { isAbsence } from "./failures.ts";
import { sharedList } from "./listing.ts";
import { readList } from "./paging.ts";
import type { DomainsDesired, DomainsObserved, DomainsOutputs, ObservedDomain } from "./types.ts";
import { zoneId } from "./zones.ts";

type Context = ResourceContext<CloudflareClient>;

const FIELD = "spec.cloudflare.workers[].domains";
const PERMISSION = "Workers Scripts: Edit";

const domainSchema = z.looseObject({
  id: z.string(),
  hostname: z.string(),
  service: z.string(),
  zone_name: z.string().nullish(),
});

const hostOf = (hostname: string): string => hostname.toLowerCase().replace(/\.$/, "");
const domainsPath = (accountId: string, id?: string): string =>
  `/accounts/${segment(accountId)}/workers/domains${id === undefined ? "" : `/${segment(id)}`}`;

type Domain = DomainsDesired["domains"][number];

/** Remembered with the domain's id. */
const kind: AddressKind<Domain, ObservedDomain> = Object.freeze({
  field: "domains",
  prefix: "domain.",
  keyOf: ({ hostname }: Domain) => hostOf(hostname),
  nameOf: ({ hostname }: Domain) => hostname,
  scriptOf: ({ service }: ObservedDomain) => service,
});

const wantedOf = (desired: DomainsDesired): { scriptName: string; addresses: readonly Domain[] } => ({
  scriptName: desired.scriptName,
  addresses: desired.domains,
});

function readDomains(context: Context, accountId: string): Promise<ObservedDomain[]> {
  const load = async (): Promise<ObservedDomain[]> => {
    const found = await readList(context.client, {
      path: domainsPath(accountId),
      item: domainSchema,
      purpose: {
        what: "listing the custom domains of the account's Workers",
        permission: "Workers Scripts: Read",
        field: FIELD,
      },
      signal: context.signal,
    });
    return found.map((domain) => ({
      id: domain.id,
      hostname: hostOf(domain.hostname),
      zone: domain.zone_name ?? "",
      service: domain.service,
    }));
  };
  return sharedList(context, `domains:${accountId}`, load);
}

async function observe(reference: Reference, context: Context): Promise<Observation<DomainsObserved>> {
  const domains = await readDomains(context, reference.scope);
  if (
    context.entry?.state === "deleting" &&
    removable(kind, domains, reference.name, context.entry).length === 0
  )
    return { state: "absent" };
  return { state: "present", id: reference.name, owner: "unmarked", observed: { domains }, depth: "deep" };
}

async function deleteDomain(context: Context, accountId: string, domain: ObservedDomain): Promise<void> {
  try {
    await context.client.call({
      method: "DELETE",
      path: domainsPath(accountId, domain.id),
      result: z.unknown(),
      purpose: {
        what: `removing the custom domain ${domain.hostname}`,
        permission: PERMISSION,
        field: FIELD,
      },
      signal: context.signal,
    });
  } catch (error) {
    if (!isAbsence(error, [100114])) throw error;
  }
}

/** @returns the domain's id @throws FlaresmithError INTEGRATION_NAME_CONFLICT when it leads to another Worker */
async function ensureDomain(
  desired: DomainsDesired,
  domain: Domain,
  taken: ObservedDomain | undefined,
  context: Context,
): Promise<string> {
  if (taken) {
    throw new FlaresmithError({
      code: "INTEGRATION_NAME_CONFLICT",
      message: `the custom domain ${domain.hostname} leads to the Worker ${taken.service}`,
      hint: "Remove it from that Worker in Cloudflare's dashboard, or choose another hostname.",
      field: FIELD,
      context: { provider: "cloudflare" },
    });
  }
  const zone = await zoneId(context, { accountId: desired.accountId, zone: domain.zone, field: FIELD });
  const { result } = await context.client.call({
    method: "PUT",
    path: domainsPath(desired.accountId),
    json: {
      hostname: hostOf(domain.hostname),
      service: desired.scriptName,
      environment: "production",
      zone_id: zone,
    },
    result: z.looseObject({ id: z.string() }),
    purpose: {
      what: `adding the custom domain ${domain.hostname} to the Worker ${desired.scriptName}`,
      permission: PERMISSION,
      field: FIELD,
    },
    signal: context.signal,
  });
  return result.id;
}

function write(
  desired: DomainsDesired,
  observed: DomainsObserved,
  context: Context,
): Promise<WriteResult<DomainsObserved>> {
  return writeAddresses(kind, wantedOf(desired), observed.domains, context, {
    ensure: (domain, taken) => ensureDomain(desired, domain, taken, context),
    drop: (domain) => deleteDomain(context, desired.accountId, domain),
  });
}

export const domains: ResourceDefinition<DomainsDesired, DomainsObserved, CloudflareClient> = Object.freeze({
  provider: "cloudflare",
  type: "domains",
  segment: "cloudflareDomains",
  holds: "nothing",
  ownership: "inherited",
  content: true,
  fields: Object.freeze({ domains: "shallow" }),
  reference: (desired: DomainsDesired): Reference => ({ scope: desired.accountId, name: desired.scriptName }),
  observe,
  diff: (desired: DomainsDesired, observed: DomainsObserved, entry: InventoryEntry | undefined) =>
    diffAddresses(kind, wantedOf(desired), observed.domains, entry),
  claim: (
    desired: DomainsDesired,
    observed: DomainsObserved | undefined,
    entry: InventoryEntry | undefined,
  ) => claimAddresses(kind, wantedOf(desired), observed?.domains ?? [], entry),
  // Also after a lost inventory, what has the hostname is looked at before it is written.
  create: async (desired: DomainsDesired, context: Context) =>
    write(desired, { domains: await readDomains(context, desired.accountId) }, context),
  update: (desired: DomainsDesired, observed: DomainsObserved, _changes: unknown, context: Context) =>
    write(desired, observed, context),
  remove: async (reference: Reference, context: Context): Promise<void> => {
    const found = await readDomains({ ...context, fresh: true }, reference.scope);
    for (const domain of removable(kind, found, reference.name, context.entry))
      await deleteDomain(context, reference.scope, domain);
  },
  outputs: (desired: DomainsDesired): DomainsOutputs => ({
    urls: desired.domains.map((domain) => `https://${hostOf(domain.hostname)}`),
  }),
});
