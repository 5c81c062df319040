/**
 * What the garbage collector and the namespace controller of a cluster do, within the write that gives rise to it: the
 * dependents of a removed owner, foreground and orphan deletion, the content of a deleted namespace.
 */
import type { StoredObject } from "./collection.ts";
import { FOREGROUND, markDeleted, ORPHAN } from "./delete.ts";
import { NAMESPACE_KEY } from "./namespaces.ts";
import { dependentsToDelete, mayExist } from "./owners.ts";
import { removable } from "./removable.ts";
import { parseObject } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** Settles everything that the writes of this transaction left to do. */
export function collectGarbage(tx: Transaction): void {
  if (tx.dryRun) return;
  settleOwners(tx);
  // What is marked again meanwhile comes last, once for all that went: one owner may wait for thousands.
  for (const uid of tx.marked) {
    tx.marked.delete(uid);
    const marked = tx.state.byUid(uid);
    if (marked?.typeKey === NAMESPACE_KEY) emptyNamespace(tx, marked);
    settleTerminating(tx, uid);
    settleOwners(tx);
  }
}

/** Follows what was stored with owners, and what is gone, until nothing more comes of it. */
function settleOwners(tx: Transaction): void {
  for (;;) {
    const owned = tx.owned.pop();
    const removed = owned === undefined ? tx.removed.pop() : undefined;
    if (owned !== undefined) {
      const object = tx.state.byUid(owned);
      if (object !== undefined) releaseFromAbsentOwners(tx, object);
    } else if (removed !== undefined) {
      settleAfterRemoval(tx, removed);
    } else return;
  }
}

/** The dependents of what is gone, its namespace that may be waiting to become empty, its owners that may wait for it. */
function settleAfterRemoval(tx: Transaction, removed: StoredObject): void {
  for (const dependent of tx.state.dependentsOf(removed.uid)) releaseFromAbsentOwners(tx, dependent);
  const namespace = tx.state.collection(NAMESPACE_KEY).get("", removed.namespace);
  if (namespace?.terminating === true) tx.marked.add(namespace.uid);
  for (const reference of removed.ownerReferences) {
    const owner = tx.state.byUid(reference.uid);
    if (owner?.terminating === true) tx.marked.add(owner.uid);
  }
}

/** Deletes an object whose owners are all gone; while one is left, only the references to the others go. */
function releaseFromAbsentOwners(tx: Transaction, dependent: StoredObject): void {
  const definition = tx.definition(dependent.typeKey);
  if (definition === undefined || dependent.ownerReferences.length === 0) return;
  const present = dependent.ownerReferences.filter((owner) => mayExist(tx, owner, dependent));
  if (present.length === dependent.ownerReferences.length) return;
  if (present.length === 0) {
    if (!dependent.terminating) markDeleted(tx, definition, dependent, undefined);
    return;
  }
  const object = parseObject(dependent.text);
  object.metadata.ownerReferences = present;
  tx.put(definition, object, dependent);
}

function settleTerminating(tx: Transaction, uid: string): void {
  const owner = tx.state.byUid(uid);
  if (owner?.terminating !== true || tx.definition(owner.typeKey) === undefined) return;
  const finalizers = parseObject(owner.text).metadata.finalizers ?? [];
  if (finalizers.includes(ORPHAN)) {
    for (const dependent of tx.state.dependentsOf(owner.uid)) dropOwner(tx, dependent, owner.uid);
    takeOff(tx, owner.uid, ORPHAN);
  } else if (finalizers.includes(FOREGROUND)) {
    for (const dependent of dependentsToDelete(tx, owner)) {
      const kind = tx.definition(dependent.typeKey);
      if (kind === undefined || dependent.terminating) continue;
      const others = dependent.ownerReferences.some(
        (one) => one.uid !== owner.uid && mayExist(tx, one, dependent),
      );
      if (others) dropOwner(tx, dependent, owner.uid);
      else
        markDeleted(tx, kind, closesCircle(tx, dependent) ? unblock(tx, dependent) : dependent, "Foreground");
    }
    const blocked = dependentsToDelete(tx, owner).some((one) => one.uid !== owner.uid && blocks(one, owner));
    // A dependent without dependents of its own is let go in a later turn of the loop, which comes back here.
    if (!blocked) takeOff(tx, owner.uid, FOREGROUND);
  }
}

function blocks(dependent: StoredObject, owner: StoredObject): boolean {
  return dependent.ownerReferences.some(
    ({ uid, blockOwnerDeletion }) => uid === owner.uid && blockOwnerDeletion === true,
  );
}

/**
 * Whether what it owns waits for its own dependents already: then each might wait for the other. Like the garbage collector
 * of a cluster, which lets go too often rather than too seldom (pkg/controller/garbagecollector, attemptToDeleteItem).
 */
function closesCircle(tx: Transaction, dependent: StoredObject): boolean {
  return tx.state
    .dependentsOf(dependent.uid)
    .some(
      ({ terminating, text }) => terminating && parseObject(text).metadata.finalizers?.includes(FOREGROUND),
    );
}

/** Its owners no longer wait for it. */
function unblock(tx: Transaction, dependent: StoredObject): StoredObject {
  const definition = tx.definition(dependent.typeKey);
  if (definition === undefined) return dependent;
  const object = parseObject(dependent.text);
  for (const owner of object.metadata.ownerReferences ?? []) owner.blockOwnerDeletion = false;
  return tx.put(definition, object, dependent);
}

function dropOwner(tx: Transaction, dependent: StoredObject, uid: string): void {
  const definition = tx.definition(dependent.typeKey);
  if (definition === undefined) return;
  const object = parseObject(dependent.text);
  const rest = (object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
  if (rest.length === 0) delete object.metadata.ownerReferences;
  else object.metadata.ownerReferences = rest;
  tx.put(definition, object, dependent);
}

function takeOff(tx: Transaction, uid: string, finalizer: string): void {
  const stored = tx.state.byUid(uid);
  const definition = tx.definition(stored?.typeKey ?? "");
  if (stored === undefined || definition === undefined) return;
  const object = parseObject(stored.text);
  const rest = (object.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  if (rest.length === 0) delete object.metadata.finalizers;
  else object.metadata.finalizers = rest;
  if (removable(tx, stored, rest)) tx.remove(stored, object);
  else tx.put(definition, object, stored);
}

/** Deletes what a terminating namespace holds, and the namespace once it is empty. */
function emptyNamespace(tx: Transaction, namespace: StoredObject): void {
  if (!namespace.terminating) return;
  for (const [key, collection] of tx.state.collections) {
    const definition = tx.definition(key);
    if (definition === undefined || !definition.type.namespaced) continue;
    // Collected first: deleting changes what is walked.
    for (const object of Array.from(collection.values(namespace.name))) {
      if (!object.terminating) markDeleted(tx, definition, object, "Background");
    }
  }
  if (removable(tx, namespace, parseObject(namespace.text).metadata.finalizers)) tx.remove(namespace);
}
