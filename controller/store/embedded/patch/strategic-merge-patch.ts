/** Strategic merge patch for built-in types (apimachinery `strategicpatch`). */
import { ApiError, type KubernetesObject } from "../../resource-client.ts";
import { cloneJson, isObject, setField } from "../../../runtime/json.ts";
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
  let result: Record<string, unknown> = { ...target };
  const retained = patch[RETAIN];
  if (Array.isArray(retained)) {
    result = Object.fromEntries(Object.entries(result).filter(([key]) => retained.includes(key)));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN || key.startsWith("$setElementOrder/")) continue;
    if (key.startsWith("$deleteFromPrimitiveList/")) {
      const field = key.slice("$deleteFromPrimitiveList/".length);
      const list = result[field];
      if (Array.isArray(list) && Array.isArray(value))
        result[field] = list.filter((item) => !value.includes(item));
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
  const mergeKey = keys[path];
  if (mergeKey === undefined) return cloneJson([...patch]);
  if (mergeKey === "") return [...target, ...patch.filter((item) => !target.includes(item))];
  let result = [...target];
  for (const item of patch) {
    if (!isObject(item)) continue;
    if (item[DIRECTIVE] === "replace")
      return patch
        .filter((one) => isObject(one) && one[DIRECTIVE] === undefined)
        .map((one) => cloneJson(one));
    const index = result.findIndex((one) => isObject(one) && one[mergeKey] === item[mergeKey]);
    const found = result[index];
    if (item[DIRECTIVE] === "delete") result = result.filter((_, position) => position !== index);
    else if (isObject(found)) result[index] = mergeObject(found, item, path, keys);
    else result.push(cloneJson(item));
  }
  return result;
}
