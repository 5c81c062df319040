/** Pure: how a Worker differs from what is wanted, and what is remembered of it. */
import { canonicalJson, hashOf } from "../../controller/runtime/hash.ts";
import type { FieldChange, InventoryEntry } from "../engine/resource.ts";
import type { Observability, WorkerDesired, WorkerObserved } from "./types.ts";
import { diffBindings, ownNames } from "./worker-bindings.ts";
import type { BindingsDesired } from "./worker-bindings.ts";
import { uploadHashOf } from "./version-annotations.ts";

const SECRET = "secret.";

/**
 * Hash of everything that an upload writes but the values of secrets. Neither the revision nor the message are in it:
 * equal code at another commit is not deployed again.
 */
export function specHash(desired: BindingsDesired & { bindingsPolicy?: string }): string {
  return hashOf({
    bundle: desired.bundle.digest,
    vars: desired.vars,
    secrets: Object.keys(desired.secrets).sort(),
    bindings: desired.bindings
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, target, type }) => ({ name, target, type })),
    policy: desired.bindingsPolicy,
  }).slice(0, 40);
}

/** What the inventory remembers of an upload. */
export function remembered(
  desired: BindingsDesired,
  facts: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    ...facts,
    bundle: desired.bundle.digest,
    names: [...ownNames(desired)].sort().join(","),
    ...Object.fromEntries(
      Object.entries(desired.secrets).map(([name, secret]) => [`${SECRET}${name}`, secret.hash]),
    ),
  };
}

/** What to remember of a Worker that is as desired, as far as it is not remembered; undefined when nothing is missing. */
export function recallWorker(
  desired: WorkerDesired,
  { etag, modifiedOn, version }: Pick<WorkerObserved, "etag" | "modifiedOn" | "version">,
  data: InventoryEntry["data"],
): Record<string, string> | undefined {
  const facts: Record<string, string> = version === undefined ? {} : { version };
  if (data?.["bundle"] === undefined) return remembered(desired, { etag, modifiedOn, ...facts });
  // The upload's answer named no version, or an earlier release kept what it took for the deployment's id.
  return version === undefined || data["version"] !== undefined ? undefined : { ...data, ...facts };
}

/** What to remember before an upload: bindings by names that it adds are ours, whatever becomes of its answer. */
export function claimNames(
  desired: BindingsDesired,
  entry: InventoryEntry | undefined,
): Record<string, string> | undefined {
  const known = writtenNames(entry);
  const names = new Set([...known, ...ownNames(desired)]);
  return names.size === known.size ? undefined : { ...entry?.data, names: [...names].sort().join(",") };
}

/** Names of bindings that we wrote, or were about to write, as remembered. */
export function writtenNames(entry: InventoryEntry | undefined): Set<string> {
  return new Set((entry?.data?.["names"] ?? "").split(",").filter((name) => name !== ""));
}

/** Whether everything that is wanted is there as it is wanted; what else is there does not matter. */
function holds(observed: unknown, desired: unknown): boolean {
  if (typeof desired !== "object" || desired === null || Array.isArray(desired))
    return canonicalJson(observed ?? null) === canonicalJson(desired ?? null);
  const found: Record<string, unknown> =
    typeof observed === "object" && observed !== null ? { ...observed } : {};
  return Object.entries(desired).every(([key, value]) => value === undefined || holds(found[key], value));
}

/** Pure: what is set in the bundle and is not so; what is not set is not managed. */
export function diffObservability(
  desired: Observability | undefined,
  observed: Observability | undefined,
): FieldChange[] {
  if (desired === undefined || holds(observed, desired)) return [];
  return [
    {
      field: "observability",
      effect: "in-place",
      from: canonicalJson(observed ?? null),
      to: canonicalJson(desired),
    },
  ];
}

/** Differences of remembered facts: the bundle and the values of secrets, which no answer tells. */
export function diffRemembered(desired: BindingsDesired, entry: InventoryEntry | undefined): FieldChange[] {
  const data = entry?.data;
  if (data?.["bundle"] === undefined) return [];
  const changes: FieldChange[] = [];
  if (data["bundle"] !== desired.bundle.digest) {
    changes.push({
      field: "code",
      effect: "in-place",
      from: data["bundle"].slice(0, 12),
      to: desired.bundle.digest.slice(0, 12),
    });
  }
  for (const [name, secret] of Object.entries(desired.secrets)) {
    if (data[`${SECRET}${name}`] !== secret.hash)
      changes.push({ field: `secrets.${name}`, effect: "in-place" });
  }
  return changes;
}

/**
 * Differences of the hashes that an upload leaves behind: the spec's in our tag, and what the serving version says of
 * itself. Only the latter vouches for code and secrets that the inventory does not remember.
 */
export function diffHashes(
  desired: BindingsDesired & { bindingsPolicy?: string },
  observed: { specHash: string | undefined; uploadHash: string | undefined },
  entry: InventoryEntry | undefined,
  witness: string,
): FieldChange[] {
  const wanted = specHash(desired);
  const differ = (from: string | undefined, to: string): FieldChange[] => [
    { field: "hash", effect: "in-place", ...(from ? { from: from.slice(0, 12) } : {}), to: to.slice(0, 12) },
  ];
  if (observed.specHash !== wanted) return differ(observed.specHash, wanted);
  if (entry?.data?.["bundle"] !== undefined || observed.uploadHash === undefined) return [];
  const uploaded = uploadHashOf(wanted, witness);
  return observed.uploadHash === uploaded ? [] : differ(observed.uploadHash, uploaded);
}

/** One change for each field: what several comparisons found counts once. */
export function distinct(changes: readonly FieldChange[]): FieldChange[] {
  const byField = new Map<string, FieldChange>();
  for (const change of changes) if (!byField.has(change.field)) byField.set(change.field, change);
  return [...byField.values()].toSorted((a, b) => (a.field < b.field ? -1 : 1));
}

/** Pure: differences of compatibility date and flags, where they were observed. */
export function diffCompatibility(
  desired: BindingsDesired,
  observed: { compatibilityDate: string | undefined; compatibilityFlags: readonly string[] | undefined },
): FieldChange[] {
  const { compatibilityDate, compatibilityFlags } = desired.bundle;
  const changes: FieldChange[] = [];
  if (observed.compatibilityDate !== undefined && observed.compatibilityDate !== compatibilityDate) {
    changes.push({
      field: "compatibilityDate",
      effect: "in-place",
      from: observed.compatibilityDate,
      to: compatibilityDate,
    });
  }
  const from = observed.compatibilityFlags?.toSorted().join(",");
  const to = compatibilityFlags.toSorted().join(",");
  if (from !== undefined && from !== to)
    changes.push({ field: "compatibilityFlags", effect: "in-place", from, to });
  return changes;
}

/** Pure; see the definition for what each field means. */
export function diffWorker(
  desired: WorkerDesired,
  observed: WorkerObserved,
  entry: InventoryEntry | undefined,
  witness: string,
): FieldChange[] {
  const changes = [...diffRemembered(desired, entry), ...diffCompatibility(desired, observed)];
  const etag = entry?.data?.["etag"];
  if (etag !== undefined && etag !== observed.etag)
    changes.push({
      field: "code",
      effect: "in-place",
      from: observed.etag.slice(0, 12),
      to: etag.slice(0, 12),
    });
  changes.push(...diffObservability(desired.bundle.observability, observed.observability));
  if (observed.bindings !== undefined) {
    changes.push(
      ...diffBindings(desired, observed.bindings, {
        written: writtenNames(entry),
        exclusive: desired.bindingsPolicy === "Exclusive",
      }),
    );
  }
  const uploaded = entry?.data?.["version"];
  // Whatever was deployed after us may hold other values; only said when nothing else tells what was changed.
  if (
    changes.length === 0 &&
    uploaded !== undefined &&
    observed.version !== undefined &&
    uploaded !== observed.version
  ) {
    changes.push(
      ...Object.keys(desired.secrets).map((name): FieldChange => ({
        field: `secrets.${name}`,
        effect: "in-place",
      })),
    );
  }
  if (changes.length === 0) changes.push(...diffHashes(desired, observed, entry, witness));
  return distinct(changes);
}
