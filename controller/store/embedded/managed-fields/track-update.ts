import type { KubernetesObject, ManagedFieldsEntry } from "../../resource-client.ts";
import type { TypeDefinition } from "../type-definition.ts";
import { decodeManagers, encodeManagers, type Managers } from "./managers.ts";
import { ownershipAfterUpdate } from "./ownership.ts";

export interface TrackUpdateOptions {
  definition: TypeDefinition;
  /** Undefined on create. */
  old: KubernetesObject | undefined;
  next: KubernetesObject;
  /** Ownership that the request brought along, which may be changed by it; undefined or broken: the stored one counts. */
  given: readonly ManagedFieldsEntry[] | undefined;
  manager: string;
  status: boolean;
  time: string;
}

/**
 * Ownership after a create, update or patch by `manager`. An object whose tracking was reset (an empty list was written)
 * stays untracked until it is applied.
 */
export function trackUpdate(options: TrackUpdateOptions): ManagedFieldsEntry[] {
  const { given, status, old } = options;
  if (!status && isReset(given)) return [];
  const stored = old?.metadata.managedFields ?? [];
  const managers =
    decodeOrEmpty(!status && given !== undefined ? given : stored) ?? decodeOrEmpty(stored) ?? new Map();
  if (managers.size === 0 && old !== undefined) return [];
  return encodeManagers(ownershipAfterUpdate({ ...options, managers }));
}

/** Whether a request asks to forget all ownership: an empty list, or one empty entry. */
function isReset(given: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (given === undefined || given.length > 1) return false;
  const [entry] = given;
  return entry === undefined || Object.keys(entry).length === 0;
}

function decodeOrEmpty(entries: readonly ManagedFieldsEntry[]): Managers | undefined {
  try {
    return decodeManagers(entries);
  } catch {
    // kube-apiserver ignores ownership it cannot read, rather than refusing the write.
    return undefined;
  }
}
