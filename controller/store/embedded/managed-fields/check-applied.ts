import { ApiError, type KubernetesObject } from "../../resource-client.ts";
import { isObject } from "../../../runtime/json.ts";
import type { Schema } from "../schema.ts";
import { apiVersionOf, type TypeDefinition } from "../type-definition.ts";
import { printPath } from "./path-set.ts";
import { fieldSchema, itemElement, mergeSchema } from "./shape.ts";

/**
 * Refuses a configuration that cannot be merged: fields the schema does not declare, two items with the same keys.
 * @throws ApiError 500 in the words of kube-apiserver, which answers so
 */
export function checkApplied(definition: TypeDefinition, config: KubernetesObject): void {
  if (definition.schema === undefined) return;
  const problems: string[] = [];
  visit(config, mergeSchema(definition.schema), { path: [], problems });
  if (problems.length === 0) return;
  const { type } = definition;
  const version = type.group === "" ? `/${type.version}` : apiVersionOf(type);
  const place = `${config.metadata.namespace ?? ""}/${config.metadata.name}; ${version}, Kind=${type.kind}`;
  const text =
    problems.length === 1
      ? (problems[0] ?? "")
      : `errors:\n${problems.map((line) => `  ${line}`).join("\n")}`;
  throw new ApiError({
    code: 500,
    reason: "",
    message: `failed to create typed patch object (${place}): ${text}`,
  });
}

/** How kube-apiserver's schemas call the types of values. */
const KIND: Readonly<Record<string, string>> = {
  string: "string",
  integer: "numeric (int or float)",
  number: "numeric (int or float)",
  boolean: "boolean",
  array: "list",
  object: "map",
};

function fits(value: unknown, { type, format }: Schema): boolean {
  // A null merges as absent whatever is declared; times and bytes are read later.
  if (value === null || type === undefined || format === "date-time" || format === "byte") return true;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  return typeof value === (type === "integer" ? "number" : type);
}

function kindOf(value: unknown): string {
  const type = Array.isArray(value) ? "array" : typeof value;
  return KIND[type] ?? type;
}

function omitsKeys(item: unknown, schema: Schema): boolean {
  if (!isObject(item)) return false;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  return keys.every(
    (key) => item[key] === undefined && schema.items?.properties?.[key]?.default === undefined,
  );
}

interface Visit {
  path: string[];
  problems: string[];
}

function visit(value: unknown, schema: Schema, { path, problems }: Visit): void {
  if (!fits(value, schema)) {
    // kube-apiserver quotes the value here; it may be a secret.
    problems.push(`${printPath(path)}: expected ${KIND[schema.type ?? ""] ?? ""}, got ${kindOf(value)}`);
    return;
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    const type = schema["x-kubernetes-list-type"];
    const seen = new Set<string>();
    for (const [index, item] of (value as unknown[]).entries()) {
      let element = `i:${index}`;
      if (type === "map" && item === null) {
        problems.push(
          `${printPath(path)}: element ${index}: associative list with keys may not have a null element`,
        );
        continue;
      }
      if (type === "map" && omitsKeys(item, schema)) {
        const keys = JSON.stringify(schema["x-kubernetes-list-map-keys"]).replaceAll(",", " ");
        problems.push(
          `${printPath(path)}: element ${index}: associative list with keys has an element that omits all key fields ${keys} (and doesn't have default values for any key fields)`,
        );
        continue;
      }
      if (type === "map" || type === "set") {
        element = itemElement(item, schema);
        if (seen.has(element))
          problems.push(`${printPath(path)}: duplicate entries for key ${printPath([element])}`);
        seen.add(element);
      }
      if (items !== undefined) visit(item, items, { path: [...path, element], problems });
    }
    return;
  }
  if (!isObject(value)) return;
  for (const [key, field] of Object.entries(value)) {
    // What every object has needs no declaration.
    if (path.length === 0 && (key === "apiVersion" || key === "kind")) continue;
    const at = [...path, `f:${key}`];
    const child = fieldSchema(schema, key);
    if (child !== undefined) visit(field, child, { path: at, problems });
    else if (schema.type === "object") problems.push(`${printPath(at)}: field not declared in schema`);
  }
}
