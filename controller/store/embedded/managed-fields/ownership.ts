/**
 * Who owns which field after a write. The rules are those of Kubernetes' server-side apply (structured-merge-diff
 * `merge/update.go`, apimachinery `util/managedfields`): an applier owns exactly what it applied last, an updater what it changed.
 */
import type { KubernetesObject } from "../../resource-client.ts";
import { equalJson } from "../../../runtime/json.ts";
import type { Schema } from "../schema.ts";
import { apiVersionOf, type TypeDefinition } from "../type-definition.ts";
import { managerId, type ManagerEntry, type ManagerKey, type Managers } from "./managers.ts";
import {
  difference,
  EMPTY,
  intersection,
  isEmpty,
  pathSet,
  paths,
  recursiveDifference,
  union,
  type Path,
  type PathSet,
} from "./path-set.ts";
import { mergeSchema } from "./shape.ts";
import {
  compare,
  fieldSetOf,
  mergeValues,
  removeFields,
  withDeclaredParents,
  type Comparison,
} from "./values.ts";

/** Fields that nobody owns, because the server sets them or they name the object. */
const SYSTEM = pathSet(
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((field) => ["f:metadata", `f:${field}`]),
);

/** Updaters beyond this number are summed up, oldest first. */
const MAX_UPDATERS = 10;
const ANCIENT = "ancient-changes";

/** One field that another manager owns with another value. */
export interface FieldConflict {
  owner: ManagerEntry;
  path: Path;
}

/** What a verb cannot write is not owned by it. */
function ignored(definition: TypeDefinition, status: boolean): PathSet {
  if (!definition.hasStatus) return EMPTY;
  return status ? pathSet(["f:metadata"], ["f:spec"]) : pathSet(["f:status"]);
}

/** An object as ownership sees it: without managedFields. */
function owned(object: KubernetesObject | undefined): Record<string, unknown> | undefined {
  if (object === undefined) return undefined;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export interface UpdateOptions {
  definition: TypeDefinition;
  old: KubernetesObject | undefined;
  next: KubernetesObject;
  managers: Managers;
  manager: string;
  status: boolean;
  time: string;
}

function filtered(comparison: Comparison, without: PathSet): Comparison {
  return {
    added: recursiveDifference(comparison.added, without),
    modified: recursiveDifference(comparison.modified, without),
    removed: recursiveDifference(comparison.removed, without),
  };
}

/** Ownership after `manager` changed `old` into `next`: what it added or changed is its own now, what is gone is nobody's. */
export function ownershipAfterUpdate(options: UpdateOptions): Managers {
  const schema = mergeSchema(options.definition.schema);
  const changes = filtered(
    compare(owned(options.old) ?? options.definition.zero ?? {}, owned(options.next), schema),
    ignored(options.definition, options.status),
  );
  const managers = releaseChanged(options.managers, changes, undefined);
  const mine = difference(union(changes.added, changes.modified), SYSTEM);
  if (!isEmpty(mine)) {
    const key: ManagerKey = {
      manager: options.manager,
      operation: "Update",
      apiVersion: apiVersionOf(options.definition.type),
      subresource: options.status ? "status" : "",
    };
    const before = managers.get(managerId(key));
    managers.set(managerId(key), {
      ...key,
      fields: union(before?.fields ?? EMPTY, mine),
      time: options.time,
    });
  }
  return capUpdaters(managers);
}

/** Takes changed fields from all managers but one. */
function releaseChanged(managers: Managers, changes: Comparison, except: string | undefined): Managers {
  const changed = union(changes.modified, changes.added);
  const released: Managers = new Map();
  for (const [id, entry] of managers) {
    if (id === except) {
      released.set(id, entry);
      continue;
    }
    const fields = difference(difference(entry.fields, intersection(entry.fields, changed)), changes.removed);
    if (!isEmpty(fields)) released.set(id, { ...entry, fields });
  }
  return released;
}

function capUpdaters(managers: Managers): Managers {
  const updaters = [...managers.entries()]
    .filter(([, entry]) => entry.operation === "Update")
    .toSorted(([leftId, left], [rightId, right]) => {
      const [a, b] = [left.time ?? "", right.time ?? ""];
      return a === b ? (leftId < rightId ? -1 : 1) : a < b ? -1 : 1;
    });
  let excess = updaters.length - MAX_UPDATERS;
  if (excess <= 0) return managers;
  const capped = new Map(managers);
  const first = updaters[0]?.[1];
  if (first === undefined) return managers;
  const bucket: ManagerKey = {
    manager: ANCIENT,
    operation: "Update",
    apiVersion: first.apiVersion,
    subresource: "",
  };
  let sum: ManagerEntry = { ...bucket, fields: EMPTY, time: first.time };
  // The bucket itself takes a place, so one more updater than the excess goes into it.
  if (!capped.has(managerId(bucket))) excess += 1;
  for (const [id, entry] of updaters.slice(0, excess)) {
    sum = { ...sum, fields: union(sum.fields, entry.fields), time: entry.time };
    capped.delete(id);
  }
  const existing = capped.get(managerId(bucket));
  capped.set(managerId(bucket), { ...sum, fields: union(sum.fields, existing?.fields ?? EMPTY) });
  return capped;
}

export interface ApplyOwnershipOptions {
  definition: TypeDefinition;
  /** Undefined when the object does not exist yet. */
  live: KubernetesObject | undefined;
  config: KubernetesObject;
  managers: Managers;
  manager: string;
  status: boolean;
  time: string;
}

export interface Applied {
  object: KubernetesObject;
  /** Ownership if the conflicts are overridden or there are none. */
  managers: Managers;
  conflicts: FieldConflict[];
}

/** Merges an applied configuration: its fields are set, fields it no longer names and nobody else owns are removed. */
export function applyOwnership(options: ApplyOwnershipOptions): Applied {
  const schema = mergeSchema(options.definition.schema);
  const without = ignored(options.definition, options.status);
  const live = owned(options.live) ?? options.definition.zero ?? {};
  const key: ManagerKey = {
    manager: options.manager,
    operation: "Apply",
    apiVersion: apiVersionOf(options.definition.type),
    subresource: options.status ? "status" : "",
  };
  const id = managerId(key);
  const last = options.managers.get(id)?.fields ?? EMPTY;
  const managers = new Map(options.managers);
  const fields = recursiveDifference(fieldSetOf(options.config, schema), without);
  managers.set(id, { ...key, fields, time: options.time });
  const merged = mergeValues(live, options.config, schema);
  const object = prune({ merged, last, managers, schema }) as KubernetesObject;

  const changes = filtered(compare(live, object, schema), without);
  const changed = union(changes.modified, changes.added);
  const conflicts: FieldConflict[] = [];
  for (const [other, owner] of managers) {
    if (other === id) continue;
    for (const path of paths(intersection(owner.fields, changed))) conflicts.push({ owner, path });
  }
  const released = releaseChanged(managers, changes, id);
  const mine = difference(fields, SYSTEM);
  // An apply that changes nothing leaves its time alone.
  const time = equalJson(object, live) ? options.managers.get(id)?.time : options.time;
  if (isEmpty(mine)) released.delete(id);
  else released.set(id, { ...key, fields: mine, time });
  return { object, managers: released, conflicts };
}

/** Removes from the merged object what the manager owned before, does not own now and nobody else owns. */
function prune(options: { merged: unknown; last: PathSet; managers: Managers; schema: Schema }): unknown {
  const { merged, last, managers, schema } = options;
  if (isEmpty(last)) return merged;
  const lastWithParents = withDeclaredParents(last, schema);
  const fieldsOf = (value: unknown): PathSet => withDeclaredParents(fieldSetOf(value ?? {}, schema), schema);
  const mergedFields = fieldsOf(merged);
  // What becomes empty on the way is still there.
  let pruned = removeFields(merged, lastWithParents, schema, "null");
  let everyones: PathSet = EMPTY;
  for (const entry of managers.values()) everyones = union(everyones, entry.fields);
  const keep = union(fieldsOf(pruned), withDeclaredParents(everyones, schema));
  pruned = removeFields(merged, difference(mergedFields, keep), schema, "null");
  // What fell out only because its parent did, and was never this manager's, comes back.
  const gone = intersection(difference(mergedFields, fieldsOf(pruned)), lastWithParents);
  // kube-apiserver leaves a null in place of what becomes empty here, and then refuses it.
  return removeFields(merged, gone, schema, "empty");
}
