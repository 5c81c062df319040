import { ApiError, type KubernetesObject, type Patch } from "../../resource-client.ts";
import { badRequest, invalid } from "../errors.ts";
import type { StoredObject } from "../collection.ts";
import { isObject } from "../../../runtime/json.ts";
import { parseObject } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { apiVersionOf, type TypeDefinition } from "../type-definition.ts";
import { checkPlace, decodeObject, type DecodeOptions, type OnDecoded } from "../decode-object.ts";
import { replaceObject, type ReplaceOptions } from "../replace-object.ts";
import { fromStored, toStored, type Written, type WrittenType } from "../stored-form.ts";
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
  { served, stored: definition }: WrittenType,
  stored: StoredObject,
  patch: StorePatch,
  options: Omit<ReplaceOptions, "derived"> & { onDecoded?: OnDecoded | undefined },
): Written {
  const old = fromStored(served, parseObject(stored.text));
  let patched: unknown;
  if (patch.type === "json") patched = jsonPatch(old, patch.body);
  else if (patch.type === "merge") patched = jsonMergePatch(old, patch.body);
  else patched = strategicMergePatch(served, old, patch.body);
  if (!isObject(patched)) throw badRequest("the patch leaves no object behind");
  const object = patched as unknown as KubernetesObject;
  if (served.builtIn === true) {
    // What a built-in type is, it need not say.
    object.apiVersion ??= old.apiVersion;
    object.kind ??= old.kind;
  }
  const { onDecoded, ...rest } = options;
  const place = { name: stored.name, ...(stored.namespace === "" ? {} : { namespace: stored.namespace }) };
  decodePatched(served, object, { place, onDecoded });
  return replaceObject(tx, definition, stored, toStored(served, object), { ...rest, derived: true });
}

/** @throws ApiError 422 about the patch when what it makes cannot be read */
function decodePatched(definition: TypeDefinition, object: KubernetesObject, options: DecodeOptions): void {
  const { place, onDecoded } = options;
  const { type, builtIn } = definition;
  if (builtIn !== true && object.apiVersion !== apiVersionOf(type)) {
    const message = `Invalid value: ${JSON.stringify(object.apiVersion)}: must be ${apiVersionOf(type)}`;
    const cause = { reason: "FieldValueInvalid", message, field: "apiVersion" };
    throw invalid(
      { ...type, group: String(object.apiVersion).split("/").at(-2) ?? "" },
      object.metadata?.name ?? "",
      [cause],
    );
  }
  try {
    decodeObject(definition, object, { onDecoded });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 400) throw error;
    // kube-apiserver quotes the whole object here; it may be a secret.
    const cause = { reason: "FieldValueInvalid", message: `Invalid value: ${error.message}`, field: "patch" };
    throw invalid({ ...type, group: "", kind: "" }, "", [cause]);
  }
  checkPlace(definition, object, place);
}
