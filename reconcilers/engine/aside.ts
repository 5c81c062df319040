/**
 * When the spec names another thing in the place of one, the old one is set aside under a slot of its own, with its old
 * slot's marker, and leaves from there by its policy.
 */
import { partOf } from "./graph.ts";
import type { ResourceNode } from "./graph.ts";
import type { InventoryEntry, Reference } from "./resource.ts";

/** Slot under which the thing of that name is set aside when its slot now stands for another. */
function asideSlot(
  slot: string,
  { id = "", name = id, scope = "" }: InventoryEntry,
  inventory: Inventory,
): string {
  const aside = `${markedSlot(slot)}@${encodeURIComponent(name)}`;
  const taken = inventory.get(aside);
  return taken === undefined || taken.scope === scope ? aside : `${aside}@${encodeURIComponent(scope)}`;
}

type Inventory = ReadonlyMap<string, InventoryEntry>;

/** Whether a scope was only renamed since: where its id is known, that says it. */
function isSameScope(
  { keepsIdentity = "none" }: Pick<ResourceNode["definition"], "keepsIdentity">,
  one: Pick<Reference, "scope" | "scopeId">,
  other: Pick<Reference, "scope" | "scopeId">,
): boolean {
  if (one.scope === other.scope) return true;
  const isOther = one.scopeId !== undefined && other.scopeId !== undefined && one.scopeId !== other.scopeId;
  return !isOther && (keepsIdentity === "scope" || keepsIdentity === "both");
}

const placeOf = ({ scope = "", scopeId }: InventoryEntry): Pick<Reference, "scope" | "scopeId"> => ({
  scope,
  ...(scopeId === undefined ? {} : { scopeId }),
});

/** Whether two names in one scope are of the same thing. */
function isSameName({ definition }: ResourceNode, one: string, other: string): boolean {
  return one === other || definition.sameName?.(one, other) === true;
}

/** Whether two entries stand for one thing, by its id or by a name that is the same to the provider. */
export function isSameThing(
  definition: ResourceNode["definition"],
  one: InventoryEntry,
  other: InventoryEntry,
): boolean {
  if (one.provider !== other.provider || one.type !== other.type) return false;
  const isSameId = one.id !== undefined && one.id === other.id;
  // An id that is no name is unique wherever it lies: a Neon project that was handed to another organisation.
  if (isSameId && one.id !== one.name) return true;
  // A bucket's is its name, which other accounts have too. A scope that was renamed is still the same.
  if (!isSameScope(definition, placeOf(one), placeOf(other))) return false;
  if (isSameId) return true;
  return definition.sameName?.(one.name ?? "", other.name ?? "") === true;
}

/** The slot that stands in a thing's marker, set aside or not. Names in slots are escaped, so the separator is unique. */
export function markedSlot(slot: string): string {
  const [marked = slot] = slot.split("@", 1);
  return marked;
}

/**
 * An entry of the same slot stands for another thing when the spec now names another: it is set aside under a slot of its
 * own, from which it leaves like everything that left the spec.
 */
export function setAside(
  node: ResourceNode,
  reference: Reference,
  inventory: Map<string, InventoryEntry>,
): boolean {
  const entry = inventory.get(node.slot);
  if (entry === undefined) return false;
  const { content, keepsIdentity = content === true ? "both" : "none", provider, type } = node.definition;
  const sameType = entry.type === type && entry.provider === provider;
  const sameName =
    isSameName(node, entry.name ?? "", reference.name) ||
    keepsIdentity === "name" ||
    keepsIdentity === "both";
  const sameScope = isSameScope({ keepsIdentity }, placeOf(entry), reference);
  if (sameType && sameName && sameScope) return false;
  const aside = asideSlot(node.slot, entry, inventory);
  const { parent } = entry;
  const whole = [...inventory.keys()].find((slot) => parent !== undefined && slot.startsWith(`${parent}@`));
  inventory.delete(node.slot);
  inventory.set(aside, { ...entry, slot: aside, parent: whole ?? parent });
  return true;
}

/**
 * What the spec means where its account is another one than before: a thing that holds data or code, which nobody asked to
 * have made anew elsewhere.
 */
export function isElsewhere(
  { definition, ephemeral }: ResourceNode,
  reference: Reference,
  entry: InventoryEntry | undefined,
): entry is InventoryEntry & { id: string; scope: string } {
  return (
    definition.liesInAccount === true &&
    definition.holds !== "nothing" &&
    !ephemeral &&
    entry?.id !== undefined &&
    entry.type === definition.type &&
    entry.scope !== undefined &&
    entry.scope !== reference.scope
  );
}

/** What was set aside and has not left yet is wanted again when the spec goes back to its name: it must not leave. */
export function takeBack(
  node: ResourceNode,
  reference: Reference,
  inventory: Map<string, InventoryEntry>,
): boolean {
  if (inventory.has(node.slot)) return false;
  const { provider, type } = node.definition;
  const entry = inventory
    .values()
    .find(
      (one) =>
        one.slot !== node.slot &&
        markedSlot(one.slot) === node.slot &&
        one.type === type &&
        one.provider === provider &&
        one.scope === reference.scope &&
        isSameName(node, one.name ?? "", reference.name),
    );
  if (entry === undefined) return false;
  inventory.delete(entry.slot);
  inventory.set(node.slot, { ...entry, slot: node.slot, parent: partOf(node) });
  return true;
}
