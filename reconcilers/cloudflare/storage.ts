/**
 * Storage that lies directly in the account: KV namespaces and R2 buckets. It has no field for a marker, so that one is
 * tagged onto it (see resource-tags.ts): a shallow look believes the inventory, a deep one reads the tags.
 */
import type {
  FieldChange,
  ListingContext,
  MarkedResource,
  Observation,
  Reference,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { CloudflareClient } from "./client.ts";
import { forgetTags, listTagged, observeOwnership, restoreMarker, writeMarker } from "./resource-tags.ts";
import type { TaggedType } from "./resource-tags.ts";

type Context = ResourceContext<CloudflareClient>;
/** What a list needs of a context. */
export type Reading = Pick<Context, "client" | "signal">;

/** What lies in the account: its id, and what it is called. */
interface Found {
  id: string;
  name: string;
}

interface StorageObserved extends Found {
  /** Whether our marker is on it; undefined when not looked at, or where the Tag API is refused. */
  marked: boolean | undefined;
}

/** How one kind of storage differs from another. */
interface StorageKind<Desired> {
  type: string;
  segment: string;
  tagged: TaggedType;
  /** For people: `KV namespace`. */
  what: string;
  /** Field of its name. */
  nameField: string;
  nameOf: (desired: Desired) => string;
  find(reference: Reference, context: Context): Promise<Found | undefined>;
  /** Everything of the kind in the account. `createdAt` as in `MarkedResource`. */
  list(context: Reading, accountId: string): Promise<readonly (Found & { createdAt?: number | undefined })[]>;
  create(desired: Desired, context: Context): Promise<Found>;
  /** Missing: another name is another thing. */
  rename?: (accountId: string, from: Found, to: string, context: Context) => Promise<void>;
  /** @returns id of what was deleted; undefined when there was nothing, or when some of it is left for the next pass */
  remove(reference: Reference, context: Context): Promise<string | undefined>;
}

export function defineStorage<Desired extends { accountId: string }, Outputs extends Record<string, unknown>>(
  kind: StorageKind<Desired>,
  outputs: (found: Found) => Outputs,
): ResourceDefinition<Desired, StorageObserved, CloudflareClient> {
  const { nameField, nameOf, rename, tagged: type } = kind;
  const described = (name: string): string => `${kind.what} ${name}`;
  return Object.freeze({
    provider: "cloudflare",
    type: kind.type,
    segment: kind.segment,
    holds: "data",
    ownership: "marked",
    keepsIdentity: rename ? "name" : "none",
    liesInAccount: true,
    fields: Object.freeze({ [nameField]: "shallow", marker: "deep" } as const),
    reference: (desired: Desired): Reference => ({ scope: desired.accountId, name: nameOf(desired) }),
    observe: async (reference: Reference, context: Context): Promise<Observation<StorageObserved>> => {
      const found = await kind.find(reference, context);
      if (!found) return { state: "absent" };
      const thing = { accountId: reference.scope, type, id: found.id };
      const { depth, marked, owner } = await observeOwnership(context, thing);
      return { state: "present", ...found, owner, observed: { ...found, marked }, depth };
    },
    diff: (desired: Desired, observed: StorageObserved): FieldChange[] => {
      const name = nameOf(desired);
      const changes: FieldChange[] =
        observed.marked === false ? [{ field: "marker", effect: "in-place" }] : [];
      if (observed.name === name) return changes;
      return [...changes, { field: nameField, effect: "in-place", from: observed.name, to: name }];
    },
    create: async (desired: Desired, context: Context): Promise<WriteResult<StorageObserved>> => {
      const found = await kind.create(desired, context);
      const thing = { accountId: desired.accountId, type, id: found.id, what: described(found.name) };
      // It exists now, whatever becomes of its tag: the next look sees that the marker is missing.
      const marked = await writeMarker(context, { ...thing, current: undefined }).catch(() => false);
      return { id: found.id, observed: { ...found, marked: marked ? true : undefined } };
    },
    update: async (
      desired: Desired,
      observed: StorageObserved,
      changes: readonly FieldChange[],
      context: Context,
    ): Promise<WriteResult<StorageObserved>> => {
      const { accountId } = desired;
      const { id } = observed;
      const name = nameOf(desired);
      const fields = new Set(changes.map((change) => change.field));
      if (fields.has(nameField)) await rename?.(accountId, observed, name, context);
      if (fields.has("marker")) await restoreMarker(context, { accountId, type, id, what: described(name) });
      return { id, name, observed: { id, name, marked: undefined } };
    },
    remove: async (reference: Reference, context: Context): Promise<void> => {
      const id = await kind.remove(reference, context);
      if (id !== undefined) await forgetTags(context, { accountId: reference.scope, type, id });
    },
    listMarked: async (context: ListingContext<CloudflareClient>): Promise<readonly MarkedResource[]> => {
      const { account } = context;
      const things = await kind.list(context, account);
      return listTagged(
        context,
        type,
        things.map((thing) => ({ ...thing, scope: account })),
      );
    },
    outputs: (_desired: Desired, observed: StorageObserved) => outputs(observed),
  });
}
