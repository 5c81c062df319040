/** The form in which objects are kept, and what every write answers. */
import type { KubernetesObject, ObjectMeta } from "../resource-client.ts";
import type { Transaction } from "./transaction.ts";
import { typeKey, type TypeDefinition } from "./type-definition.ts";

/** What a write answers. */
export interface Written {
  object: KubernetesObject;
  created: boolean;
  /** False when the write changed nothing. */
  changed: boolean;
}

/** A type as clients name it, and as its objects are kept: another one where it is a view. */
export interface WrittenType {
  served: TypeDefinition;
  stored: TypeDefinition;
}

/** An object of a type in the form in which it is kept. */
export function toStored({ viewOf }: TypeDefinition, object: KubernetesObject): KubernetesObject {
  return viewOf?.toStored(object) ?? object;
}

/** A kept object in the form of a type. */
export function fromStored({ viewOf }: TypeDefinition, object: KubernetesObject): KubernetesObject {
  return viewOf?.fromStored(object) ?? object;
}

/** Empty maps and lists of metadata are as good as absent: Go leaves them out when it serialises ObjectMeta. */
export function dropEmpty(metadata: ObjectMeta): void {
  // Not used any more.
  delete metadata.selfLink;
  for (const field of ["labels", "annotations", "finalizers", "ownerReferences", "generateName"] as const) {
    const value: unknown = (metadata as unknown as Record<string, unknown>)[field];
    if (value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0)) {
      delete (metadata as unknown as Record<string, unknown>)[field];
    }
  }
}

/** Fields in the order kubectl prints them: alphabetical at the root and in metadata, as kube-apiserver serialises. */
export function inOrder(object: KubernetesObject): KubernetesObject {
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(object).toSorted()) {
    const value = object[key];
    if (value === undefined) continue;
    sorted[key] = key === "metadata" ? sortKeys(value as Record<string, unknown>) : value;
  }
  return sorted as unknown as KubernetesObject;
}

function sortKeys(value: Record<string, unknown>): Record<string, unknown> {
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).toSorted()) if (value[key] !== undefined) sorted[key] = value[key];
  return sorted;
}

/** The definition under which objects of a type are stored: its own, or that of the type it is a view of. */
export function storedDefinition(tx: Transaction, definition: TypeDefinition): TypeDefinition {
  const { viewOf } = definition;
  const stored = viewOf === undefined ? undefined : tx.definition(typeKey(viewOf.type));
  if (viewOf?.validate === undefined || stored === undefined) return stored ?? definition;
  return {
    ...stored,
    validate: (object, context) => [
      ...(stored.validate?.(object, context) ?? []),
      ...(viewOf.validate?.(object, context) ?? []),
    ],
  };
}
