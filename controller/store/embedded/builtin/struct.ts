/**
 * Objects of built-in types as a Go API server keeps them: decoded into structs, so unknown fields are dropped, values of
 * the wrong type refused, and zero values written or left out as the struct's JSON tags say.
 */
import type { StructuralSchema } from "../../../../crds/schema/structural.ts";
import { badRequest } from "../errors.ts";
import { readMicroTime, readTime } from "../go-time.ts";
import { isObject, setField } from "../../../runtime/json.ts";
import type { Decoded, TypeDefinition } from "../type-definition.ts";

/**
 * The schema of a Go struct. A field with a `default` is written even when it has its zero value (no `omitempty`); one
 * that is `nullable` is a pointer, whose zero value differs from an absent one.
 */
export interface StructSchema extends StructuralSchema {
  nullable?: boolean;
  properties?: Record<string, StructSchema>;
  additionalProperties?: StructSchema;
  items?: StructSchema;
}

const text = (description: string): StructSchema => ({ description, type: "string" });

/** Fields of structs, in the words of `kubectl explain`. */
export const field = {
  text,
  /** A text that is written even when it is empty. */
  plainText: (description: string): StructSchema => ({ ...text(description), default: "" }),
  /** A pointer to a text. */
  textPointer: (description: string): StructSchema => ({ ...text(description), nullable: true }),
  integer: (description: string): StructSchema => ({ description, type: "integer", format: "int32" }),
  integerPointer: (description: string): StructSchema => ({ ...field.integer(description), nullable: true }),
  flagPointer: (description: string): StructSchema => ({ description, type: "boolean", nullable: true }),
  time: (description: string): StructSchema => ({ description, type: "string", format: "date-time" }),
  /** With six digits after the second. */
  microTime: (description: string): StructSchema => ({ description, type: "string", format: "micro-time" }),
  /** A time that is written as null when it is not set. */
  plainTime: (time: StructSchema): StructSchema => ({ ...time, default: null }),
  texts: (description: string): StructSchema => ({
    description,
    type: "object",
    additionalProperties: { type: "string", default: "" },
  }),
  /** Bytes by key, in base64. */
  bytes: (description: string): StructSchema => ({
    description,
    type: "object",
    additionalProperties: { type: "string", format: "byte", default: "" },
  }),
  /** A struct behind a pointer. */
  pointer: (description: string, properties: Record<string, StructSchema>): StructSchema => ({
    description,
    type: "object",
    properties,
  }),
  /** A struct that is always written. */
  struct: (description: string, properties: Record<string, StructSchema>): StructSchema => ({
    ...field.pointer(description, properties),
    default: {},
  }),
} as const;

/** The schema of an object from those of its fields besides `apiVersion`, `kind` and `metadata`. */
export function objectSchema(description: string, properties: Record<string, StructSchema>): StructSchema {
  return { description, type: "object", properties };
}

/** What an object has before anything is written into it. */
export function zeroObject(schema: StructSchema): Record<string, unknown> {
  const zero: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (child.default !== undefined) zero[name] = isObject(child.default) ? zeroObject(child) : child.default;
  }
  return zero;
}

/** A value as it is kept; undefined when it is left out. */
type Kept = unknown;

class Decoder {
  readonly unknownFields: string[] = [];
  readonly #definition: TypeDefinition;

  constructor(definition: TypeDefinition) {
    this.#definition = definition;
  }

  /** The words of Go's decoder. The value itself is left out: it may be a secret. */
  #wrong(path: string, value: unknown, wanted: string): Error {
    const { kind, version } = this.#definition.type;
    const given = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    return badRequest(
      `${kind} in version "${version}" cannot be handled as a ${kind}: json: cannot unmarshal ${given} into Go struct field ${kind}.${path} of type ${wanted}`,
    );
  }

  #unreadable(path: string, why: string): Error {
    const { kind, version } = this.#definition.type;
    return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${path}: ${why}`);
  }

  value(value: unknown, schema: StructSchema, path: string): Kept {
    if (value === null || value === undefined) return undefined;
    switch (schema.type) {
      case "object":
        if (!isObject(value)) throw this.#wrong(path, value, "object");
        return schema.additionalProperties === undefined
          ? this.struct(value, schema, path)
          : this.#map(value, schema.additionalProperties, path);
      case "array":
        return this.#list(value, schema.items ?? {}, path);
      case "integer":
        if (typeof value !== "number" || !Number.isInteger(value)) throw this.#wrong(path, value, "int32");
        if (Math.abs(value) > 2 ** 31) throw this.#wrong(path, value, "int32");
        return value === 0 && schema.nullable !== true ? undefined : value;
      case "boolean":
        if (typeof value !== "boolean") throw this.#wrong(path, value, "bool");
        return value || schema.nullable === true ? value : undefined;
      default:
        return this.#text(value, schema, path);
    }
  }

  struct(value: Record<string, unknown>, schema: StructSchema, path: string): Record<string, unknown> {
    const kept: Record<string, unknown> = {};
    for (const [name, given] of Object.entries(value)) {
      const at = path === "" ? name : `${path}.${name}`;
      const child = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined;
      if (child === undefined) this.unknownFields.push(at);
      else {
        const one = this.value(given, child, at);
        if (one !== undefined) kept[name] = one;
      }
    }
    return { ...zeroObject(schema), ...kept };
  }

  #map(value: Record<string, unknown>, schema: StructSchema, path: string): Kept {
    const kept: Record<string, unknown> = {};
    for (const [key, given] of Object.entries(value))
      setField(kept, key, this.value(given, schema, path) ?? schema.default);
    return Object.keys(kept).length === 0 ? undefined : kept;
  }

  #list(value: unknown, schema: StructSchema, path: string): Kept {
    if (!Array.isArray(value)) throw this.#wrong(path, value, "array");
    const kept = value.map((item, index) => this.value(item, schema, `${path}[${index}]`) ?? schema.default);
    return kept.length === 0 ? undefined : kept;
  }

  #text(value: unknown, schema: StructSchema, path: string): Kept {
    if (typeof value !== "string") throw this.#wrong(path, value, "string");
    if (schema.format === "date-time" || schema.format === "micro-time") {
      const time = schema.format === "micro-time" ? readMicroTime(value) : readTime(value);
      if (time === undefined) throw this.#unreadable(path, `${JSON.stringify(value)} is no ${schema.format}`);
      return time;
    }
    if (schema.format === "byte") {
      const bytes = value.replaceAll(/[\r\n]/g, "");
      if (!BASE64.test(bytes)) throw this.#unreadable(path, "illegal base64 data");
      return bytes === "" ? schema.default : bytes;
    }
    return value === "" && schema.nullable !== true ? schema.default : value;
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/**
 * Brings an object of a built-in type into its stored form, in place. Metadata is left alone.
 * @throws ApiError 400 for a value of the wrong type
 */
export function decodeStruct(object: Record<string, unknown>, definition: TypeDefinition): Decoded {
  const decoder = new Decoder(definition);
  const { apiVersion: _, kind: __, metadata: ___, ...content } = object;
  const kept = decoder.struct(content, definition.schema ?? {}, "");
  for (const name of Object.keys(content)) delete object[name];
  Object.assign(object, kept);
  return { unknownFields: decoder.unknownFields.toSorted() };
}
