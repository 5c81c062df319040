/** One write of any verb, inside a transaction. */
import type { KubernetesObject, ObjectKey, WriteOptions } from "../resource-client.ts";
import { applyObject } from "./apply.ts";
import { cloneJson } from "../../runtime/json.ts";
import { badRequest, methodNotAllowed, notFound, otherUid } from "./errors.ts";
import { patchObject, type StorePatch } from "./patch/patch-object.ts";
import type { Transaction } from "./transaction.ts";
import type { TypeDefinition } from "./type-definition.ts";
import { createObject } from "./create-object.ts";
import { decodeObject, type OnDecoded, type Place } from "./decode-object.ts";
import { replaceObject } from "./replace-object.ts";
import { toStored, type Written, type WrittenType } from "./stored-form.ts";

/** Options of {@link performWrite}: those of the client and what only an API server passes on. */
export interface StoreWriteOptions extends WriteOptions {
  /** Write the status subresource. */
  status?: boolean;
  /** For apply: take over foreign fields. */
  force?: boolean;
  /** Hears of fields that the type does not know; they are dropped unless it throws. Default: nobody hears. */
  onDecoded?: OnDecoded;
  /** Takes what the client should know although the write succeeds. */
  warn?: (text: string) => void;
}

export type StoreWrite =
  /** `place` is what the URL of a request says, for the object to agree with. */
  | { verb: "create"; object: KubernetesObject; place?: Place }
  | { verb: "update"; object: KubernetesObject; place?: Place }
  | { verb: "patch"; key: ObjectKey; patch: StorePatch }
  | { verb: "apply"; object: KubernetesObject; place?: Place };

/** @throws ApiError 405 for a verb that the type does not have */
export function checkVerb(definition: TypeDefinition, verb: string): void {
  if (definition.verbs !== undefined && !definition.verbs.includes(verb))
    throw methodNotAllowed(definition.type, verb);
}

/** Does what a write asks. @throws ApiError as the methods of ResourceClient do */
export function performWrite(
  tx: Transaction,
  types: WrittenType,
  write: StoreWrite,
  manager: string,
  options: StoreWriteOptions,
): Written {
  const { served, stored: definition } = types;
  const { onDecoded, warn, status = false, force = false } = options;
  switch (write.verb) {
    case "create": {
      const object = decodeServed(served, write, onDecoded);
      return createObject(tx, definition, object, { manager, warn });
    }
    case "update": {
      const object = decodeServed(served, write, onDecoded);
      const { name, namespace = "" } = object.metadata;
      const stored = tx.get(definition, definition.type.namespaced ? namespace : "", name);
      if (stored !== undefined)
        return replaceObject(tx, definition, stored, object, { manager, status, warn });
      if (definition.createOnUpdate !== true) throw notFound(definition.type, name);
      if ((object.metadata.uid ?? "") !== "")
        throw otherUid(definition.type, { name, uid: object.metadata.uid, actual: "" });
      return createObject(tx, definition, object, { manager, warn });
    }
    case "patch": {
      const { name, namespace = "" } = write.key;
      const stored = tx.get(definition, definition.type.namespaced ? namespace : "", name);
      if (stored === undefined) throw notFound(definition.type, name);
      return patchObject(tx, types, stored, write.patch, { manager, status, warn, onDecoded });
    }
    case "apply":
      return applyObject(tx, definition, cloneJson(toStored(served, write.object)), {
        manager,
        status,
        force,
        warn,
        place: write.place,
        onDecoded,
      });
  }
}

/** The object of a write as it is stored, when it was read as the type that it was sent as. */
function decodeServed(
  served: TypeDefinition,
  { object, place }: { object: KubernetesObject; place?: Place },
  onDecoded: OnDecoded | undefined,
): KubernetesObject {
  const decoded = cloneJson(object);
  decodeObject(served, decoded, { place, onDecoded });
  return toStored(served, decoded);
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
