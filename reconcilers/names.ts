/** Names that follow from objects: the short name of an environment, idempotency keys, slots. Pure. */
import type { InventoryEntry } from "./engine/resource.ts";

/**
 * The short name of an Environment or Preview: its object name without the project's name in front, because object names
 * must be unique in a namespace and people write `shop-staging`.
 */
export function shortName(objectName: string, project: string): string {
  return objectName.startsWith(`${project}-`) && objectName.length > project.length + 1
    ? objectName.slice(project.length + 1)
    : objectName;
}

/** Idempotency key `<namespace>/<project>-<resource>[-<logical name>][-<environment>]` (requirements, FR-021). */
export function idempotencyKey(options: {
  namespace: string;
  project: string;
  segment: string;
  logical?: string;
  environment?: string;
}): string {
  const parts = [options.project, options.segment, options.logical, options.environment];
  return `${options.namespace}/${parts.filter((part) => part !== undefined).join("-")}`;
}

/** A slot for one of several things of a kind; the name is escaped so that it fits into a marker. */
export function slotOf(type: string, name: string): string {
  return `${type}/${encodeURIComponent(name)}`;
}

/** Ordering for lists that people read, and for who comes first: by creation, then by namespace and name. */
export function byAge(
  a: { metadata: { creationTimestamp?: string; namespace?: string; name: string } },
  b: { metadata: { creationTimestamp?: string; namespace?: string; name: string } },
): number {
  const [left, right] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  if (left !== right) return left < right ? -1 : 1;
  const [one, other] = [a, b].map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name}`);
  return (one ?? "") < (other ?? "") ? -1 : 1;
}

/** The physical name that a spec gives to a logical one; undefined when it gives none. */
export function chosenName(
  names: Readonly<Record<string, string>> | undefined,
  logical: string,
): string | undefined {
  return names !== undefined && Object.hasOwn(names, logical) ? names[logical] : undefined;
}

/** The entry of a slot in an object's inventory. */
export function entryOf(
  object: { status?: { inventory?: readonly InventoryEntry[] | undefined } },
  slot: string,
): InventoryEntry | undefined {
  return object.status?.inventory?.find((entry) => entry.slot === slot);
}
