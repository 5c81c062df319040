/** Strategic merge patch for built-in types (apimachinery `strategicpatch`). */
import { ApiError, type KubernetesObject } from "../../resource-client.ts";
import { badRequest } from "../errors.ts";
import { cloneJson, isObject, setField, shownJson } from "../../../runtime/json.ts";
import type { TypeDefinition } from "../type-definition.ts";

const DIRECTIVE = "$patch";
const RETAIN = "$retainKeys";

/** Merge keys of the lists in metadata; finalizers are a set of scalars. */
const METADATA_KEYS: Readonly<Record<string, string>> = {
  "metadata.ownerReferences": "uid",
  "metadata.finalizers": "",
};

/**
 * @throws ApiError 415 for custom resources, as kube-apiserver answers
 */
export function strategicMergePatch(
  definition: TypeDefinition,
  target: KubernetesObject,
  patch: Record<string, unknown>,
): unknown {
  if (definition.schema !== undefined) {
    throw new ApiError({
      code: 415,
      reason: "UnsupportedMediaType",
      message:
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/apply-patch+cbor",
    });
  }
  return mergeObject(target, patch, "", { ...METADATA_KEYS, ...definition.strategicMergeKeys });
}

function mergeObject(
  target: Record<string, unknown>,
  patch: Record<string, unknown>,
  path: string,
  keys: Readonly<Record<string, string>>,
): Record<string, unknown> {
  if (patch[DIRECTIVE] === "replace") {
    const { [DIRECTIVE]: _, ...rest } = patch;
    return cloneJson(rest);
  }
  if (patch[DIRECTIVE] === "delete") return {};
  if (patch[DIRECTIVE] !== undefined && patch[DIRECTIVE] !== "merge") {
    throw badRequest(
      `unknown patch type in ${path === "" ? "the patch" : path}: ${shownJson(patch[DIRECTIVE])}`,
    );
  }
  let result: Record<string, unknown> = { ...target };
  const retained = patch[RETAIN];
  if (Array.isArray(retained)) {
    result = Object.fromEntries(Object.entries(result).filter(([key]) => retained.includes(key)));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN || key.startsWith("$setElementOrder/")) continue;
    if (key.startsWith("$deleteFromPrimitiveList/")) {
      const field = key.slice("$deleteFromPrimitiveList/".length);
      const list = Object.hasOwn(result, field) ? result[field] : undefined;
      if (Array.isArray(list) && Array.isArray(value)) {
        const leaving = new Set<unknown>(value);
        result[field] = list.filter((item) => !leaving.has(item));
      }
      continue;
    }
    const at = path === "" ? key : `${path}.${key}`;
    const current = Object.hasOwn(result, key) ? result[key] : undefined;
    if (value === null) delete result[key];
    else if (isObject(value))
      setField(result, key, mergeObject(isObject(current) ? current : {}, value, at, keys));
    else if (Array.isArray(value))
      setField(result, key, mergeList(Array.isArray(current) ? current : [], value, at, keys));
    else setField(result, key, value);
  }
  return result;
}

function mergeList(
  target: readonly unknown[],
  patch: readonly unknown[],
  path: string,
  keys: Readonly<Record<string, string>>,
): unknown[] {
  const mergeKey = Object.hasOwn(keys, path) ? keys[path] : undefined;
  if (mergeKey === undefined) return cloneJson([...patch]);
  if (mergeKey === "") return [...new Set([...target, ...patch])];
  const items = patch.map((item) => keyed(item, mergeKey, path));
  if (items.some((item) => item[DIRECTIVE] === "replace"))
    return items.filter((item) => item[DIRECTIVE] === undefined).map((item) => cloneJson(item));
  const result = new Map<unknown, unknown>();
  for (const item of target) result.set(isObject(item) ? item[mergeKey] : item, item);
  for (const item of items) {
    const key = item[mergeKey];
    const found = result.get(key);
    if (item[DIRECTIVE] === "delete") result.delete(key);
    else result.set(key, isObject(found) ? mergeObject(found, item, path, keys) : cloneJson(item));
  }
  return [...result.values()];
}

/** @throws ApiError 400 for an item that cannot be found by its key */
function keyed(item: unknown, mergeKey: string, path: string): Record<string, unknown> {
  if (isObject(item) && (item[DIRECTIVE] === "replace" || Object.hasOwn(item, mergeKey))) return item;
  throw badRequest(`an item of ${path} does not contain the declared merge key: ${mergeKey}`);
}
