/** Update: the rules that hold for every type (apiserver `registry/rest` and `registry/generic`). */
import type { KubernetesObject, ManagedFieldsEntry, ObjectMeta } from "../resource-client.ts";
import type { StoredObject } from "./collection.ts";
import { invalid, modified, otherUid } from "./errors.ts";
import { cloneJson, equalJson } from "../../runtime/json.ts";
import { trackUpdate } from "./managed-fields/track-update.ts";
import { finalizerWarnings } from "./metadata.ts";
import { removable } from "./removable.ts";
import { parseObject } from "./state.ts";
import { dropEmpty, inOrder, type Written } from "./stored-form.ts";
import type { Transaction } from "./transaction.ts";
import type { TypeDefinition } from "./type-definition.ts";
import { validateObject } from "./validate-object.ts";

export interface ReplaceOptions {
  manager: string;
  /** Takes what the client should know although the write succeeds. */
  warn?: ((text: string) => void) | undefined;
  /** Only the status is taken over. */
  status: boolean;
  managedFields?: ManagedFieldsEntry[];
  /** The object was made from the stored one, by a patch or by apply: its uid is no precondition. */
  derived?: boolean;
}

/** Whether two versions differ outside of metadata and status. */
function contentChanged(old: KubernetesObject, next: KubernetesObject, definition: TypeDefinition): boolean {
  const keys = new Set([...Object.keys(old), ...Object.keys(next)]);
  keys.delete("metadata");
  if (definition.hasStatus) keys.delete("status");
  for (const key of keys) if (!equalJson(old[key], next[key])) return true;
  return false;
}

/** Ownership without the times: a write that changes only these changes nothing. */
function withoutTimes(object: KubernetesObject): KubernetesObject {
  const managedFields = object.metadata.managedFields?.map((entry) => ({ ...entry, time: "" }));
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, ...(managedFields === undefined ? {} : { managedFields }) } };
}

/** @throws ApiError 409 for another uid or version, 422 for a missing version */
function checkPreconditions(
  { type, unconditionalUpdate }: TypeDefinition,
  stored: StoredObject,
  asked: ObjectMeta,
  old: ObjectMeta,
  { derived }: ReplaceOptions,
): void {
  const { uid = "", resourceVersion = "" } = asked;
  if (uid !== "" && uid !== old.uid && derived !== true)
    throw otherUid(type, { name: stored.name, uid, actual: old.uid });
  if (resourceVersion !== "" && resourceVersion !== "0") {
    if (resourceVersion !== old.resourceVersion) throw modified(type, stored.name);
  } else if (unconditionalUpdate !== true) {
    throw invalid({ ...type, kind: type.plural }, stored.name, [
      {
        reason: "FieldValueInvalid",
        message: "Invalid value: 0: must be specified for an update",
        field: "metadata.resourceVersion",
      },
    ]);
  }
}

/** What a client cannot change: taken from the stored object, or left for validation to refuse (apiserver `rest.BeforeUpdate`). */
function keepSystemFields(metadata: ObjectMeta, old: ObjectMeta): void {
  if ((metadata.uid ?? "") === "") keep(metadata, old, "uid");
  keep(metadata, old, "creationTimestamp");
  keep(metadata, old, "generation");
  keep(metadata, old, "resourceVersion");
  keep(metadata, old, "namespace");
  if (old.deletionTimestamp !== undefined) keep(metadata, old, "deletionTimestamp");
  if (metadata.deletionGracePeriodSeconds === undefined) keep(metadata, old, "deletionGracePeriodSeconds");
}

function keep<F extends keyof ObjectMeta>(metadata: ObjectMeta, old: ObjectMeta, field: F): void {
  if (old[field] === undefined) delete metadata[field];
  else metadata[field] = old[field];
}

/**
 * Replaces a stored object, or its status.
 * @param decoded in its stored form; handed over
 * @throws ApiError 400, 409 Conflict, 422
 */
export function replaceObject(
  tx: Transaction,
  definition: TypeDefinition,
  stored: StoredObject,
  decoded: KubernetesObject,
  options: ReplaceOptions,
): Written {
  const old = parseObject(stored.text);
  checkPreconditions(definition, stored, decoded.metadata, old.metadata, options);
  let object = decoded;
  if (options.status) {
    const { status } = object;
    const { status: _, metadata: kept, ...content } = old;
    const { managedFields, ...named } = kept;
    object = { ...cloneJson(content), metadata: cloneJson(named) };
    if (managedFields !== undefined) object.metadata.managedFields = managedFields;
    if (status !== undefined) object["status"] = status;
  } else if (definition.hasStatus) {
    if (old["status"] === undefined) delete object["status"];
    else object["status"] = old["status"];
  }
  const { metadata } = object;
  dropEmpty(metadata);
  const given = metadata.managedFields;
  keepSystemFields(metadata, old.metadata);
  if (definition.hasGeneration && !options.status && contentChanged(old, object, definition)) {
    metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  validateObject(definition, object, { old, status: options.status });

  const managed =
    options.managedFields ??
    trackUpdate({
      definition,
      old,
      next: object,
      given,
      manager: options.manager,
      status: options.status,
      time: tx.time,
    });
  if (managed.length === 0) delete metadata.managedFields;
  else metadata.managedFields = managed;
  definition.complete?.(object, { old, status: options.status });
  if (definition.builtIn !== true) {
    finalizerWarnings(metadata, old.metadata).forEach((text) => options.warn?.(text));
  }

  if (equalJson(withoutTimes(old), withoutTimes(object))) {
    return { object: old, created: false, changed: false };
  }
  const sorted = inOrder(object);
  if (stored.terminating && removable(tx, stored, metadata.finalizers)) {
    // Watchers see the last stored version go; this write answers what it would have stored.
    tx.remove(stored);
    return { object: sorted, created: false, changed: true };
  }
  tx.put(definition, sorted, stored);
  return { object: sorted, created: false, changed: true };
}
