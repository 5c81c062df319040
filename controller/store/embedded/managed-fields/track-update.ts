import type { KubernetesObject, ManagedFieldsEntry } from "../../resource-client.ts";
import type { TypeDefinition } from "../type-definition.ts";

export interface TrackUpdateOptions {
  definition: TypeDefinition;
  /** Undefined on create. */
  old: KubernetesObject | undefined;
  next: KubernetesObject;
  /** Ownership before the write. */
  managed: readonly ManagedFieldsEntry[];
  manager: string;
  status: boolean;
  time: string;
}

/** Ownership after a create, update or patch by `manager`. */
export function trackUpdate(options: TrackUpdateOptions): ManagedFieldsEntry[] {
  return [...options.managed];
}
