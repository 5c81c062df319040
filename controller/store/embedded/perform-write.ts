/** One write of any verb, inside a transaction. */
import type { KubernetesObject, ObjectKey, ResourceType, WriteOptions } from "../resource-client.ts";
import { applyObject } from "./apply.ts";
import { badRequest, methodNotAllowed, notFound } from "./errors.ts";
import { patchObject, type StorePatch } from "./patch/patch-object.ts";
import type { Transaction } from "./transaction.ts";
import type { TypeDefinition } from "./type-definition.ts";
import { createObject, replaceObject, type Written } from "./write.ts";

/** Options of {@link performWrite}: those of the client and what only an API server passes on. */
export interface StoreWriteOptions extends WriteOptions {
  /** Write the status subresource. */
  status?: boolean;
  /** For apply: take over foreign fields. */
  force?: boolean;
  /** What happens to fields that the schema does not know: an error, a warning, or nothing. Default Ignore; they are dropped in any case. */
  fieldValidation?: "Strict" | "Warn" | "Ignore";
}

export type StoreWrite =
  | { verb: "create"; object: KubernetesObject }
  | { verb: "update"; object: KubernetesObject }
  | { verb: "patch"; key: ObjectKey; patch: StorePatch }
  | { verb: "apply"; object: KubernetesObject };

/** What a write answers, with the texts of Warning headers. */
export interface WriteAnswer extends Written {
  warnings: readonly string[];
}

/** @throws ApiError 405 for a verb that the type does not have */
export function checkVerb(definition: TypeDefinition, verb: string): void {
  if (definition.verbs !== undefined && !definition.verbs.includes(verb))
    throw methodNotAllowed(definition.type, verb);
}

/** Does what a write asks. @throws ApiError as the methods of ResourceClient do */
export function performWrite(
  tx: Transaction,
  definition: TypeDefinition,
  write: StoreWrite,
  inward: (object: KubernetesObject) => KubernetesObject,
  manager: string,
  options: StoreWriteOptions,
): Written {
  const status = options.status ?? false;
  const find = (key: ObjectKey) => {
    const stored = tx.get(definition, definition.type.namespaced ? (key.namespace ?? "") : "", key.name);
    if (stored === undefined) throw notFound(definition.type, key.name);
    return stored;
  };
  switch (write.verb) {
    case "create":
      return createObject(tx, definition, inward(write.object), { manager });
    case "update":
      return replaceObject(tx, definition, find(keyOf(write.object)), inward(write.object), {
        manager,
        status,
      });
    case "patch":
      return patchObject(tx, definition, find(write.key), write.patch, { manager, status });
    case "apply":
      return applyObject(tx, definition, inward(write.object), {
        manager,
        status,
        force: options.force ?? false,
      });
  }
}

function keyOf(object: KubernetesObject): ObjectKey {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? { name } : { name, namespace };
}

/** 400 as kube-apiserver answers for `fieldValidation=Strict`. */
export function strictDecodingError({ kind, version }: ResourceType, paths: readonly string[]): Error {
  const texts = paths.map((path) => `unknown field "${path}"`).join(", ");
  return badRequest(
    `${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${texts}`,
  );
}

/** A resourceVersion as a number; undefined for none and for "0". @throws ApiError 400 */
export function parseRevision(text: string | undefined): number | undefined {
  if (text === undefined || text === "" || text === "0") return undefined;
  if (!/^[0-9]+$/.test(text)) {
    throw badRequest(
      `Invalid value: ${JSON.stringify(text)}: resourceVersion is not a number that this server gave out`,
    );
  }
  return Number(text);
}
