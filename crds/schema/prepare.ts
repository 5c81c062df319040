/**
 * What an API server does to a custom resource before it validates it: nulls and unknown fields go, defaults come
 * (apiextensions-apiserver `structural/pruning` and `structural/defaulting`).
 */
import { isFields, type Fields } from "./json.ts";
import type { StructuralSchema } from "./structural.ts";

/**
 * Removes, in place, every field the schema does not know. Metadata is left alone.
 * @returns their paths, e.g. `spec.secrets[0].form`, sorted
 */
export function pruneUnknownFields(object: Fields, schema: StructuralSchema): string[] {
  const unknown: string[] = [];
  prune(object, schema, "", unknown);
  return unknown.toSorted();
}

function prune(value: unknown, schema: StructuralSchema, path: string, unknown: string[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined) value.forEach((item, index) => prune(item, items, `${path}[${index}]`, unknown));
    return;
  }
  if (!isFields(value)) return;
  for (const key of Object.keys(value)) {
    const at = path === "" ? key : `${path}.${key}`;
    if (at === "metadata") continue;
    const child = property(schema, key) ?? schema.additionalProperties;
    if (child !== undefined) prune(value[key], child, at, unknown);
    else {
      delete value[key];
      unknown.push(at);
    }
  }
}

function property(schema: StructuralSchema, key: string): StructuralSchema | undefined {
  return schema.properties !== undefined && Object.hasOwn(schema.properties, key)
    ? schema.properties[key]
    : undefined;
}

/**
 * Sets, in place, the defaults of absent fields; a null counts as absent. Defaults are copied, never shared.
 * @param options.keepNulls leaves a null without a default where it is, for the validator to refuse
 */
export function applyDefaults(
  value: unknown,
  schema: StructuralSchema,
  options: { keepNulls?: boolean } = {},
): void {
  const { keepNulls = false } = options;
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) applyDefaults(item, schema.items, options);
    return;
  }
  if (!isFields(value)) return;
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    const present = Object.hasOwn(value, key) && value[key] !== null;
    if (!present) {
      if (child.default === undefined) {
        if (!keepNulls && Object.hasOwn(value, key)) delete value[key];
        continue;
      }
      value[key] = structuredClone(child.default);
    }
    applyDefaults(value[key], child, options);
  }
  const { additionalProperties } = schema;
  if (additionalProperties === undefined) return;
  for (const key of Object.keys(value)) {
    if (property(schema, key) !== undefined) continue;
    if (value[key] !== null) applyDefaults(value[key], additionalProperties, options);
    else if (!keepNulls) delete value[key];
  }
}
