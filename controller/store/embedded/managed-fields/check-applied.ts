import { ApiError, type KubernetesObject } from "../../resource-client.ts";
import { isObject } from "../../../runtime/json.ts";
import type { Schema } from "../schema.ts";
import { apiVersionOf, type TypeDefinition } from "../type-definition.ts";
import { printPath } from "./path-set.ts";
import { fieldSchema, itemElement } from "./shape.ts";

/**
 * Refuses a configuration that cannot be merged: fields the schema does not declare, two items with the same keys.
 * @throws ApiError 500 in the words of kube-apiserver, which answers so
 */
export function checkApplied(definition: TypeDefinition, config: KubernetesObject): void {
  if (definition.schema === undefined) return;
  const problems: string[] = [];
  visit(config, definition.schema, [], problems);
  if (problems.length === 0) return;
  const { type } = definition;
  const place = `${config.metadata.namespace ?? ""}/${config.metadata.name}; ${apiVersionOf(type)}, Kind=${type.kind}`;
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

function visit(value: unknown, schema: Schema, path: string[], problems: string[]): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    const type = schema["x-kubernetes-list-type"];
    const seen = new Set<string>();
    for (const [index, item] of (value as unknown[]).entries()) {
      let element = `i:${index}`;
      if (type === "map" || type === "set") {
        element = itemElement(item, schema);
        if (seen.has(element))
          problems.push(`${printPath(path)}: duplicate entries for key ${printPath([element])}`);
        seen.add(element);
      }
      if (items !== undefined) visit(item, items, [...path, element], problems);
    }
    return;
  }
  if (!isObject(value)) return;
  for (const [key, field] of Object.entries(value)) {
    // What every object has needs no declaration.
    if (path.length === 0 && (key === "apiVersion" || key === "kind" || key === "metadata")) continue;
    const at = [...path, `f:${key}`];
    const child = fieldSchema(schema, key);
    if (child === undefined) {
      if (schema.type === "object") problems.push(`${printPath(at)}: field not declared in schema`);
    } else visit(field, child, at, problems);
  }
}
