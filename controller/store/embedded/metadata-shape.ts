/** The types of metadata's fields, which a Go API server enforces when it decodes ObjectMeta. */
import type { ObjectMeta, ResourceType } from "../resource-client.ts";
import { badRequest } from "./errors.ts";
import { isObject, setField } from "../../runtime/json.ts";
import { readTime } from "./go-time.ts";
import type { TypeDefinition } from "./type-definition.ts";

/** A scalar, `map` of text to text, a list of one of these, a struct, or anything that is an object. */
type FieldShape =
  | "string"
  | "number"
  | "boolean"
  | "time"
  | "strings"
  | "map"
  | "object"
  | Struct
  | readonly [Struct];

/** A Go struct: its fields by name in JSON. */
interface Struct {
  /** How messages name it, e.g. `ObjectMeta`. */
  struct: string;
  fields: Readonly<Record<string, FieldShape>>;
}

const GO_TYPES = {
  string: "string",
  number: "int64",
  boolean: "bool",
  time: "v1.Time",
  strings: "[]string",
  map: "map[string]string",
};

const OWNER: Struct = {
  struct: "OwnerReference",
  fields: {
    apiVersion: "string",
    kind: "string",
    name: "string",
    uid: "string",
    controller: "boolean",
    blockOwnerDeletion: "boolean",
  },
};

const MANAGED: Struct = {
  struct: "ManagedFieldsEntry",
  fields: {
    manager: "string",
    operation: "string",
    apiVersion: "string",
    time: "time",
    fieldsType: "string",
    fieldsV1: "object",
    subresource: "string",
  },
};

const METADATA: Struct = {
  struct: "ObjectMeta",
  fields: {
    name: "string",
    generateName: "string",
    namespace: "string",
    selfLink: "string",
    uid: "string",
    resourceVersion: "string",
    generation: "number",
    creationTimestamp: "time",
    deletionTimestamp: "time",
    deletionGracePeriodSeconds: "number",
    labels: "map",
    annotations: "map",
    finalizers: "strings",
    ownerReferences: [OWNER],
    managedFields: [MANAGED],
  },
};

/**
 * Drops, in place, nulls and fields that metadata does not have.
 * @returns the paths of the unknown fields, sorted
 * @throws ApiError 400 for a field of the wrong type, naming it
 */
export function shapeMetadata(definition: TypeDefinition, metadata: ObjectMeta): string[] {
  // A custom resource is decoded in two steps, a built-in type as a whole: messages name the field from there.
  const root = definition.builtIn === true ? "metadata." : "";
  const fields = metadata as unknown as Record<string, unknown>;
  return shaped({ type: definition.type, root }, METADATA, fields, "metadata.").toSorted();
}

interface Root {
  type: ResourceType;
  root: string;
}

function shaped(
  root: Root,
  { struct, fields }: Struct,
  value: Record<string, unknown>,
  path: string,
): string[] {
  const unknown: string[] = [];
  for (const [name, field] of Object.entries(value)) {
    const shape = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (shape === undefined) unknown.push(`${path}${name}`);
    // Go decodes a null into the zero value, and leaves that out when it encodes.
    if (shape === undefined || field === null || field === undefined) delete value[name];
    else unknown.push(...shapedField({ ...root, struct, name, path }, shape, field));
  }
  return unknown;
}

interface Place extends Root {
  struct: string;
  name: string;
  path: string;
}

function shapedField(place: Place, shape: FieldShape, field: unknown): string[] {
  const { name, path } = place;
  if (typeof shape === "object" && "struct" in shape) {
    if (!isObject(field)) throw wrong(place, field, `v1.${shape.struct}`);
    return shaped(place, shape, field, `${path}${name}.`);
  }
  if (typeof shape === "object") {
    const [item] = shape;
    if (!Array.isArray(field)) throw wrong(place, field, `[]v1.${item.struct}`);
    return (field as unknown[]).flatMap((one, index) => {
      if (!isObject(one)) throw wrong(place, one, `v1.${item.struct}`);
      return shaped(place, item, one, `${path}${name}[${index}].`);
    });
  }
  switch (shape) {
    case "object":
      if (!isObject(field)) throw wrong(place, field, "object");
      break;
    case "time":
      if (typeof field !== "string" || readTime(field) === undefined)
        throw wrong(place, field, GO_TYPES.time);
      break;
    case "map":
      if (!isObject(field)) throw wrong(place, field, GO_TYPES.map);
      for (const [key, one] of Object.entries(field)) {
        if (one === null) setField(field, key, "");
        else if (typeof one !== "string") throw wrong(place, one, "string");
      }
      break;
    case "strings": {
      if (!Array.isArray(field)) throw wrong(place, field, GO_TYPES.strings);
      const bad = (field as unknown[]).find((one) => typeof one !== "string");
      if (bad !== undefined) throw wrong(place, bad, "string");
      break;
    }
    default:
      if (typeof field !== shape) throw wrong(place, field, GO_TYPES[shape]);
  }
  return [];
}

function wrong({ type, root, struct, name }: Place, value: unknown, wanted: string): Error {
  const found = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  return badRequest(
    `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: json: cannot unmarshal ${found} into Go struct field ${struct}.${root}${name} of type ${wanted}`,
  );
}
