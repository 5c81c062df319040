/** OpenAPI v3 structural schemas, as CustomResourceDefinitions hold them, made from zod schemas. */
import { z } from "zod";
import type { KindDefinition } from "../kind.ts";

/** A CEL rule inside a schema (`x-kubernetes-validations`). */
interface ValidationRule {
  rule: string;
  message: string;
}

/** The part of OpenAPI v3 that our CustomResourceDefinitions use. */
export interface StructuralSchema {
  description?: string;
  type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  format?: string;
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  required?: string[];
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-map-type"?: "atomic" | "granular";
  "x-kubernetes-validations"?: ValidationRule[];
}

/** Keys in the order they are written; what is not here is not allowed in a schema. */
const KEYS = [
  "description",
  "type",
  "format",
  "default",
  "enum",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "required",
  "properties",
  "additionalProperties",
  "items",
  "x-kubernetes-validations",
] as const;

type Raw = Record<string, unknown>;

const isRaw = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A zod schema as a structural schema.
 * @param path used in errors
 * @throws Error for what a structural schema cannot say, naming the place and what to use instead
 */
function structuralSchema(schema: z.ZodType, path: string): StructuralSchema {
  return rewrite(z.toJSONSchema(schema, { target: "openapi-3.0", io: "input" }) as Raw, path);
}

function rewrite(raw: Raw, path: string): StructuralSchema {
  const source = collapseAlternatives(raw, path);
  const result: Raw = {};
  for (const key of KEYS) {
    const value = source[key];
    if (value === undefined) continue;
    if (key === "properties") {
      const properties: Record<string, StructuralSchema> = {};
      for (const [name, child] of Object.entries(value as Record<string, Raw>)) {
        properties[name] = rewrite(child, `${path}.${name}`);
      }
      result[key] = properties;
    } else if (key === "items") {
      if (!isRaw(value))
        throw new Error(`${path}: tuples have no structural schema; use an array of one item type`);
      result[key] = rewrite(value, `${path}[]`);
    } else if (key === "additionalProperties") {
      if (value === false)
        throw new Error(`${path}: use z.object, not z.strictObject; unknown fields are reported by the API`);
      if (!isRaw(value)) throw new Error(`${path}: use z.record with a value type instead of a loose object`);
      result[key] = rewrite(value, `${path}{}`);
    } else result[key] = value;
  }
  for (const key of Object.keys(source)) {
    if (!(KEYS as readonly string[]).includes(key) && key !== "propertyNames") {
      throw new Error(`${path}: ${key} has no place in a structural schema`);
    }
  }
  return tidy(result, path);
}

/** `a literal or text by a pattern` becomes one string schema; other unions have no structural form. */
function collapseAlternatives(raw: Raw, path: string): Raw {
  const { anyOf, ...rest } = raw;
  if (anyOf === undefined) return raw;
  const branches = anyOf as Raw[];
  if (branches.every((branch) => Array.isArray(branch["enum"]))) {
    return {
      ...rest,
      type: branches[0]?.["type"],
      enum: branches.flatMap((branch) => branch["enum"] as unknown[]),
    };
  }
  if (!branches.every((branch) => branch["type"] === "string")) {
    throw new Error(
      `${path}: a union of different types has no structural schema; use optional fields and a rule`,
    );
  }
  const patterns: string[] = [];
  const lengths: number[] = [];
  for (const branch of branches) {
    if (Array.isArray(branch["enum"])) {
      const literals = branch["enum"] as string[];
      patterns.push(...literals.map((literal) => `^${literal.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`));
      lengths.push(...literals.map((literal) => literal.length));
    } else if (typeof branch["pattern"] === "string" && typeof branch["maxLength"] === "number") {
      patterns.push(branch["pattern"]);
      lengths.push(branch["maxLength"]);
    } else throw new Error(`${path}: a branch of a union of strings needs a pattern and a maximal length`);
  }
  return { ...rest, type: "string", pattern: patterns.join("|"), maxLength: Math.max(...lengths) };
}

function tidy(schema: StructuralSchema, path: string): StructuralSchema {
  if (schema.type === undefined)
    throw new Error(`${path}: has no type; a field of unknown type cannot be validated`);
  // zod's own patterns for formats are hundreds of characters that Go would compile for nothing: the format is checked.
  if (schema.format !== undefined) delete schema.pattern;
  if (schema.type === "integer") {
    schema.format = "int64";
    if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
    if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  }
  // Go's RE2 and JavaScript agree only outside of these.
  if (schema.pattern !== undefined && /\(\?[=!<]|\\[1-9]/.test(schema.pattern)) {
    throw new Error(
      `${path}: pattern ${schema.pattern} uses look-around or back-references, which Go's RE2 does not have`,
    );
  }
  return schema;
}

/** The schemas that a dotted rule path (`spec.secrets[].from`) names. */
function schemaAt(root: StructuralSchema, path: string): StructuralSchema {
  let schema: StructuralSchema | undefined = root;
  for (const part of path.split(".")) {
    const name = part.replace("[]", "");
    schema = schema?.properties?.[name];
    if (part.endsWith("[]")) schema = schema?.items;
  }
  if (schema === undefined) throw new Error(`a rule names ${path}, which is not in the schema`);
  return schema;
}

/**
 * The whole object's schema of a kind, with its cross-field rules in place.
 * @throws Error for fields that have no structural schema
 */
export function kindSchema(kind: KindDefinition): StructuralSchema {
  const status = structuralSchema(kind.status, "status");
  const root: StructuralSchema = {
    description: kind.description,
    type: "object",
    required: ["spec"],
    properties: {
      apiVersion: {
        description: "Version of the schema of this object: flaresmith.dev/v1alpha1.",
        type: "string",
      },
      kind: { description: `Kind of this object: ${kind.kind}.`, type: "string" },
      metadata: { type: "object" },
      spec: { ...structuralSchema(kind.spec, "spec"), description: "What is wanted." },
      // On the object, not on the nested field: a default below an absent parent never applies.
      status: {
        ...status,
        description: "What is the case; written by the controller only.",
        default: { observedGeneration: -1 },
      },
    },
  };
  for (const rule of kind.rules) {
    const target = schemaAt(root, rule.path);
    target["x-kubernetes-validations"] = [
      ...(target["x-kubernetes-validations"] ?? []),
      { rule: rule.cel, message: rule.message },
    ];
  }
  return root;
}
