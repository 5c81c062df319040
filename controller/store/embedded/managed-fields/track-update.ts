import type { KubernetesObject, ManagedFieldsEntry } from "../../resource-client.ts";
import { apiVersionOf, type TypeDefinition } from "../type-definition.ts";
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
  const { status, old } = options;
  const isBuiltIn = options.definition.builtIn === true;
  const { given } = options;
  if (!status && old !== undefined && isReset(given, isBuiltIn)) return [];
  const stored = old?.metadata.managedFields ?? [];
  const managers =
    decodeOrEmpty(!status && given !== undefined && given.length > 0 ? given : stored) ??
    decodeOrEmpty(stored) ??
    new Map();
  if (managers.size === 0 && old !== undefined) return [];
  // What is said in a version that is not served cannot be kept up: kube-apiserver forgets it, and for a custom resource
  // everything else as well.
  const version = apiVersionOf(options.definition.type);
  for (const [id, entry] of managers) {
    if (entry.apiVersion === version) continue;
    if (!isBuiltIn) return [];
    managers.delete(id);
  }
  return encodeManagers(ownershipAfterUpdate({ ...options, managers }));
}

/**
 * Whether a request asks to forget all ownership: by one empty entry, or by an empty list, which is the same as none for
 * custom resources.
 */
function isReset(given: readonly ManagedFieldsEntry[] | undefined, isBuiltIn: boolean): boolean {
  const [entry] = given ?? [];
  if (entry === undefined) return given !== undefined && isBuiltIn;
  return given?.length === 1 && Object.keys(entry).length === 0;
}

function decodeOrEmpty(entries: readonly ManagedFieldsEntry[]): Managers | undefined {
  try {
    return decodeManagers(entries);
  } catch {
    // kube-apiserver ignores ownership it cannot read, rather than refusing the write.
    return undefined;
  }
}
