/** Pure: what the store says about a thing at a provider: an object's, left in place on purpose, or nobody's. */
import { markedSlot } from "../aside.ts";
import type { ReconciledObject } from "../kind.ts";
import { markerHash, readMarkerText } from "../marker.ts";
import type { MarkerParts } from "../marker.ts";
import type { InventoryEntry } from "../resource.ts";
import type { Tombstone } from "../tombstones.ts";
import type { FoundResource } from "./marked-resources.ts";

/** Everything in the store that may stand for something external. */
export interface StoreView {
  objects: readonly ReconciledObject[];
  tombstones: readonly Tombstone[];
  /** Why objects may be missing that are still to come, for people; then nothing is a leak for want of its object. */
  incomplete?: string | undefined;
}

/** What names a thing in an inventory or a tombstone. */
type Named = Pick<InventoryEntry, "provider" | "type" | "scope" | "name" | "id">;

/** Whose a thing is, as a store that was read once knows it. */
export interface Ownership {
  /** The object whose inventory holds the thing, or has a create under way that claims it. */
  ownerOf(found: FoundResource): ReconciledObject | undefined;
  /** The record that says that the thing was left in place on purpose. */
  tombstoneOf(found: FoundResource): Tombstone | undefined;
  /** Whether an object stands again for what was once left in place. */
  isOwnedAgain(tombstone: Tombstone): boolean;
}

const entriesOf = (object: ReconciledObject): readonly InventoryEntry[] => object.status?.inventory ?? [];

export const describeObject = ({ kind, metadata }: ReconciledObject): string =>
  `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;

const alike = (a: string | undefined, b: string | undefined): boolean =>
  (a ?? "").toLowerCase() === (b ?? "").toLowerCase();

function namedOf({ definition: { provider, type }, id, name, scope }: FoundResource): Named {
  return { provider, type, scope, name, id };
}

/** Where it is, by name or by id. */
const placed = ({ id, name, provider, scope, type }: Named, byName: boolean): string =>
  [provider, type, scope, byName ? `name ${name}` : `id ${id}`].join(" ").toLowerCase();

/** Puts what the store knows in order, so that many things can be asked about. */
export function ownershipOf({ objects, tombstones }: StoreView): Ownership {
  const entries = objects.flatMap((object) => entriesOf(object).map((entry) => [entry, object] as const));
  const standing = new Set(entries.flatMap(([entry]) => [placed(entry, false), placed(entry, true)]));
  return {
    ownerOf: finder(entries),
    tombstoneOf: finder(tombstones.map((tombstone) => [tombstone, tombstone] as const)),
    isOwnedAgain: (tombstone) => standing.has(placed(tombstone, tombstone.id === "")),
  };
}

/**
 * Finds by id, which outlives renames and moves, except where it is but the name and tells nothing in another place. What
 * was asked for and has no id yet claims whatever bears its name.
 */
function finder<Value>(
  known: readonly (readonly [Named, Value])[],
): (found: FoundResource) => Value | undefined {
  const byId = ({ id, provider, type }: Named): string => [provider, type, id].join(" ");
  const byName = ({ name, provider, scope, type }: Named): string =>
    [provider, type, scope, name].join(" ").toLowerCase();
  const named = Map.groupBy(known, ([one]) =>
    one.id === undefined || one.id === "" ? byName(one) : byId(one),
  );
  return (found) => {
    const wanted = namedOf(found);
    const same = (named.get(byId(wanted)) ?? []).find(
      ([one]) => found.id !== found.name || alike(one.scope, found.scope),
    );
    const claiming = same ?? (named.get(byName(wanted)) ?? []).find(([one]) => (one.id ?? "") === "");
    return claiming?.[1];
  };
}

/** Whether something that the store knows lies in it: its place begins with it. */
function liesIn(named: Named, { definition, id, name, scope }: FoundResource): boolean {
  if (named.provider !== definition.provider || named.scope === undefined) return false;
  const place = named.scope.toLowerCase();
  return [id, `${scope}/${name}`, `${scope}/${id}`]
    .map((one) => one.toLowerCase())
    .some((one) => place === one || place.startsWith(`${one}/`));
}

/** Who or what else would be lost with the thing, for people; undefined when the store knows nothing in it. */
export function holdsFor(found: FoundResource, { objects, tombstones }: StoreView): string | undefined {
  const user = objects.find((object) => entriesOf(object).some((entry) => liesIn(entry, found)));
  if (user !== undefined) return `something of ${describeObject(user)}`;
  const kept = tombstones.find((tombstone) => liesIn(tombstone, found));
  return kept === undefined
    ? undefined
    : `${kept.provider} ${kept.type} ${kept.name}, which was left in place on purpose`;
}

/** The object that a marker names, if it exists. */
export function objectNamed(parts: MarkerParts, { objects }: StoreView): ReconciledObject | undefined {
  return objects.find(
    ({ kind, metadata }) =>
      kind === parts.kind && metadata.name === parts.name && (metadata.namespace ?? "") === parts.namespace,
  );
}

/** The entry of the slot that a marker names, set aside or not. */
export function entryNamed(parts: MarkerParts, object: ReconciledObject): InventoryEntry | undefined {
  return (
    entriesOf(object).find(({ slot }) => slot === parts.slot) ??
    entriesOf(object).find(({ slot }) => markedSlot(slot) === parts.slot)
  );
}

/**
 * Reads whose a mark says that a thing is. A hash tells it only to those who can guess: every object that is known, alive
 * or named by another mark, is tried with every slot that its type is known by.
 */
export function createMarkReader(
  installation: string,
  found: readonly FoundResource[],
  { objects, tombstones }: StoreView,
): (one: FoundResource) => MarkerParts | undefined {
  type Place = Pick<MarkerParts, "namespace" | "kind" | "name">;
  const places: Place[] = [
    ...objects.map(({ kind, metadata }) => ({
      kind,
      name: metadata.name,
      namespace: metadata.namespace ?? "",
    })),
    ...found.flatMap(({ mark }) => readMarkerText(mark) ?? []),
    ...tombstones.map(({ namespace, owner }) => {
      const [kind = "", name = ""] = owner.split(" ");
      return { kind, name, namespace };
    }),
  ];
  const known = new Map<string, ReadonlyMap<string, MarkerParts>>();
  const hashesOf = ({ definition }: FoundResource): ReadonlyMap<string, MarkerParts> => {
    const { provider, segment, type } = definition;
    const cached = known.get(`${provider}/${type}`);
    if (cached) return cached;
    const slots = objects
      .flatMap(entriesOf)
      .filter((entry) => entry.provider === provider && entry.type === type)
      .map(({ slot }) => markedSlot(slot));
    const hashes = new Map(
      [...new Set([segment, ...slots])].flatMap((slot) =>
        places.map(({ kind, name, namespace }) => {
          const parts = { installation, namespace, kind, name, slot };
          return [markerHash(parts), parts] as const;
        }),
      ),
    );
    known.set(`${provider}/${type}`, hashes);
    return hashes;
  };
  return (one) => readMarkerText(one.mark) ?? hashesOf(one).get(one.mark);
}
