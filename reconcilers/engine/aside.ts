/**
 * When the spec names another thing in the place of one, the old one is set aside under a slot of its own, with its old
 * slot's marker, and leaves from there by its policy.
 */
import { partOf } from "./graph.ts";
import type { ResourceNode } from "./graph.ts";
import type { InventoryEntry, Reference } from "./resource.ts";

/** Slot under which the thing of that name is set aside when its slot now stands for another. */
function asideSlot(slot: string, name: string): string {
  return `${markedSlot(slot)}@${encodeURIComponent(name)}`;
}

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
  const { keepsIdentity = "none" } = definition;
  if (one.provider !== other.provider || one.type !== other.type) return false;
  // Ids are only unique within a scope: a bucket's is its name. A scope that was renamed is still the same.
  if (one.scope !== other.scope && keepsIdentity !== "scope" && keepsIdentity !== "both") return false;
  if (one.id !== undefined && one.id === other.id) return true;
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
  const sameScope = entry.scope === reference.scope || keepsIdentity === "scope" || keepsIdentity === "both";
  if (sameType && sameName && sameScope) return false;
  const aside = asideSlot(node.slot, entry.name ?? entry.id ?? "");
  const { parent } = entry;
  const whole = [...inventory.keys()].find((slot) => parent !== undefined && slot.startsWith(`${parent}@`));
  inventory.delete(node.slot);
  inventory.set(aside, { ...entry, slot: aside, parent: whole ?? parent });
  return true;
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
        one.slot === asideSlot(node.slot, one.name ?? "") &&
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
