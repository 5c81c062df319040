/** Create and update: the rules that hold for every type (apiserver `registry/rest` and the custom resource strategy). */
import {
  ApiError,
  type KubernetesObject,
  type ManagedFieldsEntry,
  type ObjectMeta,
} from "../resource-client.ts";
import type { StoredObject } from "./collection.ts";
import { alreadyExists, badRequest, conflict, forbidden, invalid, modified, notFound } from "./errors.ts";
import { cloneJson, equalJson, isObject, shownJson } from "../../runtime/json.ts";
import { trackUpdate } from "./managed-fields/track-update.ts";
import { validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { shapeMetadata } from "./field-shape.ts";
import { NAMESPACE_KEY } from "./namespaces.ts";
import { parseObject } from "./state.ts";
import type { Transaction } from "./transaction.ts";
import { apiVersionOf, typeKey, type TypeDefinition } from "./type-definition.ts";

/** What a write answers. */
export interface Written {
  object: KubernetesObject;
  created: boolean;
  /** False when the write changed nothing. */
  changed: boolean;
  /** Paths of fields that were dropped because the schema does not know them. */
  unknownFields: readonly string[];
}

export interface CreateOptions {
  manager: string;
  ephemeral?: boolean;
  /** Ownership that server-side apply worked out; left out: computed as for an update by `manager`. */
  managedFields?: ManagedFieldsEntry[];
}

export interface ReplaceOptions {
  manager: string;
  /** Only the status is taken over. */
  status: boolean;
  managedFields?: ManagedFieldsEntry[];
  /** A write without resourceVersion is allowed: patches and apply, whose object starts from the stored one. */
  unconditional?: boolean;
}

/** Characters of generated names, as apimachinery `util/rand` has them: no vowels, nothing that looks like another. */
const NAME_CHARACTERS = "bcdfghjklmnpqrstvwxz2456789";
const GENERATED_LENGTH = 5;
const LONGEST_GENERATE_NAME = 63 - GENERATED_LENGTH;

function generatedName(tx: Transaction, prefix: string): string {
  let suffix = "";
  for (let index = 0; index < GENERATED_LENGTH; index += 1) {
    suffix += NAME_CHARACTERS[Math.floor(tx.random.next() * NAME_CHARACTERS.length)] ?? "b";
  }
  return prefix.slice(0, LONGEST_GENERATE_NAME) + suffix;
}

/** Empty maps and lists of metadata are as good as absent: Go leaves them out when it serialises ObjectMeta. */
function dropEmpty(metadata: ObjectMeta): void {
  for (const field of [
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "generateName",
    "selfLink",
  ] as const) {
    const value: unknown = (metadata as unknown as Record<string, unknown>)[field];
    if (value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0)) {
      delete (metadata as unknown as Record<string, unknown>)[field];
    }
  }
}

/** @throws ApiError 422 for another kind, 400 for another apiVersion */
function checkKind(definition: TypeDefinition, object: KubernetesObject): void {
  const { type } = definition;
  const expected = apiVersionOf(type);
  if (object.apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${shownJson(object.apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
  if (object.kind !== type.kind) {
    throw invalid({ ...type, kind: shownJson(object.kind) }, object.metadata?.name ?? "", [
      {
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(object.kind)}: must be ${type.kind}`,
        field: "kind",
      },
    ]);
  }
}

/** @throws ApiError 404 for a missing namespace, 403 for one that is being deleted */
function checkNamespace(tx: Transaction, definition: TypeDefinition, namespace: string, name: string): void {
  const found = tx.state.collection(NAMESPACE_KEY).get("", namespace);
  const namespaceType = tx.definition(NAMESPACE_KEY);
  if (found === undefined) {
    if (namespaceType === undefined) return;
    throw notFound(namespaceType.type, namespace);
  }
  if (found.terminating) {
    const why = `namespace ${namespace} is being terminated`;
    throw forbidden(
      definition.type,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      [{ reason: "NamespaceTerminating", message: why, field: "metadata.namespace" }],
    );
  }
}

/**
 * Creates an object.
 * @param submitted not changed
 * @throws ApiError 400, 403, 404 (namespace), 409 AlreadyExists, 422
 */
export function createObject(
  tx: Transaction,
  definition: TypeDefinition,
  submitted: KubernetesObject,
  options: CreateOptions,
): Written {
  const { type } = definition;
  const object = cloneJson(submitted);
  checkKind(definition, object);
  if (!isObject(object.metadata)) object.metadata = { name: "" };
  const { metadata } = object;
  const unknownMetadata = shapeMetadata(type, metadata);
  if (
    metadata.resourceVersion !== undefined &&
    metadata.resourceVersion !== "" &&
    metadata.resourceVersion !== "0"
  ) {
    // kube-apiserver says so with this code and no reason.
    throw new ApiError({
      code: 500,
      reason: "",
      message: "resourceVersion should not be set on objects to be created",
    });
  }
  if (type.namespaced) {
    if (metadata.namespace === undefined || metadata.namespace === "") {
      throw badRequest("an empty namespace may not be set during creation");
    }
  } else delete metadata.namespace;
  if (
    (metadata.name === undefined || metadata.name === "") &&
    metadata.generateName !== undefined &&
    metadata.generateName !== ""
  ) {
    metadata.name = generatedName(tx, metadata.generateName);
  }
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  const given = metadata.managedFields;
  delete metadata.managedFields;
  dropEmpty(metadata);
  if (type.namespaced) checkNamespace(tx, definition, metadata.namespace ?? "", metadata.name ?? "");
  if (definition.hasStatus) delete object["status"];
  metadata.uid = tx.random.uuid();
  metadata.creationTimestamp = tx.time;
  if (definition.hasGeneration) metadata.generation = 1;
  else delete metadata.generation;
  const prepared = definition.prepare?.(object, { status: false });
  const unknownFields = [...unknownMetadata, ...(prepared?.unknownFields ?? [])];
  const causes = validateMetadata(type, metadata);
  causes.push(...(definition.validate?.(object, { status: false, causes }) ?? []));
  if (causes.length > 0) throw invalid(type, metadata.name ?? "", causes);
  const present = tx.get(definition, metadata.namespace ?? "", metadata.name);
  if (present !== undefined) throw alreadyExists(type, metadata.name);
  const managed =
    options.managedFields ??
    trackUpdate({
      definition,
      old: undefined,
      next: object,
      given,
      manager: options.manager,
      status: false,
      time: tx.time,
    });
  if (managed.length > 0) metadata.managedFields = managed;
  const sorted = inOrder(object);
  tx.put(definition, sorted, undefined, options.ephemeral === true ? { ephemeral: true } : {});
  return { object: sorted, created: true, changed: true, unknownFields };
}

/** Fields in the order kubectl prints them: alphabetical at the root and in metadata, as kube-apiserver serialises. */
function inOrder(object: KubernetesObject): KubernetesObject {
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(object).toSorted()) {
    const value = object[key];
    if (value === undefined) continue;
    sorted[key] = key === "metadata" ? sortKeys(value as Record<string, unknown>) : value;
  }
  return sorted as unknown as KubernetesObject;
}

function sortKeys(value: Record<string, unknown>): Record<string, unknown> {
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).toSorted()) if (value[key] !== undefined) sorted[key] = value[key];
  return sorted;
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

/**
 * Replaces a stored object, or its status.
 * @param submitted not changed
 * @throws ApiError 400, 409 Conflict, 422
 */
export function replaceObject(
  tx: Transaction,
  definition: TypeDefinition,
  stored: StoredObject,
  submitted: KubernetesObject,
  options: ReplaceOptions,
): Written {
  const { type } = definition;
  checkKind(definition, submitted);
  const old = parseObject(stored.text);
  const asked = isObject(submitted.metadata) ? submitted.metadata : { name: stored.name };
  if (asked.name !== stored.name) {
    throw badRequest(
      `the name of the object (${shownJson(asked.name)}) does not match the name on the URL (${stored.name})`,
    );
  }
  if (type.namespaced && asked.namespace !== undefined && asked.namespace !== stored.namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (asked.resourceVersion === undefined || asked.resourceVersion === "" || asked.resourceVersion === "0") {
    // Custom resources have no unconditional update, core types have.
    if (options.unconditional !== true && definition.schema !== undefined) {
      throw invalid({ ...type, kind: type.plural }, stored.name, [
        {
          reason: "FieldValueInvalid",
          message: "Invalid value: 0: must be specified for an update",
          field: "metadata.resourceVersion",
        },
      ]);
    }
  } else if (asked.resourceVersion !== old.metadata.resourceVersion) {
    throw modified(type, stored.name);
  }
  const otherUid = asked.uid !== undefined && asked.uid !== "" && asked.uid !== old.metadata.uid;
  if (otherUid && options.unconditional === true) {
    throw invalid(type, stored.name, [
      {
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(asked.uid)}: field is immutable`,
        field: "metadata.uid",
      },
    ]);
  }
  if (otherUid) {
    throw conflict(
      type,
      stored.name,
      `Precondition failed: UID in precondition: ${asked.uid ?? ""}, UID in object meta: ${old.metadata.uid ?? ""}`,
    );
  }

  let object: KubernetesObject;
  if (options.status) {
    const { status: _, metadata: kept, ...content } = old;
    const { managedFields, ...named } = kept;
    object = { ...cloneJson(content), metadata: cloneJson(named) };
    if (managedFields !== undefined) object.metadata.managedFields = managedFields;
    if (submitted["status"] !== undefined) object["status"] = cloneJson(submitted["status"]);
  } else {
    object = cloneJson(submitted);
    object.metadata = { ...object.metadata };
    if (definition.hasStatus) {
      if (old["status"] === undefined) delete object["status"];
      else object["status"] = old["status"];
    }
  }
  const { metadata } = object;
  const unknownMetadata = shapeMetadata(type, metadata);
  metadata.name = stored.name;
  dropEmpty(metadata);
  keep(metadata, old.metadata, [
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
    "generateName",
  ]);
  const given = metadata.managedFields;
  const prepared = definition.prepare?.(object, { old, status: options.status });
  const unknownFields = [...unknownMetadata, ...(prepared?.unknownFields ?? [])];
  if (definition.hasGeneration && !options.status && contentChanged(old, object, definition)) {
    metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  const causes = [...validateMetadata(type, metadata), ...validateMetadataUpdate(metadata, old.metadata)];
  causes.push(...(definition.validate?.(object, { old, status: options.status, causes }) ?? []));
  if (causes.length > 0) throw invalid(type, stored.name, causes);

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

  if (equalJson(withoutTimes(old), withoutTimes(object))) {
    return { object: old, created: false, changed: false, unknownFields };
  }
  const sorted = inOrder(object);
  if (metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0) {
    return { object: tx.remove(stored, sorted), created: false, changed: true, unknownFields };
  }
  tx.put(definition, sorted, stored);
  return { object: sorted, created: false, changed: true, unknownFields };
}

function keep<T extends object>(target: T, source: T, fields: readonly (keyof T)[]): void {
  for (const field of fields) {
    if (source[field] === undefined) delete target[field];
    else target[field] = source[field];
  }
}

/** The definition under which objects of a type are stored: its own, or that of the type it is a view of. */
export function storedDefinition(tx: Transaction, definition: TypeDefinition): TypeDefinition {
  if (definition.viewOf === undefined) return definition;
  return tx.definition(typeKey(definition.viewOf.type)) ?? definition;
}
