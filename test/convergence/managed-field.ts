/** How a test changes one managed field behind the controller's back, and what it then reads. */
import type { Outsider } from "./outsider.ts";

/** A field as definitions name it. */
export type FieldId = `${string}/${string}:${string}`;

/** One field of one resource type. */
export interface ManagedField {
  /** As the definition names it: `github/repository:description`. */
  id: FieldId;
  /** The object whose condition speaks of it. */
  object: readonly [kind: string, name: string];
  /** What the provider says; compared with what it said before the change. */
  read(other: Outsider): Promise<unknown>;
  /** Writes what `read` gave, or what `changed` made of it. */
  write(other: Outsider, value: unknown): Promise<unknown>;
  /** Another value, given the one that stands. */
  changed(value: unknown): unknown;
  /** How `UpToDate` calls the field when it is not the name in the definition. */
  named?: string;
  /** Not changed back, because people decide about it: what the condition says instead. */
  asks?: RegExp;
  /** What the condition says while it is missing, because other parts cannot be without it. */
  breaks?: RegExp;
  /** What belongs there moves when the object's spec changes. */
  follows?: "spec";
}

/** A field whose value is of one shape. */
export function managedField<Value>(field: {
  id: FieldId;
  object: readonly [kind: string, name: string];
  read(other: Outsider): Promise<Value>;
  write(other: Outsider, value: Value): Promise<unknown>;
  changed(value: Value): Value;
  named?: string;
  asks?: RegExp;
  breaks?: RegExp;
  follows?: "spec";
}): ManagedField {
  return field;
}
