/** Create: the rules that hold for every type (apiserver `registry/rest` and `registry/generic`). */
import { ApiError, type KubernetesObject, type ManagedFieldsEntry } from "../resource-client.ts";
import { alreadyExists, badRequest, forbidden, generatedNameTaken, notFound } from "./errors.ts";
import { cloneJson } from "../../runtime/json.ts";
import { trackUpdate } from "./managed-fields/track-update.ts";
import { finalizerWarnings } from "./metadata.ts";
import { NAMESPACE_KEY } from "./namespaces.ts";
import { dropEmpty, inOrder, type Written } from "./stored-form.ts";
import type { Transaction } from "./transaction.ts";
import type { TypeDefinition } from "./type-definition.ts";
import { validateObject } from "./validate-object.ts";

export interface CreateOptions {
  manager: string;
  /** Takes what the client should know although the write succeeds. */
  warn?: ((text: string) => void) | undefined;
  ephemeral?: boolean;
  /** Ownership that server-side apply worked out; left out: computed as for an update by `manager`. */
  managedFields?: ManagedFieldsEntry[];
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

/** @throws ApiError 500 without a reason, as kube-apiserver answers */
function checkVersion(version: string | undefined): void {
  if (version === undefined || !/^0*[1-9][0-9]*$/.test(version)) return;
  throw new ApiError({
    code: 500,
    reason: "",
    message: "resourceVersion should not be set on objects to be created",
  });
}

/**
 * Creates an object.
 * @param decoded in its stored form; handed over
 * @throws ApiError 400, 403, 404 (namespace), 409 AlreadyExists, 422
 */
export function createObject(
  tx: Transaction,
  definition: TypeDefinition,
  decoded: KubernetesObject,
  options: CreateOptions,
): Written {
  const { type } = definition;
  const object = decoded;
  const { metadata } = object;
  if (type.namespaced) {
    if ((metadata.namespace ?? "") === "")
      throw badRequest("an empty namespace may not be set during creation");
  } else delete metadata.namespace;
  if ((metadata.name ?? "") === "" && (metadata.generateName ?? "") !== "")
    metadata.name = generatedName(tx, metadata.generateName ?? "");
  const { resourceVersion, managedFields: given } = metadata;
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.managedFields;
  dropEmpty(metadata);
  if (type.namespaced) checkNamespace(tx, definition, metadata.namespace ?? "", metadata.name ?? "");
  if (definition.hasStatus) {
    if (definition.initialStatus === undefined) delete object["status"];
    else object["status"] = cloneJson(definition.initialStatus);
  }
  metadata.uid = tx.random.uuid();
  metadata.creationTimestamp = tx.time;
  if (definition.hasGeneration) metadata.generation = 1;
  validateObject(definition, object, { status: false });
  if (!tx.dryRun) checkVersion(resourceVersion);
  if (definition.builtIn !== true)
    finalizerWarnings(metadata, undefined).forEach((text) => options.warn?.(text));
  const present = tx.get(definition, metadata.namespace ?? "", metadata.name);
  if (present !== undefined) {
    const { terminating } = present;
    throw (metadata.generateName ?? "") === ""
      ? alreadyExists(type, metadata.name, { terminating })
      : generatedNameTaken(type, metadata.name, { terminating });
  }
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
  definition.complete?.(object, { status: false });
  const sorted = inOrder(object);
  tx.put(definition, sorted, undefined, options.ephemeral === true ? { ephemeral: true } : {});
  return { object: sorted, created: true, changed: true };
}
