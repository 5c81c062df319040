/** What an edit of an object deletes only with a person's word (law 5): nobody named it, as who deletes the object does. */
import type { KindReconciler, ReconciledObject } from "./kind.ts";
import type { InventoryEntry, ResourceDefinition } from "./resource.ts";

/**
 * Whether something that left the spec holds data or code, is deleted by its object's policy, and would be left in place
 * by the other one. What goes whatever the policy, such as everything of a Preview, is not.
 */
export function isGuarded<T extends ReconciledObject>(
  kind: KindReconciler<T>,
  object: T,
  entry: InventoryEntry,
  definition: Pick<ResourceDefinition<unknown, unknown, unknown>, "holds"> | undefined,
): boolean {
  if (definition === undefined || definition.holds === "nothing") return false;
  const kept = { ...object, spec: { ...object.spec, deletionPolicy: "Orphan" } };
  return kind.removalPolicy(object, entry) === "Delete" && kind.removalPolicy(kept, entry) === "Orphan";
}
