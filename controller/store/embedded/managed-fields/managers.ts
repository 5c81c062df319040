/** `metadata.managedFields`: who owns which fields, decoded. */
import type { ManagedFieldsEntry } from "../../resource-client.ts";
import { decodeFields, encodeFields, isEmpty, type PathSet } from "./path-set.ts";

export interface ManagerKey {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  subresource: string;
}

export interface ManagerEntry extends ManagerKey {
  fields: PathSet;
  time: string | undefined;
}

/** Managers by identity. Apply entries are one per manager and subresource, whatever their version was. */
export type Managers = Map<string, ManagerEntry>;

export function managerId(key: ManagerKey): string {
  const version = key.operation === "Apply" ? "" : key.apiVersion;
  return JSON.stringify([key.manager, key.operation, version, key.subresource]);
}

/** @throws Error when an entry cannot be understood */
export function decodeManagers(entries: readonly ManagedFieldsEntry[]): Managers {
  const managers: Managers = new Map();
  for (const entry of entries) {
    if (entry.operation !== "Apply" && entry.operation !== "Update")
      throw new Error("operation must be `Apply` or `Update`");
    if (entry.fieldsType !== "FieldsV1") throw new Error("fieldsType must be `FieldsV1`");
    const key: ManagerKey = {
      manager: entry.manager ?? "",
      operation: entry.operation,
      apiVersion: entry.apiVersion,
      subresource: entry.subresource ?? "",
    };
    const fields = decodeFields(entry.fieldsV1);
    managers.set(managerId(key), { ...key, fields, time: entry.time });
  }
  return managers;
}

/** In the order of kube-apiserver: Apply before Update, then by time, manager, version, subresource. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  const order = (entry: ManagerEntry): string[] => [
    entry.operation,
    entry.time ?? "",
    entry.manager,
    entry.apiVersion,
    entry.subresource,
  ];
  return [...managers.values()]
    .filter((entry) => !isEmpty(entry.fields))
    .toSorted((left, right) => compareTexts(order(left), order(right)))
    .map((entry) => ({
      apiVersion: entry.apiVersion,
      fieldsType: "FieldsV1",
      fieldsV1: encodeFields(entry.fields),
      manager: entry.manager,
      operation: entry.operation,
      ...(entry.subresource === "" ? {} : { subresource: entry.subresource }),
      ...(entry.time === undefined ? {} : { time: entry.time }),
    }));
}

function compareTexts(left: readonly string[], right: readonly string[]): number {
  for (const [index, text] of left.entries()) {
    const other = right[index] ?? "";
    if (text !== other) return text < other ? -1 : 1;
  }
  return 0;
}

/** How a conflict names a manager. */
export function printManager(entry: ManagerEntry): string {
  const name = JSON.stringify(entry.manager);
  const subresource =
    entry.subresource === "" ? "" : ` with subresource ${JSON.stringify(entry.subresource)}`;
  return entry.operation === "Update"
    ? `${name}${subresource} using ${entry.apiVersion}`
    : `${name}${subresource}`;
}
