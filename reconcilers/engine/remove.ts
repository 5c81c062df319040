/**
 * Removal of external resources: of what left the spec, and of everything when the object is deleted. It needs nothing
 * but the inventory (law 6): the entry names the resource, its Connection and what is to happen to it.
 */
import type { Clock } from "../../controller/runtime/clock.ts";
import { timestamp } from "../../controller/runtime/clock.ts";
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import { createActivity } from "./activity.ts";
import { resourceContext } from "./context.ts";
import { toFlaresmithError } from "./pass.ts";
import type { Consents, EngineTracker } from "./pass.ts";
import type { ConnectionHandle } from "./graph.ts";
import { createIntents } from "./intents.ts";
import { intentAge } from "./intent-age.ts";
import type { Intents } from "./intents.ts";
import { createMarker } from "./marker.ts";
import type { MarkerParts } from "./marker.ts";
import type { ObjectMemory, SlotMemory } from "./memory.ts";
import { slotMemory } from "./memory.ts";
import { isSaidGone } from "./gone-word.ts";
import { isSameThing, markedSlot } from "./aside.ts";
import { CREATE_GRACE, describe, isOurs, removalConfirmation } from "./plan.ts";
import type { InventoryEntry, Reference, ResourceDefinition } from "./resource.ts";

export interface RemovalOptions {
  /** What is to go, in the order it was created: it goes in the reverse order, each provider by itself. */
  entries: readonly InventoryEntry[];
  inventory: Map<string, InventoryEntry>;
  memory: ObjectMemory;
  marker: Omit<MarkerParts, "slot">;
  consents: Consents;
  /** Data go with what they lie in, see `KindReconciler`. */
  disposable?: boolean | undefined;
  /** What the spec names, by the slots that are in it. Default: nothing. */
  wanted?: readonly { slot: string; provider: string; type: string; named: Reference }[] | undefined;
  /** Whether it is deleted only with a person's consent. Default: nothing is. */
  guarded?: ((entry: InventoryEntry) => boolean) | undefined;
  /** Why it goes, for tombstones, e.g. `Project shop was deleted`. */
  why: string;
  /** The definition of a type; undefined when this build does not know it. */
  definition(entry: InventoryEntry): ResourceDefinition<unknown, unknown, unknown> | undefined;
  /** The Connection that an entry was reached by. @throws FlaresmithError */
  connect(entry: InventoryEntry): Promise<ConnectionHandle>;
  /** @param why in place of its policy */
  orphan(entry: InventoryEntry, why?: string): Promise<void>;
  /** Whether the object itself is being deleted: nobody is left to try again later. */
  ending: boolean;
  persist(): Promise<void>;
  /** Asks the store whether the object is still as it was read. @throws ApiError Conflict when it is not */
  confirm(): Promise<void>;
  clock: Clock;
  tracker: EngineTracker;
  signal: AbortSignal;
}

export interface RemovalResult {
  slot: string;
  provider: string;
  /** `confirm`: a person has to agree first. `held`: the spec names it elsewhere, where it is not known as ours yet. */
  status: "gone" | "orphaned" | "removing" | "confirm" | "held" | "failed";
  message: string;
  error?: FlaresmithError;
}

/** Works through the entries once; call again until every result is `gone` or `orphaned`. */
export async function removeEntries(options: RemovalOptions): Promise<RemovalResult[]> {
  const intents = createIntents({
    inventory: options.inventory,
    activity: createActivity(),
    clock: options.clock,
    write: () => options.persist(),
    check: () => options.confirm(),
  });
  const leaving = new Map(options.entries.map((entry) => [entry.slot, entry] as const));
  const wholes = options.entries.filter((entry) => leavesByItself(entry, leaving));
  const providers = Map.groupBy(wholes, (entry) => entry.provider);
  const lanes = [...providers.values()].map(async (entries) => {
    const results: RemovalResult[] = [];
    for (const entry of entries.toReversed()) {
      const result = await removeOne(entry, options, intents);
      results.push(result);
      if (!options.inventory.has(entry.slot)) forgetParts(entry, result.status, options);
      // Children go before what they lie in: the next one waits until this one is gone. One that fails holds nobody up:
      // Workers that are bound to each other only go in the order that the provider allows.
      if (result.status === "removing") break;
    }
    return results;
  });
  return (await Promise.all(lanes)).flat();
}

/**
 * A part needs no removal of its own when what it is a part of is removed as well, or stays as the part does. What is to
 * go while its whole stays, such as the rulesets of a repository that is left in place, is taken out of it.
 */
function leavesByItself(entry: InventoryEntry, leaving: ReadonlyMap<string, InventoryEntry>): boolean {
  const whole = entry.parent === undefined ? undefined : leaving.get(entry.parent);
  if (whole === undefined) return true;
  return policyOf(whole) === "Orphan" && policyOf(entry) === "Delete";
}

function policyOf(entry: InventoryEntry): "Orphan" | "Delete" {
  return entry.policy ?? "Orphan";
}

/**
 * What was part of something that is gone went with it. What was part of something left in place stayed with it, but for
 * what is to be taken out of it: a removal that failed is tried again.
 */
function forgetParts(whole: InventoryEntry, status: RemovalResult["status"], options: RemovalOptions): void {
  const leaving = new Map([[whole.slot, whole]]);
  for (const part of options.inventory.values()) {
    if (part.parent !== whole.slot) continue;
    if (status === "orphaned" && leavesByItself(part, leaving)) continue;
    options.inventory.delete(part.slot);
    options.memory.slots.delete(part.slot);
    forgetParts(part, status, options);
  }
}

async function removeOne(
  entry: InventoryEntry,
  options: RemovalOptions,
  intents: Intents,
): Promise<RemovalResult> {
  const { inventory, tracker } = options;
  const base = { slot: entry.slot, provider: entry.provider };
  const where = describe(entry, { scope: entry.scope ?? "", name: entry.name ?? entry.id ?? "" });
  const drop = (): void => {
    inventory.delete(entry.slot);
    options.memory.slots.delete(entry.slot);
  };
  if (!madeByUs(entry, options)) {
    drop();
    return { ...base, status: "gone", message: `${where} was not made by this object and is let go` };
  }
  const holder = holderOf(entry, options);
  if (holder !== undefined) {
    drop();
    return { ...base, status: "gone", message: `${where} is still wanted as ${holder.slot}` };
  }
  const namedAs = namedBy(entry, options);
  if (namedAs !== undefined)
    return { ...base, status: "held", message: `${where} is what the spec names ${namedAs}` };
  if (policyOf(entry) === "Orphan") {
    if (entry.id === undefined && withinGrace(entry, options)) {
      return { ...base, status: "removing", message: `${where} was asked for and is not visible yet` };
    }
    // Asked for without a clear answer: it may exist, so that somebody must be able to find it.
    await options.orphan(entry);
    tracker.event("Normal", "OrphanedExternalResource", `left ${where} in place: ${options.why}`);
    drop();
    return { ...base, status: "orphaned", message: `${where} was left in place` };
  }
  try {
    return await removeExternal(entry, where, drop, options, intents);
  } catch (thrown) {
    if (isStoreError(thrown)) throw thrown;
    const error = toFlaresmithError(thrown);
    if (error.code === "ENV_ARCHIVED" && isLastChance(entry, options)) {
      // It cannot be taken out of what is archived and stays, and keeps nobody from going (law 6).
      await options.orphan(entry, error.message);
      tracker.event("Warning", "OrphanedExternalResource", `left ${where} in place: ${error.message}`);
      drop();
      return { ...base, status: "orphaned", message: `${where} was left in place` };
    }
    inventory.set(entry.slot, { ...(inventory.get(entry.slot) ?? entry), error: error.message });
    return { ...base, status: "failed", message: error.message, error };
  }
}

/** Law 3: what cannot carry a marker and was not made by an intent of ours is never deleted when it holds anything. */
function madeByUs(entry: InventoryEntry, options: RemovalOptions): boolean {
  const definition = options.definition(entry);
  return definition?.ownership !== "inherited" || definition.holds === "nothing" || entry.nonce !== undefined;
}

/** Whether nothing of the object is left that would try the removal again: the object goes, or lets go of its whole. */
function isLastChance({ parent }: InventoryEntry, { ending, entries, inventory }: RemovalOptions): boolean {
  if (ending || parent === undefined) return ending;
  return !inventory.has(parent) || entries.some(({ slot }) => slot === parent);
}

/** What stays and stands for the very thing: one name of it may leave the spec while another is still, or now, in it. */
function holderOf(entry: InventoryEntry, options: RemovalOptions): InventoryEntry | undefined {
  const definition = options.definition(entry);
  // Content is what each entry wrote, not the place that it wrote it into.
  if (definition === undefined || definition.content === true) return undefined;
  const leaving = new Set(options.entries.map(({ slot }) => slot));
  return options.inventory
    .values()
    .find((other) => !leaving.has(other.slot) && isSameThing(definition, entry, other));
}

/**
 * The slot of the spec under which a leaving thing goes on, when it was given another name there: it may still have to be
 * adopted, and until then nobody's inventory has it under that slot.
 */
function namedBy(entry: InventoryEntry, options: RemovalOptions): string | undefined {
  const definition = options.definition(entry);
  if (definition === undefined || definition.content === true) return undefined;
  const { name = "", scope = "" } = entry;
  return options.wanted?.find(
    ({ named, provider, slot, type }) =>
      slot !== entry.slot &&
      provider === entry.provider &&
      type === entry.type &&
      named.scope === scope &&
      (named.name === name || definition.sameName?.(named.name, name) === true),
  )?.slot;
}

function isStoreError(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "ApiError";
}

/** Whether what was created may still be invisible, its id known or not; what we deleted is not waited for. */
function withinGrace(entry: InventoryEntry, { clock, memory }: RemovalOptions): boolean {
  if (entry.state === "deleting") return false;
  return intentAge(slotMemory(memory, entry.slot), entry, clock) < CREATE_GRACE;
}

/**
 * Whether a removal that got no answer may still be on its way: many APIs delete by name, and nothing of that name may be
 * made before it has arrived. A later removal that is answered says nothing about an earlier one.
 */
function mayStillTakeEffect({ unansweredRemovalAt }: SlotMemory, clock: Clock): boolean {
  return unansweredRemovalAt !== undefined && clock.monotonic() - unansweredRemovalAt < CREATE_GRACE;
}

async function removeExternal(
  entry: InventoryEntry,
  where: string,
  drop: () => void,
  options: RemovalOptions,
  intents: Intents,
): Promise<RemovalResult> {
  const { clock, tracker } = options;
  const base = { slot: entry.slot, provider: entry.provider };
  const definition = options.definition(entry);
  if (!definition) {
    await options.orphan(entry);
    drop();
    return { ...base, status: "orphaned", message: `${where} is of a type that this version does not know` };
  }
  const connection = await options.connect(entry);
  const reference: Reference = {
    scope: entry.scope ?? "",
    name: entry.name ?? "",
    ...(entry.id === undefined ? {} : { id: entry.id }),
  };
  const deleted = (id: string): string => `${definition.type} ${id}`;
  const late = `${where} is gone, and an earlier request to delete it may still take effect`;
  const gone =
    isSaidGone(entry, options.consents.gone) ||
    (entry.id !== undefined && options.memory.deleted.has(deleted(entry.id)));
  const memory = slotMemory(options.memory, entry.slot);
  // Another process began it, and took to its grave whether it was answered.
  if (entry.state === "deleting" && memory.removing !== true && !gone)
    memory.unansweredRemovalAt = clock.monotonic();
  memory.removing = true;
  const shown: InventoryEntry = {
    ...entry,
    // A definition may look otherwise at what is on its way out; one that was never created is still looked for.
    state: entry.state === "creating" ? "creating" : "deleting",
    ...(gone ? { data: { ...entry.data, confirmGone: entry.id ?? "" } } : {}),
  };
  const context = resourceContext(
    {
      connection,
      type: definition.type,
      clock,
      signal: options.signal,
      marker: createMarker({ ...options.marker, slot: markedSlot(entry.slot) }, entry.nonce ?? ""),
      witness: "",
      depth: "shallow",
      // Deletion must not act on what an old listing shows.
      fresh: true,
      entry: shown,
      disposable: options.disposable,
      freshness: 0,
      sinceWrite: 0,
    },
    reference.scope,
  );
  const observation = await definition.observe(reference, context);
  if (observation.state === "unknown") throw observation.error;
  if (observation.state === "absent") {
    if (withinGrace(entry, options)) {
      return { ...base, status: "removing", message: `${where} was created and is not visible yet` };
    }
    if (mayStillTakeEffect(memory, clock)) return { ...base, status: "removing", message: late };
    // Somebody else deleted it: listings of before show it still, and what lay in it.
    if (entry.id !== undefined && entry.state !== "deleting") connection.source.removed();
    drop();
    if (entry.state === "deleting") tracker.event("Normal", "DeletedExternalResource", `deleted ${where}`);
    return { ...base, status: "gone", message: `${where} is gone` };
  }
  // Inside what is ours the name alone proves nothing on the way out: the inventory must have known it.
  if (!isOurs(definition, observation, entry, false)) {
    // Ours may still be invisible behind what another made under its name.
    if (entry.state === "creating" && withinGrace(entry, options)) {
      return { ...base, status: "removing", message: `${where} was asked for and is not visible yet` };
    }
    drop();
    tracker.event("Warning", "LeftForeignResource", `left ${where} in place: it is not ours any more`);
    return { ...base, status: "gone", message: `${where} is not ours and was left in place` };
  }
  if (entry.state !== "deleting" && options.guarded?.(entry) === true) {
    const { hash, message } = removalConfirmation(entry.slot, where, definition, observation.id);
    if (!options.consents.confirm.has(hash)) return { ...base, status: "confirm", message };
  }
  if (definition.content === true) await intents.confirm();
  else if (entry.state !== "deleting") {
    const intent: InventoryEntry = {
      ...entry,
      id: observation.id,
      state: "deleting",
      since: timestamp(clock),
    };
    await intents.record(intent);
  }
  if (observation.pending !== undefined) {
    return { ...base, status: "removing", message: `${where}: ${observation.pending}` };
  }
  memory.doubted = true;
  let answer: Awaited<ReturnType<typeof definition.remove>>;
  try {
    answer = await definition.remove({ ...reference, id: observation.id }, context);
  } catch (thrown) {
    if (toFlaresmithError(thrown).class === "unknownOutcome") memory.unansweredRemovalAt = clock.monotonic();
    throw thrown;
  } finally {
    // Also after an unclear outcome: it may be gone.
    connection.source.removed();
  }
  if (definition.content === true) {
    drop();
    return { ...base, status: "gone", message: `${where} is let go` };
  }
  if (answer === "deleted") options.memory.deleted.add(deleted(observation.id));
  const remembered = options.inventory.get(entry.slot) ?? entry;
  const acknowledged =
    answer === "deleted"
      ? { ...remembered, data: { ...remembered.data, confirmGone: observation.id } }
      : remembered;
  options.inventory.set(entry.slot, acknowledged);
  const after = await definition.observe(
    { ...reference, id: observation.id },
    { ...context, entry: acknowledged },
  );
  if (after.state === "absent") {
    if (mayStillTakeEffect(memory, clock)) return { ...base, status: "removing", message: late };
    drop();
    tracker.event("Normal", "DeletedExternalResource", `deleted ${where}`);
    return { ...base, status: "gone", message: `${where} is gone` };
  }
  return { ...base, status: "removing", message: `${where} is being deleted` };
}
