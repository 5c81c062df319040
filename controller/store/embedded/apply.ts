/** Server-side apply: create or merge, with ownership of every field. */
import { ApiError, type KubernetesObject } from "../resource-client.ts";
import { badRequest, conflict, notFound } from "./errors.ts";
import { allowedByLastApplied, LAST_APPLIED, syncLastApplied } from "./managed-fields/last-applied.ts";
import {
  decodeManagers,
  encodeManagers,
  managerId,
  printManager,
  type Managers,
} from "./managed-fields/managers.ts";
import { applyOwnership, ownershipAfterUpdate, type FieldConflict } from "./managed-fields/ownership.ts";
import { has, printPath } from "./managed-fields/path-set.ts";
import { shownJson } from "../../runtime/json.ts";
import { parseObject } from "./state.ts";
import type { Transaction } from "./transaction.ts";
import { apiVersionOf, type TypeDefinition } from "./type-definition.ts";
import { checkApplied } from "./managed-fields/check-applied.ts";
import { createObject } from "./create-object.ts";
import { decodeObject, type DecodeOptions } from "./decode-object.ts";
import { replaceObject } from "./replace-object.ts";
import type { Written } from "./stored-form.ts";

export interface ApplyRequest extends DecodeOptions {
  manager: string;
  status: boolean;
  /** Take over fields that others own. */
  force: boolean;
  warn?: ((text: string) => void) | undefined;
}

/** Owner of the fields an untracked object had before it was first applied. */
const BEFORE_FIRST_APPLY = "before-first-apply";
/** The manager that `kubectl apply --server-side` uses unless told otherwise. */
const KUBECTL = "kubectl";

/**
 * Applies a configuration.
 * @throws ApiError 400; 404 (status of an absent object); 409 with a cause for every field in conflict; 422
 */
export function applyObject(
  tx: Transaction,
  definition: TypeDefinition,
  config: KubernetesObject,
  options: ApplyRequest,
): Written {
  const { type } = definition;
  const { metadata } = config;
  if (config.apiVersion !== apiVersionOf(type)) {
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${shownJson(config.apiVersion)}, expected: ${apiVersionOf(type)}`,
    );
  }
  const { name = metadata.name, namespace = metadata.namespace ?? "" } = options.place ?? {};
  const stored = tx.get(definition, type.namespaced ? namespace : "", name);
  if (stored === undefined && options.status) throw notFound(type, name);
  if (metadata.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
  checkApplied(definition, config);
  const live = stored === undefined ? undefined : parseObject(stored.text);
  const applied = applyOwnership({
    definition,
    live,
    config,
    managers: managersOf(definition, live, tx.time),
    manager: options.manager,
    status: options.status,
    time: tx.time,
  });
  const conflicts = options.force ? [] : unallowed(definition, live, applied.conflicts, options.manager);
  if (conflicts.length > 0) throw applyConflict(conflicts);
  const { resourceVersion = "" } = metadata;
  if (!/^[0-9]*$/.test(resourceVersion))
    throw badRequest(`resource version ${JSON.stringify(resourceVersion)} is not one that a server gave out`);
  const { object } = applied;
  // When a custom resource was made is not for its configuration to say, whatever it says.
  if (definition.builtIn !== true) delete object.metadata.creationTimestamp;
  if (options.manager === KUBECTL && live?.metadata.annotations?.[LAST_APPLIED] !== undefined)
    syncLastApplied(object, config);
  const managedFields = encodeManagers(applied.managers);
  if (stored === undefined && (metadata.uid ?? "") !== "") {
    throw conflict(
      type,
      name,
      `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`,
    );
  }
  const { place, onDecoded } = options;
  decodeObject(definition, object, { place, onDecoded, applied: true });
  if (stored === undefined || live === undefined) {
    // A version asks for nothing when there is no object yet; kube-apiserver lets it pass.
    delete object.metadata.resourceVersion;
    const { manager, warn } = options;
    return createObject(tx, definition, object, { manager, warn, managedFields });
  }
  return replaceObject(tx, definition, stored, object, {
    manager: options.manager,
    status: options.status,
    warn: options.warn,
    managedFields,
    derived: true,
  });
}

/** The ownership of a stored object; what an untracked object has belongs to a manager of its own. */
function managersOf(definition: TypeDefinition, live: KubernetesObject | undefined, time: string): Managers {
  const entries = live?.metadata.managedFields ?? [];
  if (live === undefined || entries.length > 0) return decodeManagers(entries);
  return ownershipAfterUpdate({
    definition,
    old: undefined,
    next: live,
    managers: new Map(),
    manager: BEFORE_FIRST_APPLY,
    status: false,
    time,
  });
}

/** `kubectl apply --server-side` may take over what `kubectl apply` set and nobody changed since. */
function unallowed(
  definition: TypeDefinition,
  live: KubernetesObject | undefined,
  conflicts: readonly FieldConflict[],
  manager: string,
): readonly FieldConflict[] {
  if (manager !== KUBECTL || live === undefined || conflicts.length === 0) return conflicts;
  const allowed = allowedByLastApplied(definition, live);
  return allowed === undefined ? conflicts : conflicts.filter(({ path }) => !has(allowed, path));
}

function applyConflict(conflicts: readonly FieldConflict[]): ApiError {
  return new ApiError({
    code: 409,
    reason: "Conflict",
    message: conflictMessage(conflicts),
    causes: conflicts.map(({ owner, path }) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${printManager(owner)}`,
      field: printPath(path),
    })),
  });
}

function conflictMessage(conflicts: readonly FieldConflict[]): string {
  const [only] = conflicts;
  if (only !== undefined && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${printManager(only.owner)}: ${printPath(only.path)}`;
  }
  const byOwner = new Map<string, FieldConflict[]>();
  for (const one of conflicts) {
    const id = managerId(one.owner);
    byOwner.set(id, [...(byOwner.get(id) ?? []), one]);
  }
  const lines: string[] = [];
  for (const id of [...byOwner.keys()].toSorted()) {
    const [first, ...rest] = byOwner.get(id) ?? [];
    if (first === undefined) continue;
    lines.push(`conflicts with ${printManager(first.owner)}:`);
    for (const one of [first, ...rest]) lines.push(`- ${printPath(one.path)}`);
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}
