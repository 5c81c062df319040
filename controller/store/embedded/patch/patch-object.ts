import type { KubernetesObject, Patch } from "../../resource-client.ts";
import { badRequest } from "../errors.ts";
import type { StoredObject } from "../collection.ts";
import { isObject } from "../../../runtime/json.ts";
import { parseObject } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import type { TypeDefinition } from "../type-definition.ts";
import { replaceObject, type Written } from "../write.ts";
import { jsonMergePatch } from "./json-merge-patch.ts";
import { jsonPatch } from "./json-patch.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

/** The patches of the client, and strategic merge, which kubectl uses for built-in types. */
export type StorePatch = Patch | { type: "strategic"; body: Record<string, unknown> };

/**
 * Patches a stored object or its status. A `metadata.resourceVersion` in the patch is a precondition.
 * @throws ApiError 400, 409, 415, 422
 */
export function patchObject(
  tx: Transaction,
  definition: TypeDefinition,
  stored: StoredObject,
  patch: StorePatch,
  options: { manager: string; status: boolean },
): Written {
  const old = parseObject(stored.text);
  let patched: unknown;
  if (patch.type === "json") patched = jsonPatch(old, patch.body);
  else if (patch.type === "merge") patched = jsonMergePatch(old, patch.body);
  else patched = strategicMergePatch(definition, old, patch.body);
  if (!isObject(patched) || !isObject(patched["metadata"]))
    throw badRequest("the patch leaves no object behind");
  return replaceObject(tx, definition, stored, patched as unknown as KubernetesObject, {
    ...options,
    unconditional: true,
  });
}
