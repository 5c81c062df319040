/** What must stand in the store before something is created (law 2), and what was created without it. */
import type { InventoryEntry } from "../../reconcilers/engine/resource.ts";
import type { World } from "../support/world.ts";
import { identities } from "./support.ts";

/** What is made by a create of its own, and the types whose intent must stand before. */
const created: readonly [RegExp, string][] = [
  [/^github [^ ]+ #/, "repository"],
  [/^github [^ ]+ branch dev #/, "gitBranch"],
  [/^github [^ ]+ environment [^ ]+ #/, "environment"],
  [/^github [^ ]+ ruleset /, "ruleset"],
  [/^neon [^ ]+ #/, "project"],
  [/^neon [^ ]+ branch (dev|preview\/pr-1) #/, "branch"],
  [/^cloudflare worker [^ ]+ #/, "worker"],
  [/^cloudflare worker [^ ]+ preview [^ ]+ #/, "preview"],
  [/^cloudflare kv /, "kvNamespace"],
  [/^cloudflare r2 /, "r2Bucket"],
];
export const createdTypes: readonly string[] = created.map(([, type]) => type);

/** The inventory of an object's status. */
export function inventoryOf(object: unknown): InventoryEntry[] {
  return (object as { status?: { inventory?: InventoryEntry[] } }).status?.inventory ?? [];
}

/** Looks, whenever asked, at what has come into being at the providers since. */
export function watchCreations(world: Pick<World, "sandbox">): {
  /** @param stored every entry that the store holds now. @returns the types of the new things */
  look(stored: readonly InventoryEntry[]): string[];
  /** Things that were there before an intent for them was. */
  readonly missing: readonly string[];
} {
  const known = new Set(identities(world.sandbox));
  const missing: string[] = [];
  return {
    missing,
    look: (stored) => {
      const fresh = identities(world.sandbox).filter((thing) => !known.has(thing));
      return fresh.flatMap((thing) => {
        known.add(thing);
        const type = created.find(([pattern]) => pattern.test(thing))?.[1];
        if (type === undefined) return [];
        const intent = stored.some(
          (entry) => entry.type === type && entry.state === "creating" && (entry.nonce ?? "") !== "",
        );
        if (!intent) missing.push(thing);
        return [type];
      });
    },
  };
}
