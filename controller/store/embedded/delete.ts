/** Deletion: preconditions, finalizers, and what happens to the objects that name the deleted one as their owner. */
import type { DeleteOptions, KubernetesObject } from "../resource-client.ts";
import type { StoredObject } from "./collection.ts";
import { ApiError } from "../resource-client.ts";
import { forbidden, notFound } from "./errors.ts";
import { NAMESPACE_KEY, STANDING_NAMESPACES } from "./namespaces.ts";
import { hasContent, removable } from "./removable.ts";
import { parseObject } from "./state.ts";
import type { Transaction } from "./transaction.ts";
import { typeKey, type TypeDefinition } from "./type-definition.ts";

/** Finalizers that the garbage collector takes off when it has done its part. */
export const ORPHAN = "orphan";
export const FOREGROUND = "foregroundDeletion";

type Policy = NonNullable<DeleteOptions["propagationPolicy"]>;

export interface Deleted {
  /** The object after the request; when it is gone, its last version. */
  object: KubernetesObject;
  /** False while finalizers hold it. */
  removed: boolean;
}

function preconditionFailed(definition: TypeDefinition, name: string, text: string): ApiError {
  const { type } = definition;
  const kind = type.group === "" ? type.kind : `${type.kind}.${type.group}`;
  return new ApiError({
    code: 409,
    reason: "Conflict",
    message: `Operation cannot be fulfilled on ${kind} "${name}": ${text}`,
    details: { ...(type.group === "" ? {} : { group: type.group }), kind: type.kind, name },
  });
}

/**
 * Deletes one object, or marks it when finalizers hold it.
 * @throws ApiError 404; 409 for a precondition
 */
export function deleteObject(
  tx: Transaction,
  definition: TypeDefinition,
  key: { namespace: string; name: string },
  options: DeleteOptions,
): Deleted {
  const stored = tx.get(definition, key.namespace, key.name);
  if (stored === undefined) throw notFound(definition.type, key.name);
  const { uid, resourceVersion } = options.preconditions ?? {};
  if (uid !== undefined && uid !== stored.uid) {
    throw preconditionFailed(
      definition,
      key.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${stored.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== String(stored.revision)) {
    throw preconditionFailed(
      definition,
      key.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${stored.revision}). The object might have been modified`,
    );
  }
  if (typeKey(definition.type) === NAMESPACE_KEY && STANDING_NAMESPACES.includes(key.name)) {
    throw forbidden(definition.type, key.name, "this namespace may not be deleted");
  }
  return markDeleted(tx, definition, stored, options.propagationPolicy);
}

/** The finalizers with which an object is deleted (apiserver registry/generic, deletionFinalizersForGarbageCollection). */
function finalizersFor(policy: Policy | undefined, current: readonly string[]): readonly string[] {
  // Who names no policy leaves it to the finalizers that are there: to an earlier deletion, or to who made the object.
  if (policy === undefined) return current;
  const next = current.filter((name) => name !== ORPHAN && name !== FOREGROUND);
  if (policy === "Orphan") next.push(ORPHAN);
  if (policy === "Foreground") next.push(FOREGROUND);
  return next.length === current.length && next.every((name) => current.includes(name)) ? current : next;
}

/**
 * Sets the deletion mark and what the policy asks for, and removes the object when nothing holds it.
 * @param policy undefined: the object's own finalizers decide
 */
export function markDeleted(
  tx: Transaction,
  definition: TypeDefinition,
  stored: StoredObject,
  policy: Policy | undefined,
): Deleted {
  const object = parseObject(stored.text);
  const { metadata } = object;
  const current = metadata.finalizers ?? [];
  const finalizers = finalizersFor(policy, current);
  const isNamespace = stored.typeKey === NAMESPACE_KEY;
  // Watchers see every namespace terminate, an empty one too: it goes in a step of its own.
  if ((stored.terminating || !isNamespace) && removable(tx, stored, finalizers))
    return { object: tx.remove(stored), removed: true };
  // How a namespace is deleted is settled by the first request, as long as anything is in it.
  const settled = finalizers === current || (isNamespace && hasContent(tx, stored.name));
  if (stored.terminating && settled) return { object, removed: false };
  if (finalizers.length > 0) metadata.finalizers = [...finalizers];
  else delete metadata.finalizers;
  if (!stored.terminating) {
    metadata.deletionTimestamp = tx.time;
    if (!isNamespace) metadata.deletionGracePeriodSeconds = 0;
    if (metadata.generation !== undefined) metadata.generation += 1;
    if (isNamespace) object["status"] = { phase: "Terminating" };
  }
  tx.put(definition, object, stored);
  return { object, removed: false };
}
