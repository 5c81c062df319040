/** Pure: what the store says about a thing at a provider: an object's, left in place on purpose, or nobody's. */
import type { ReconciledObject } from "../kind.ts";
import type { FoundResource } from "./marked-resources.ts";
import { markerHash, readMarkerText } from "../marker.ts";
import type { MarkerParts } from "../marker.ts";
import { markedSlot } from "../aside.ts";
import type { InventoryEntry } from "../resource.ts";
import type { Tombstone } from "../tombstones.ts";

/** Everything in the store that may stand for something external. */
export interface StoreView {
  objects: readonly ReconciledObject[];
  tombstones: readonly Tombstone[];
}

/** What names a thing in an inventory or a tombstone. */
type Named = Pick<InventoryEntry, "provider" | "type" | "scope" | "name" | "id">;

const alike = (a: string | undefined, b: string | undefined): boolean =>
  (a ?? "").toLowerCase() === (b ?? "").toLowerCase();

function sameType(named: Named, { definition }: FoundResource): boolean {
  return named.provider === definition.provider && named.type === definition.type;
}

/** By id, which outlives renames and moves; an id that is only the name tells nothing in another place. */
function isIt(named: Named, found: FoundResource): boolean {
  if (!sameType(named, found) || named.id !== found.id) return false;
  return found.id !== found.name || alike(named.scope, found.scope);
}

/** What was asked for and has no id yet claims what bears its name. */
function claims(named: Named, found: FoundResource): boolean {
  if (!sameType(named, found) || (named.id !== undefined && named.id !== "")) return false;
  return alike(named.scope, found.scope) && alike(named.name, found.name);
}

/** Whether something that the store knows lies in it: its place begins with it. */
function liesIn(named: Named, { definition, id, name, scope }: FoundResource): boolean {
  if (named.provider !== definition.provider || named.scope === undefined) return false;
  const place = named.scope.toLowerCase();
  return [id, `${scope}/${name}`, `${scope}/${id}`]
    .map((one) => one.toLowerCase())
    .some((one) => place === one || place.startsWith(`${one}/`));
}

const entriesOf = (object: ReconciledObject): readonly InventoryEntry[] => object.status?.inventory ?? [];

export const describeObject = ({ kind, metadata }: ReconciledObject): string =>
  `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;

/** The object whose inventory holds the thing, or has a create under way that claims it. */
export function ownerOf(found: FoundResource, { objects }: StoreView): ReconciledObject | undefined {
  return objects.find((object) =>
    entriesOf(object).some((entry) => isIt(entry, found) || claims(entry, found)),
  );
}

/** The record that says that the thing was left in place on purpose. */
export function tombstoneOf(found: FoundResource, { tombstones }: StoreView): Tombstone | undefined {
  return tombstones.find((tombstone) => isIt(tombstone, found) || claims(tombstone, found));
}

/** Whether an object stands again for what was once left in place. */
export function isOwnedAgain(tombstone: Tombstone, { objects }: StoreView): boolean {
  const { id, name, provider, scope, type } = tombstone;
  return objects.some((object) =>
    entriesOf(object).some(
      (entry) =>
        entry.provider === provider &&
        entry.type === type &&
        alike(entry.scope, scope) &&
        (id === "" ? alike(entry.name, name) : entry.id === id),
    ),
  );
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
