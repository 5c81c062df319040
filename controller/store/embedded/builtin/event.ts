/** Events: one stored object (core/v1), seen through two APIs. */
import type { KubernetesObject } from "../../resource-client.ts";
import { shapeObject, type Struct } from "../field-shape.ts";
import { isObject, setField } from "../../../runtime/json.ts";
import type { TypeDefinition } from "../type-definition.ts";

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const at = (object: KubernetesObject, field: string, inner: string): string => {
  const value = object[field];
  return isObject(value) ? text(value[inner]) : "";
};

const CORE = { group: "", version: "v1", kind: "Event", plural: "events", namespaced: true } as const;

/** Kept as long as kube-apiserver keeps them by default (`--event-ttl`), and never more than fit. */
const retention = { milliseconds: 3_600_000, capacity: 5_000 };

const involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"] as const;

const REFERENCE: Struct = {
  struct: "ObjectReference",
  fields: Object.fromEntries(involved.map((field) => [field, "string"])),
};
const FIELDS: Struct["fields"] = {
  involvedObject: REFERENCE,
  related: REFERENCE,
  source: { struct: "EventSource", fields: { component: "string", host: "string" } },
  series: { struct: "EventSeries", fields: { count: "number", lastObservedTime: "string" } },
  reason: "string",
  message: "string",
  firstTimestamp: "string",
  lastTimestamp: "string",
  eventTime: "string",
  count: "number",
  type: "string",
  action: "string",
  reportingComponent: "string",
  reportingInstance: "string",
};

/** core/v1 Event. */
export const eventType: TypeDefinition = {
  type: CORE,
  singular: "event",
  shortNames: ["ev"],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  retention,
  prepare: (object) => ({ unknownFields: shapeObject(CORE, FIELDS, object) }),
  selectableFields: {
    ...Object.fromEntries(
      involved.map((field) => [
        `involvedObject.${field}`,
        (object: KubernetesObject) => at(object, "involvedObject", field),
      ]),
    ),
    reason: (object) => text(object["reason"]),
    reportingComponent: (object) => text(object["reportingComponent"]) || at(object, "source", "component"),
    source: (object) => at(object, "source", "component") || text(object["reportingComponent"]),
    type: (object) => text(object["type"]),
  },
};

/** Fields of events.k8s.io/v1 whose name differs from core/v1. */
const RENAMED = [
  ["regarding", "involvedObject"],
  ["note", "message"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
  ["reportingController", "reportingComponent"],
] as const;

function rename(
  object: KubernetesObject,
  apiVersion: string,
  pairs: readonly (readonly [string, string])[],
): KubernetesObject {
  const names = new Map(pairs);
  const renamed: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) setField(renamed, names.get(key) ?? key, value);
  return { ...renamed, apiVersion, kind: "Event", metadata: object.metadata };
}

/** events.k8s.io/v1 Event: the same objects under the names of the newer API. */
export const newEventType: TypeDefinition = {
  ...eventType,
  type: { ...CORE, group: "events.k8s.io" },
  selectableFields: Object.fromEntries(
    Object.entries({ ...eventType.selectableFields }).map(([path, read]) => [
      path.replace("involvedObject.", "regarding.").replace("reportingComponent", "reportingController"),
      read,
    ]),
  ),
  viewOf: {
    type: CORE,
    fromStored: (object) =>
      rename(
        object,
        "events.k8s.io/v1",
        RENAMED.map(([newer, core]) => [core, newer] as const),
      ),
    toStored: (object) => rename(object, "v1", RENAMED),
  },
};
