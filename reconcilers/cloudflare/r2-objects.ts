/** Takes objects out of a bucket that is to go with what it holds. */
import { z } from "zod";
import type { ResourceContext } from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { FlaresmithError } from "../../controller/runtime/errors.ts";

/** The most that one call lists or deletes (Cloudflare's OpenAPI, `r2-list-objects` and `r2-delete-objects`). */
const MOST = 1000;

const listed = z.array(z.looseObject({ key: z.string() }));

/**
 * Deletes the first objects of a bucket, a thousand at most, in two calls: an account's budget is for everybody, so what
 * is more waits for the next pass.
 *
 * @returns how many there were, and whether more may be there
 * @throws FlaresmithError when an object cannot be deleted, because it is locked for example
 */
export async function deleteSomeObjects(
  { client, signal }: Pick<ResourceContext<CloudflareClient>, "client" | "signal">,
  bucket: { accountId: string; name: string; field: string },
): Promise<{ deleted: number; more: boolean }> {
  const { accountId, field, name } = bucket;
  const path = `/accounts/${segment(accountId)}/r2/buckets/${segment(name)}/objects`;
  const { result: objects } = await client.call({
    method: "GET",
    path,
    query: { per_page: String(MOST) },
    result: listed,
    purpose: {
      what: `listing the objects of the R2 bucket ${name}`,
      permission: "Workers R2 Storage: Read",
      field,
    },
    signal,
  });
  if (objects.length === 0) return { deleted: 0, more: false };
  try {
    await client.call({
      method: "DELETE",
      path,
      json: objects.map(({ key }) => key),
      result: z.unknown(),
      purpose: {
        what: `deleting objects of the R2 bucket ${name}`,
        permission: "Workers R2 Storage: Edit",
        field,
      },
      signal,
    });
  } catch (error) {
    if (!wereGoneAlready(error)) throw error;
  }
  return { deleted: objects.length, more: objects.length >= MOST };
}

/** "The specified key does not exist" alone: of the same call, the objects that did exist are deleted. */
function wereGoneAlready(error: unknown): boolean {
  return error instanceof FlaresmithError && error.context["codes"] === "10007";
}
