/** Where references to owners lead, looked up as the garbage collector of a cluster does (`isDangling`). */
import type { OwnerReference } from "../resource-client.ts";
import type { StoredObject } from "./collection.ts";
import type { Transaction } from "./transaction.ts";
import { typeKey } from "./type-definition.ts";

/**
 * Looks up an owner by its kind and name, in the namespace of the dependent: one in another namespace is absent. It is
 * unresolvable when nobody can tell: its kind is not served, or it would need a namespace and the dependent has none.
 */
function lookUp(
  tx: Transaction,
  { apiVersion, kind, name, uid }: OwnerReference,
  dependent: StoredObject,
): "present" | "absent" | "unresolvable" {
  const definition = tx.definitionOf(apiVersion, kind);
  if (definition === undefined) return "unresolvable";
  const { namespaced } = definition.type;
  if (namespaced && dependent.namespace === "") return "unresolvable";
  const found = tx.state
    .collection(typeKey(definition.viewOf?.type ?? definition.type))
    .get(namespaced ? dependent.namespace : "", name);
  return found?.uid === uid ? "present" : "absent";
}

/** Whether an owner may still be there. One that cannot be resolved counts as present: nothing is deleted on a guess. */
export function mayExist(tx: Transaction, owner: OwnerReference, dependent: StoredObject): boolean {
  return lookUp(tx, owner, dependent) !== "absent";
}

/** The objects that an owner takes with it: those whose reference leads to it, whatever others name its uid. */
export function dependentsToDelete(tx: Transaction, owner: StoredObject): StoredObject[] {
  return tx.state
    .dependentsOf(owner.uid)
    .filter((dependent) =>
      dependent.ownerReferences.some(
        (one) => one.uid === owner.uid && lookUp(tx, one, dependent) === "present",
      ),
    );
}
