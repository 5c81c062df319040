/** Strategic merge patch for built-in types (apimachinery `strategicpatch`). */
import { ApiError, type KubernetesObject } from "../../resource-client.ts";
import { badRequest } from "../errors.ts";
import { cloneJson, isObject, setField, shownJson } from "../../../runtime/json.ts";
import type { TypeDefinition } from "../type-definition.ts";

const DIRECTIVE = "$patch";
const RETAIN = "$retainKeys";
const ORDER = "$setElementOrder/";
const DELETED = "$deleteFromPrimitiveList/";

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
  if (definition.builtIn !== true) {
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
    if (key === DIRECTIVE || key === RETAIN || key.startsWith(ORDER)) continue;
    if (key.startsWith(DELETED)) {
      const field = key.slice(DELETED.length);
      const list = Object.hasOwn(result, field) ? result[field] : undefined;
      if (Array.isArray(list) && Array.isArray(value)) {
        const leaving = new Set<unknown>(value);
        result[field] = list.filter((item) => !leaving.has(item));
      }
      continue;
    }
    const at = path === "" ? key : `${path}.${key}`;
    const current = Object.hasOwn(result, key) ? result[key] : undefined;
    if (isObject(value) && isObject(current)) setField(result, key, mergeObject(current, value, at, keys));
    else if (Array.isArray(value) && Array.isArray(current))
      setField(result, key, mergeList(current, value, at, keys));
    else {
      const taken = value === null ? undefined : withoutDirectives(value);
      if (taken === undefined) delete result[key];
      else setField(result, key, taken);
    }
  }
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(ORDER) || !Array.isArray(order)) continue;
    const field = key.slice(ORDER.length);
    const at = path === "" ? field : `${path}.${field}`;
    const mergeKey = Object.hasOwn(keys, at) ? keys[at] : undefined;
    const list = Object.hasOwn(result, field) ? result[field] : undefined;
    const original = Object.hasOwn(target, field) ? target[field] : undefined;
    if (mergeKey === undefined || !Array.isArray(list)) continue;
    result[field] = inOrder(list, { order, original: Array.isArray(original) ? original : [], mergeKey });
  }
  return result;
}

/** What a patch sets where nothing is to merge with; undefined for what only says how to merge. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item: unknown) => withoutDirectives(item)).filter((item) => item !== undefined);
  }
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  const result: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    const taken = field === null ? undefined : withoutDirectives(field);
    if (taken !== undefined) setField(result, key, taken);
  }
  return result;
}

/**
 * Puts a merged list in order: items that the patch names as it names them, the others where they were among them
 * (apimachinery `strategicpatch.normalizeElementOrder`).
 */
function inOrder(
  list: readonly unknown[],
  options: { order: readonly unknown[]; original: readonly unknown[]; mergeKey: string },
): unknown[] {
  const { order, original, mergeKey } = options;
  const keyOf = (item: unknown): unknown => (mergeKey !== "" && isObject(item) ? item[mergeKey] : item);
  const places = (items: readonly unknown[]): Map<unknown, number> =>
    new Map(items.map((item, index) => [keyOf(item), index] as const).toReversed());
  const [wanted, before] = [places(order), places(original)];
  const named = list
    .filter((item) => wanted.has(keyOf(item)))
    .toSorted((left, right) => (wanted.get(keyOf(left)) ?? 0) - (wanted.get(keyOf(right)) ?? 0));
  const others = list.filter((item) => !wanted.has(keyOf(item)));
  const sorted: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const at = before.get(keyOf(item)) ?? -1;
    for (; next < others.length; next += 1) {
      const place = before.get(keyOf(others[next])) ?? Number.POSITIVE_INFINITY;
      if (place >= at) break;
      sorted.push(others[next]);
    }
    sorted.push(item);
  }
  return [...sorted, ...others.slice(next)];
}

function mergeList(
  target: readonly unknown[],
  patch: readonly unknown[],
  path: string,
  keys: Readonly<Record<string, string>>,
): unknown[] {
  const mergeKey = Object.hasOwn(keys, path) ? keys[path] : undefined;
  if (mergeKey === undefined) return cloneJson([...patch]);
  const order = { order: patch, original: target, mergeKey };
  if (mergeKey === "") return inOrder([...new Set([...target, ...patch])], order);
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
  return inOrder([...result.values()], order);
}

/** @throws ApiError 400 for an item that cannot be found by its key */
function keyed(item: unknown, mergeKey: string, path: string): Record<string, unknown> {
  if (isObject(item) && (item[DIRECTIVE] === "replace" || Object.hasOwn(item, mergeKey))) return item;
  throw badRequest(`an item of ${path} does not contain the declared merge key: ${mergeKey}`);
}
