/** What removal needs of the surroundings: definitions, Connections and a place for tombstones. */
import type { ReconcileEnvironment, ReconciledObject } from "./kind.ts";
import type { InventoryEntry } from "./resource.ts";
import { recordTombstone } from "./tombstones.ts";

/** The part of `RemovalOptions` that is the same on the way out of the spec and on the way out of the object. */
export function removalAccess(
  environment: ReconcileEnvironment,
  object: ReconciledObject,
  signal: AbortSignal,
) {
  return {
    definition: (entry: InventoryEntry) => environment.definition(entry),
    connect: (entry: InventoryEntry) => environment.connect(entry.connection ?? "", object, signal),
    ending: object.metadata.deletionTimestamp !== undefined,
    orphan: (entry: InventoryEntry, why?: string) =>
      recordTombstone({
        client: environment.client,
        clock: environment.clock,
        namespace: object.metadata.namespace ?? "default",
        owner: `${object.kind} ${object.metadata.name}`,
        entry,
        why:
          why ??
          (object.metadata.deletionTimestamp === undefined
            ? "it left the spec, and its policy is Orphan"
            : "the object was deleted, and its policy is Orphan"),
        signal,
      }),
  };
}
