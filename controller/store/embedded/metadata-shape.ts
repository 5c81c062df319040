/** The types of metadata's fields, which a Go API server enforces when it decodes ObjectMeta. */
import type { ObjectMeta, ResourceType } from "../resource-client.ts";
import { badRequest } from "./errors.ts";
import { isObject } from "../../runtime/json.ts";

const FIELDS: Readonly<Record<string, "string" | "number" | "strings" | "map" | "objects">> = {
  name: "string",
  generateName: "string",
  namespace: "string",
  selfLink: "string",
  uid: "string",
  resourceVersion: "string",
  generation: "number",
  creationTimestamp: "string",
  deletionTimestamp: "string",
  deletionGracePeriodSeconds: "number",
  labels: "map",
  annotations: "map",
  finalizers: "strings",
  ownerReferences: "objects",
  managedFields: "objects",
};

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function wrong(type: ResourceType, field: string, value: unknown, wanted: string): Error {
  return badRequest(
    `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: json: cannot unmarshal ${jsonType(value)} into Go struct field ObjectMeta.${field} of type ${wanted}`,
  );
}

/**
 * Drops, in place, nulls and fields that metadata does not have.
 * @returns the paths of the unknown fields, sorted
 * @throws ApiError 400 for a field of the wrong type, naming it
 */
export function shapeMetadata(type: ResourceType, metadata: ObjectMeta): string[] {
  const fields = metadata as unknown as Record<string, unknown>;
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const wanted = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (value === null || value === undefined || wanted === undefined) {
      delete fields[name];
      if (wanted === undefined) unknown.push(`metadata.${name}`);
      continue;
    }
    switch (wanted) {
      case "string":
      case "number":
        if (typeof value !== wanted) throw wrong(type, name, value, wanted === "number" ? "int64" : "string");
        break;
      case "map":
        if (!isObject(value)) throw wrong(type, name, value, "map[string]string");
        for (const [key, one] of Object.entries(value)) {
          // Go decodes a null into the zero value.
          if (one === null) value[key] = "";
          else if (typeof one !== "string") throw wrong(type, name, one, "string");
        }
        break;
      case "strings":
      case "objects": {
        const fits = (one: unknown): boolean =>
          wanted === "strings" ? typeof one === "string" : isObject(one);
        if (!Array.isArray(value))
          throw wrong(type, name, value, wanted === "strings" ? "[]string" : "[]v1.Object");
        const bad: unknown = value.find((one: unknown) => !fits(one));
        if (bad !== undefined) throw wrong(type, name, bad, wanted === "strings" ? "string" : "object");
        break;
      }
    }
  }
  return unknown.toSorted();
}
