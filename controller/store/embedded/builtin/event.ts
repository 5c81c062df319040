/** Events: one stored object (core/v1), seen through two APIs. */
import type { KubernetesObject, StatusCause } from "../../resource-client.ts";
import { equalJson, isObject, setField } from "../../../runtime/json.ts";
import { qualifiedNameErrors } from "../metadata.ts";
import type { TypeDefinition, ValidationContext } from "../type-definition.ts";
import { decodeStruct, field, objectSchema, zeroObject, type StructSchema } from "./struct.ts";

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const at = (object: KubernetesObject, field: string, inner: string): string => {
  const value = object[field];
  return isObject(value) ? text(value[inner]) : "";
};

const CORE = { group: "", version: "v1", kind: "Event", plural: "events", namespaced: true } as const;

/** Kept as long as kube-apiserver keeps them by default (`--event-ttl`), and never more than fit. */
const retention = { milliseconds: 3_600_000, capacity: 5_000 };

const involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"] as const;

const reference = (description: string): StructSchema => ({
  ...field.pointer(description, {
    apiVersion: field.text("API version of the object."),
    kind: field.text("Kind of the object."),
    namespace: field.text("Namespace of the object."),
    name: field.text("Name of the object."),
    uid: field.text("Uid of the object."),
    resourceVersion: field.text("The version that is meant."),
    fieldPath: field.text("The part of the object that is meant."),
  }),
  "x-kubernetes-map-type": "atomic",
});

const schema = objectSchema("Something that happened to an object. Kept for an hour.", {
  involvedObject: { ...reference("The object that the event is about."), default: {} },
  reason: field.text("Why, in one word for programs."),
  message: field.text("What happened, for people."),
  source: field.struct("Where the event comes from.", {
    component: field.text("The component."),
    host: field.text("The machine."),
  }),
  firstTimestamp: field.plainTime(field.time("When it happened first.")),
  lastTimestamp: field.plainTime(field.time("When it happened last.")),
  count: field.integer("How often it happened."),
  type: field.text("Normal or Warning."),
  eventTime: field.plainTime(field.microTime("When it was observed.")),
  series: field.pointer("A row of equal events.", {
    count: field.integer("How many."),
    lastObservedTime: field.plainTime(field.microTime("The last one.")),
  }),
  action: field.text("What was done."),
  related: reference("Another object that plays a part."),
  reportingComponent: field.plainText("Which controller reports it."),
  reportingInstance: field.plainText("Which instance of the controller."),
});

const longest = { action: 128, reason: 128, message: 1024, reportingInstance: 128 } as const;

/** What core/v1 asks of an event (core validation `legacyValidateEvent`); more when it is of the newer form, with `eventTime`. */
function validateEvent(event: KubernetesObject): StatusCause[] {
  const causes: StatusCause[] = [];
  const invalid = (field: string, value: string, why: string): void => {
    causes.push({
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
      field,
    });
  };
  const namespace = event.metadata.namespace ?? "";
  const about = at(event, "involvedObject", "namespace");
  const isNewer = text(event["eventTime"]) !== "";
  const isElsewhere = isNewer
    ? about === "" && namespace !== "default" && namespace !== "kube-system"
    : about === ""
      ? namespace !== "default"
      : about !== namespace;
  if (isElsewhere) invalid("involvedObject.namespace", about, "does not match event.namespace");
  if (!isNewer) return causes;
  const reporter = text(event["reportingComponent"]);
  for (const why of qualifiedNameErrors(reporter)) invalid("reportingComponent", reporter, why);
  for (const field of ["reportingComponent", "reportingInstance", "action", "reason"]) {
    if (text(event[field]) === "")
      causes.push({ reason: "FieldValueRequired", message: "Required value", field });
  }
  for (const [field, limit] of Object.entries(longest)) {
    if (Buffer.byteLength(text(event[field])) > limit)
      invalid(field, "", `can have at most ${limit} characters`);
  }
  return causes;
}

/** core/v1 Event. */
export const eventType: TypeDefinition = {
  type: CORE,
  singular: "event",
  shortNames: ["ev"],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  retention,
  builtIn: true,
  unconditionalUpdate: true,
  createOnUpdate: true,
  anyName: true,
  schema,
  zero: zeroObject(schema),
  decode: (object) => decodeStruct(object, eventType),
  validate: validateEvent,
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

const newNames = new Map<string, string>(RENAMED.map(([newer, core]) => [core, newer]));

const newSchema: StructSchema = {
  ...schema,
  properties: Object.fromEntries(
    Object.entries({ ...schema.properties }).map(([name, child]) => [newNames.get(name) ?? name, child]),
  ),
};

/** Only the row of equal events goes on in the newer API (core validation `ValidateEventUpdate`, which names core fields). */
function validateNewEvent(event: KubernetesObject, { old }: ValidationContext): StatusCause[] {
  if (old === undefined) return [];
  return Object.keys(schema.properties ?? {})
    .filter((field) => field !== "series" && !equalJson(event[field], old[field]))
    .map((field) => ({
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(event[field] ?? (field === "count" ? 0 : ""))}: field is immutable`,
      field: field === "reportingComponent" ? "reportingController" : field,
    }));
}

/** events.k8s.io/v1 Event: the same objects under the names of the newer API. */
export const newEventType: TypeDefinition = {
  ...eventType,
  schema: newSchema,
  zero: zeroObject(newSchema),
  decode: (object) => decodeStruct(object, newEventType),
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
    validate: validateNewEvent,
  },
};
