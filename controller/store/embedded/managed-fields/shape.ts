/** How a value is taken apart for merging and ownership: granular maps, keyed lists, and leaves that change as a whole. */
import { isObject } from "../../../runtime/json.ts";
import type { Schema } from "../schema.ts";

/** The item of a list-map or set under the path element that names it. */
export type Items = Map<string, unknown>;

export type Shape = "map" | "list" | "leaf";

/** Metadata as Kubernetes declares it: finalizers are a set, ownerReferences are keyed by uid and atomic inside. */
const METADATA: Schema = {
  type: "object",
  properties: {
    ...Object.fromEntries(
      [
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "selfLink",
      ].map((field) => [field, { type: "string" } satisfies Schema]),
    ),
    generation: { type: "integer" },
    deletionGracePeriodSeconds: { type: "integer" },
    labels: { type: "object", additionalProperties: { type: "string" } },
    annotations: { type: "object", additionalProperties: { type: "string" } },
    finalizers: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
    ownerReferences: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["uid"],
      items: {
        type: "object",
        "x-kubernetes-map-type": "atomic",
        properties: {
          apiVersion: { type: "string" },
          kind: { type: "string" },
          name: { type: "string" },
          uid: { type: "string", default: "" },
          controller: { type: "boolean" },
          blockOwnerDeletion: { type: "boolean" },
        },
      },
    },
  },
};

/** The schema of a whole object with metadata's put in; undefined stays deduced everywhere but in metadata. */
export function mergeSchema(schema: Schema | undefined): Schema {
  return { ...schema, type: "object", properties: { ...schema?.properties, metadata: METADATA } };
}

/** How a value is taken apart. Lists without list-type are leaves; objects are taken apart unless declared atomic. */
export function shapeOf(value: unknown, schema: Schema | undefined): Shape {
  if (isObject(value)) return schema?.["x-kubernetes-map-type"] === "atomic" ? "leaf" : "map";
  if (!Array.isArray(value)) return "leaf";
  const type = schema?.["x-kubernetes-list-type"];
  return type === "map" || type === "set" ? "list" : "leaf";
}

/** The schema of a field; undefined when it is not declared. */
export function fieldSchema(schema: Schema | undefined, field: string): Schema | undefined {
  const { properties } = schema ?? {};
  if (properties !== undefined && Object.hasOwn(properties, field)) return properties[field];
  return schema?.additionalProperties;
}

/** Whether a field is declared by name, as opposed to a key of a free map. */
export function isDeclared(schema: Schema | undefined, field: string): boolean {
  return schema?.properties !== undefined && Object.hasOwn(schema.properties, field);
}

/** The path element of an item of a list-map or set. */
export function itemElement(item: unknown, schema: Schema | undefined): string {
  if (schema?.["x-kubernetes-list-type"] === "set") return `v:${JSON.stringify(item)}`;
  const keys: Record<string, unknown> = {};
  for (const name of [...(schema?.["x-kubernetes-list-map-keys"] ?? [])].toSorted()) {
    const value = isObject(item) ? item[name] : undefined;
    keys[name] = value ?? schema?.items?.properties?.[name]?.default ?? null;
  }
  return `k:${JSON.stringify(keys)}`;
}

/** All items by path element. */
export function groupsOf(list: unknown, schema: Schema | undefined): Map<string, unknown[]> {
  const groups = new Map<string, unknown[]>();
  if (!Array.isArray(list)) return groups;
  for (const item of list as unknown[]) {
    const element = itemElement(item, schema);
    const group = groups.get(element);
    if (group === undefined) groups.set(element, [item]);
    else group.push(item);
  }
  return groups;
}

/** Items by path element; of several with the same keys the first counts. */
export function itemsOf(list: unknown, schema: Schema | undefined): Items {
  const items: Items = new Map();
  if (!Array.isArray(list)) return items;
  for (const item of list as unknown[]) {
    const element = itemElement(item, schema);
    if (!items.has(element)) items.set(element, item);
  }
  return items;
}

/** Whether a map or list has nothing in it; such values are leaves, so that empty and absent stay apart. */
export function isHollow(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}
