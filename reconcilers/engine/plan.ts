/** Pure: what to do about one resource, from what is desired, what was observed and what is remembered. */
import { createHash } from "node:crypto";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { ADOPTED } from "./origin.ts";
import type { FieldChange, InventoryEntry, Observation, ResourceDefinition } from "./resource.ts";

/**
 * Milliseconds for which what was asked for may stay invisible before it counts as not having happened: a call may be
 * taken up until its deadline of 30 s is over, and reads may lag behind it as long (Crossplane waits 30 s for the lag).
 */
export const CREATE_GRACE = 60_000;
/** How long, in milliseconds, a read may show the world before our own write. */
const WRITE_GRACE = 10_000;

export interface PlanInput {
  definition: ResourceDefinition<unknown, unknown, unknown>;
  desired: unknown;
  /** Hash of `desired`. */
  specHash: string;
  /** Of the secret values in `desired`. */
  witness: string;
  observation: Observation<unknown>;
  entry: InventoryEntry | undefined;
  /** Whether what it lies in is ours; only asked for types that cannot carry a marker. */
  parentOurs: boolean;
  /** A person listed this slot in `flaresmith.dev/adopt`. */
  adopt: boolean;
  /** Plan hashes that a person confirmed with `flaresmith.dev/confirm`. */
  confirmed: ReadonlySet<string>;
  drift: "Correct" | "Warn";
  ephemeral: boolean;
  /** How long ago `entry` was asked for, in milliseconds. */
  intentAge: number;
  /** The last write of this process to the resource: what it changed, and how long ago in milliseconds. */
  written?: { hash: string; age: number; attempts: number } | undefined;
}

export type Plan =
  | { do: "nothing" }
  | { do: "create" }
  | { do: "update"; changes: readonly FieldChange[]; drifted: boolean }
  /** Time will tell: an intent or a write that is not visible yet, or work at the provider. */
  | { do: "wait"; message: string }
  /** `drift: Warn`: differences that are only reported. */
  | { do: "report"; changes: readonly FieldChange[] }
  | { do: "confirm"; hash: string; message: string }
  | { do: "fail"; error: FlaresmithError };

/** Where and what, for messages: `neon branch staging in proj-1`. */
export function describe(
  definition: { provider: string; type: string },
  reference: { scope: string; name: string },
): string {
  return `${definition.provider} ${definition.type} ${reference.name}${reference.scope === "" ? "" : ` in ${reference.scope}`}`;
}

/** Stable identity of a set of changes. */
export function changesHash(slot: string, changes: readonly FieldChange[]): string {
  const text = changes
    .map((change) => `${change.field}|${change.effect}|${change.from ?? ""}|${change.to ?? ""}`)
    .sort();
  const hash = createHash("sha256")
    .update([slot, ...text].join("\n"))
    .digest("hex");
  // A letter first: people paste it into YAML, where twelve digits would be a number.
  return `p${hash.slice(0, 11)}`;
}

/** Whose a present resource is, once inventory, intents and parents are weighed in (law 3). */
export function isOurs(
  definition: { ownership: "marked" | "marked-at-create" | "inherited" },
  observation: { owner: "ours" | "foreign" | "unmarked"; id: string },
  entry: InventoryEntry | undefined,
  parentOurs: boolean,
): boolean {
  const sameId = entry?.id !== undefined && entry.id === observation.id && entry.state !== "conflict";
  // A marker that can only be set at creation stays another's after an adoption; the inventory knows better.
  if (definition.ownership === "marked-at-create" && sameId && entry.nonce === ADOPTED) return true;
  if (observation.owner !== "unmarked") return observation.owner === "ours";
  if (sameId) return true;
  if (definition.ownership !== "inherited") return false;
  return parentOurs || entry?.state === "creating";
}

function confirmation(slot: string, what: string, changes: readonly FieldChange[]): Plan {
  const hash = changesHash(slot, changes);
  const list = changes
    .map((change) => change.field)
    .sort()
    .join(", ");
  return {
    do: "confirm",
    hash,
    message: `${what} (${list}). To go ahead, set the annotation flaresmith.dev/confirm: ${hash}; to keep what exists, change the spec back.`,
  };
}

/** What a person is asked before an edit deletes something that holds data or code. */
export function removalConfirmation(
  slot: string,
  where: string,
  { holds, type }: { holds: string; type: string },
  id: string,
): { hash: string; message: string } {
  const hash = changesHash(slot, [{ field: `${type} ${id} leaves the spec`, effect: "destroys-data" }]);
  return {
    hash,
    message: `${where} left the spec and would be deleted with the ${holds} that it holds. To go ahead, set the annotation flaresmith.dev/confirm: ${hash}; to leave it in place, set spec.deletionPolicy: Orphan; to keep it, change the spec back.`,
  };
}

/** What a person is asked when the account is another one, in which what the object stands for is not. */
export function moveConfirmation(
  slot: string,
  where: string,
  { holds, type }: { holds: string; type: string },
  entry: { id: string; scope: string },
): { hash: string; message: string } {
  const field = `${type} ${entry.id} lies in ${entry.scope}`;
  const hash = changesHash(slot, [{ field, effect: "replace", from: entry.scope, to: where }]);
  return {
    hash,
    message: `the account is another one, and ${where} would be made anew without the ${holds} of the one in ${entry.scope}. To go ahead, set the annotation flaresmith.dev/confirm: ${hash}; to keep what exists, use the account and credentials of before.`,
  };
}

function planAbsent(input: PlanInput, slot: string): Plan {
  const { definition, entry } = input;
  const where = describe(definition, definition.reference(input.desired));
  const age = input.intentAge;
  if (entry?.state === "creating" && age < CREATE_GRACE) {
    return { do: "wait", message: `${where} was asked for and is not visible yet` };
  }
  if (entry?.id === undefined) return { do: "create" };
  if (age < CREATE_GRACE) return { do: "wait", message: `${where} was created and is not visible yet` };
  // Its deletion was ours, and then it was wanted again.
  if (entry.state === "deleting") return { do: "create" };
  if (definition.holds === "nothing" || input.ephemeral) {
    const gone: FieldChange = {
      field: `${definition.type} ${entry.name ?? entry.id} is gone`,
      effect: "in-place",
    };
    return isLeft(input) ? { do: "report", changes: [gone] } : { do: "create" };
  }
  const lost: FieldChange[] = [{ field: `${definition.type} ${entry.id} is gone`, effect: "destroys-data" }];
  if (input.confirmed.has(changesHash(slot, lost))) return { do: "create" };
  return confirmation(
    slot,
    `${where} held ${definition.holds} and was deleted by someone else; a new one would be empty`,
    lost,
  );
}

/** What was as desired once, with this very spec, was changed by someone else since. */
function isDrift({ entry, specHash }: PlanInput): boolean {
  return entry?.specHash === specHash && entry.state !== "creating";
}

/** Whether drift is only reported. */
function isLeft(input: PlanInput): boolean {
  return input.drift === "Warn" && isDrift(input);
}

/**
 * Decides about one resource. Never creates or deletes on anything but proof (law 1), never touches what is not ours
 * (law 3), never replaces without confirmation (law 5).
 */
export function plan(input: PlanInput, slot: string): Plan {
  const { definition, desired, entry, observation } = input;
  if (observation.state === "unknown") return { do: "fail", error: observation.error };
  if (observation.state === "absent") return planAbsent(input, slot);
  const where = describe(definition, definition.reference(desired));
  const ours = isOurs(definition, observation, entry, input.parentOurs);
  if (!ours && !input.adopt) {
    const whose =
      observation.owner === "foreign"
        ? "belongs to another installation or object"
        : "exists and was not made by this object";
    return {
      do: "fail",
      error: new FlaresmithError({
        code: "INTEGRATION_NAME_CONFLICT",
        message: `${where} ${whose}`,
        hint: `Choose another name, or take it over with the annotation flaresmith.dev/adopt: ${slot}.`,
      }),
    };
  }
  if (observation.pending !== undefined) return { do: "wait", message: `${where}: ${observation.pending}` };
  const changes = [...definition.diff(desired, observation.observed, entry, input.witness)];
  if (definition.ownership === "marked" && observation.owner !== "ours")
    changes.push({ field: "marker", effect: "in-place" });
  if (changes.length === 0) return { do: "nothing" };
  const hash = changesHash(slot, changes);
  const written = input.written;
  if (written?.hash === hash) {
    const fields = changes
      .map((change) => change.field)
      .sort()
      .join(", ");
    if (written.age < WRITE_GRACE)
      return { do: "wait", message: `${where}: ${fields} was written and is not visible yet` };
    if (written.attempts >= 3) {
      return {
        do: "fail",
        error: new FlaresmithError({
          code: "INTEGRATION_REJECTED",
          message: `${where}: ${fields} was written ${written.attempts} times and the provider still shows another value`,
          hint: "Something else may write the same field, or the provider may not support the value: remove the field from the spec or stop the other writer.",
        }),
      };
    }
  }
  if (isLeft(input)) return { do: "report", changes };
  const guarded = changes.filter((change) => change.effect !== "in-place");
  if (guarded.length > 0 && !input.confirmed.has(changesHash(slot, guarded))) {
    const verb = guarded.some((change) => change.effect === "destroys-data")
      ? "would lose data"
      : "must be replaced";
    return confirmation(slot, `${where} ${verb}`, guarded);
  }
  return { do: "update", changes, drifted: isDrift(input) };
}
