/** Where a resource comes from, as its inventory entry tells. */
import type { InventoryEntry } from "./resource.ts";

/** Stands in the inventory in place of a nonce for what was taken over by consent. */
export const ADOPTED = "adopted";

/**
 * Whether the inventory knows that the resource was made by us: only a create leaves a nonce. Of what was taken over, and
 * of what was found again by its marker after the inventory was lost, nobody knows what was in it before.
 */
export function isMadeByUs(entry: InventoryEntry | undefined): boolean {
  return entry?.nonce !== undefined && entry.nonce !== ADOPTED;
}
