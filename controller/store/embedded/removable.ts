/** The one rule for when something that is being deleted may go. */
import type { StoredObject } from "./collection.ts";
import { NAMESPACE_KEY } from "./namespaces.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Whether nothing holds an object that is being deleted: no finalizer is left, and a namespace is empty.
 * @param finalizers those that it has after the write in hand
 */
export function removable(
  tx: Transaction,
  { typeKey, name }: Pick<StoredObject, "typeKey" | "name">,
  finalizers: readonly string[] = [],
): boolean {
  return finalizers.length === 0 && !(typeKey === NAMESPACE_KEY && hasContent(tx, name));
}

/** Whether anything lives in a namespace. A cluster keeps a finalizer of the namespace's spec until then. */
export function hasContent(tx: Transaction, namespace: string): boolean {
  for (const [key, collection] of tx.state.collections) {
    if (tx.definition(key)?.type.namespaced !== true) continue;
    if (collection.values(namespace).next().done !== true) return true;
  }
  return false;
}
