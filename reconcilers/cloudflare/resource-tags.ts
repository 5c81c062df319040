/**
 * Our marker on things that lie directly in an account and have no field for one, through Cloudflare's Tag API (public
 * beta). Where the API is refused (no permission, not enabled for the account), ownership rests on the inventory.
 */
import { z } from "zod";
import { FlaresmithError, isFlaresmithError } from "../../controller/runtime/errors.ts";
import type {
  Depth,
  InventoryEntry,
  ListingContext,
  MarkedResource,
  ResourceContext,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { segment } from "./client.ts";
import { hasCode } from "./failures.ts";
import { sharedList } from "./listing.ts";
import { readCursor } from "./paging.ts";

type Context = ResourceContext<CloudflareClient>;

/** Types of the Tag API (docs, "Resource tagging: supported resources"). */
export type TaggedType = "kv_namespace" | "r2_bucket";

/** Key of our tag; its value is the marker, at most 1024 characters. */
const KEY = "flaresmith";

const taggedSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  tags: z.record(z.string(), z.string()),
  etag: z.string().nullish(),
});

export interface ResourceTags {
  tags: Readonly<Record<string, string>>;
  etag: string | undefined;
}

/** Tags by the resource's id; undefined where the Tag API is refused. */
type TagListing = ReadonlyMap<string, ResourceTags> | undefined;

function isRefused(error: unknown): boolean {
  return isFlaresmithError(error, "INTEGRATION_PERMISSION_MISSING") || hasCode(error, [7003]);
}

/** Everything of a type in the account that carries any tag, by id. */
async function loadTags(
  { client, signal }: Pick<Context, "client" | "signal">,
  accountId: string,
  type: TaggedType,
): Promise<ReadonlyMap<string, ResourceTags>> {
  const found = await readCursor(client, {
    path: `/accounts/${segment(accountId)}/tags/resources`,
    query: { type },
    result: z.array(taggedSchema),
    pick: (result) => result,
    purpose: {
      what: `listing the tags of the account's ${type === "kv_namespace" ? "KV namespaces" : "R2 buckets"}`,
      permission: "Account Tags: Read",
    },
    signal,
  });
  const own = found.filter((resource) => resource.type === type);
  return new Map(
    own.map((resource) => [resource.id, { tags: resource.tags, etag: resource.etag ?? undefined }] as const),
  );
}

/** Those of the things that carry our tag. Nothing is asked where there are none: a token may then lack the permission. */
export async function listTagged(
  context: ListingContext<CloudflareClient>,
  type: TaggedType,
  things: readonly Omit<MarkedResource, "marks">[],
): Promise<MarkedResource[]> {
  if (things.length === 0) return [];
  const tags = await loadTags(context, context.account, type);
  return things.flatMap((thing) => {
    const mark = tags.get(thing.id)?.tags[KEY];
    return mark === undefined ? [] : [{ ...thing, marks: [mark] }];
  });
}

/** One list of tags for all who ask, shared. */
function readTags(context: Context, accountId: string, type: TaggedType): Promise<TagListing> {
  const load = async (): Promise<TagListing> => {
    try {
      return await loadTags(context, accountId, type);
    } catch (error) {
      if (isRefused(error)) return undefined;
      throw error;
    }
  };
  return sharedList(context, `tags:${accountId}:${type}`, load);
}

/** Whose a tagged thing is, and whether our marker must still be written. */
export interface Ownership {
  owner: "ours" | "foreign" | "unmarked";
  /** Undefined where it was not looked at, or cannot be written. */
  marked: boolean | undefined;
}

/**
 * Whose the thing is that was found in the account. A shallow look believes the inventory where it knows the id, every
 * other look reads the tags.
 */
export async function observeOwnership(
  context: Context,
  thing: { accountId: string; type: TaggedType; id: string },
): Promise<Ownership & { depth: Depth }> {
  const { accountId, id, type } = thing;
  const known = context.entry?.id === id && context.entry.state !== "conflict";
  const deep = context.depth === "deep" || context.fresh || !known;
  if (!deep) return { ...ownershipOf(context, id, undefined), depth: "shallow" };
  const listing = await readTags(context, accountId, type);
  const tags = listing === undefined ? "refused" : (listing.get(id) ?? "none");
  return { ...ownershipOf(context, id, tags), depth: "deep" };
}

/**
 * Writes our marker to a thing that is there already; nothing happens where the Tag API is refused.
 *
 * @throws FlaresmithError INTEGRATION_PERMISSION_MISSING where tags may be read and not written: what is not marked would be
 *   seen again and again
 */
export async function restoreMarker(
  context: Context,
  thing: { accountId: string; type: TaggedType; id: string; what: string },
): Promise<void> {
  const listing = await readTags(context, thing.accountId, thing.type);
  if (listing === undefined) return;
  if (await writeMarker(context, { ...thing, current: listing.get(thing.id) })) return;
  throw new FlaresmithError({
    code: "INTEGRATION_PERMISSION_MISSING",
    message: `marking the ${thing.what}: the API token may read tags and not write them`,
    hint: 'Give the Connection\'s API token the permission "Account Tags: Edit", or take "Account Tags: Read" from it.',
    context: { provider: "cloudflare" },
  });
}

/**
 * Weighs tags and inventory. The marker goes on after the creating call, so that a thing that an intent of ours made can
 * be found without it: then the intent counts.
 *
 * @param tags undefined: not looked at; `refused`: the Tag API is refused
 */
function ownershipOf(
  context: Pick<Context, "entry" | "marker">,
  id: string,
  tags: ResourceTags | "refused" | "none" | undefined,
): Ownership {
  const known = isKnown(context.entry, id);
  if (tags === undefined || tags === "refused")
    return { owner: known ? "ours" : "unmarked", marked: undefined };
  const owner = tags === "none" ? "unmarked" : context.marker.classify(tags.tags[KEY]);
  if (owner !== "unmarked") return { owner, marked: owner === "ours" };
  return { owner: known ? "ours" : "unmarked", marked: false };
}

function isKnown(entry: InventoryEntry | undefined, id: string): boolean {
  if (entry === undefined || entry.state === "conflict") return false;
  return entry.id === undefined ? entry.state === "creating" : entry.id === id;
}

/**
 * Writes our marker beside the tags of others.
 * @param current tags as listed; undefined when it carries none
 * @returns false where the Tag API is refused
 * @throws FlaresmithError INTEGRATION_CONFLICT when somebody changed the tags at the same time
 */
export async function writeMarker(
  context: Context,
  options: {
    accountId: string;
    type: TaggedType;
    id: string;
    what: string;
    current: ResourceTags | undefined;
  },
): Promise<boolean> {
  const { accountId, current, id, type, what } = options;
  try {
    await context.client.call({
      method: "PUT",
      path: `/accounts/${segment(accountId)}/tags`,
      json: { resource_type: type, resource_id: id, tags: { ...current?.tags, [KEY]: context.marker.text } },
      ...(current?.etag === undefined ? {} : { headers: { "if-match": current.etag } }),
      result: z.unknown(),
      purpose: { what: `tagging the ${what}`, permission: "Account Tags: Edit" },
      signal: context.signal,
    });
    return true;
  } catch (error) {
    if (isRefused(error)) return false;
    throw error;
  }
}

/**
 * Takes the tags off something that was deleted: an R2 bucket that somebody makes later under the same name must not look
 * like ours, and tags are limited in number. Cloudflare may have done so itself, so whatever it answers is fine.
 */
export async function forgetTags(
  context: Context,
  options: { accountId: string; type: TaggedType; id: string },
): Promise<void> {
  try {
    await context.client.call({
      method: "DELETE",
      path: `/accounts/${segment(options.accountId)}/tags`,
      json: { resource_type: options.type, resource_id: options.id },
      result: z.unknown(),
      purpose: { what: `removing the tags of ${options.id}`, permission: "Account Tags: Edit" },
      signal: context.signal,
    });
  } catch (error) {
    if (!isFlaresmithError(error)) throw error;
  }
}
