/** Deletion: preconditions, finalizers, and what happens to the objects that name the deleted one as their owner. */
import type { DeleteOptions, KubernetesObject } from "../resource-client.ts";
import type { StoredObject } from "./collection.ts";
import { ApiError } from "../resource-client.ts";
import { forbidden, notFound } from "./errors.ts";
import { NAMESPACE_KEY, STANDING_NAMESPACES } from "./namespaces.ts";
import { parseObject } from "./state.ts";
import type { Transaction } from "./transaction.ts";
import { typeKey, type TypeDefinition } from "./type-definition.ts";

/** Finalizers that the garbage collector takes off when it has done its part. */
export const ORPHAN = "orphan";
export const FOREGROUND = "foregroundDeletion";

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
  return markDeleted(tx, definition, stored, options.propagationPolicy ?? "Background");
}

/** Sets the deletion mark and what the policy asks for, and removes the object when nothing holds it. */
export function markDeleted(
  tx: Transaction,
  definition: TypeDefinition,
  stored: StoredObject,
  policy: "Background" | "Foreground" | "Orphan",
): Deleted {
  const object = parseObject(stored.text);
  const { metadata } = object;
  // The policy of the latest request decides (apiserver registry/generic/registry/store.go, deletionFinalizersForGarbageCollection).
  const finalizers = (metadata.finalizers ?? []).filter((name) => name !== ORPHAN && name !== FOREGROUND);
  if (policy === "Orphan") finalizers.push(ORPHAN);
  if (policy === "Foreground") finalizers.push(FOREGROUND);
  const namespaceWithContent = typeKey(definition.type) === NAMESPACE_KEY;
  if (finalizers.length === 0 && !namespaceWithContent) return { object: tx.remove(stored), removed: true };

  const alreadyMarked = metadata.deletionTimestamp !== undefined;
  const sameFinalizers =
    finalizers.length === (metadata.finalizers ?? []).length &&
    finalizers.every((name) => metadata.finalizers?.includes(name));
  if (alreadyMarked && sameFinalizers) return { object, removed: false };
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  if (!alreadyMarked) {
    metadata.deletionTimestamp = tx.time;
    if (!namespaceWithContent) metadata.deletionGracePeriodSeconds = 0;
    if (metadata.generation !== undefined) metadata.generation += 1;
    if (namespaceWithContent) object["status"] = { phase: "Terminating" };
  }
  tx.put(definition, object, stored);
  return { object, removed: false };
}
