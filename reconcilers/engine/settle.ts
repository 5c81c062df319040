/** One resource of a graph in one pass: observe it, plan, remember what was seen, act. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { hashOf } from "../../controller/runtime/hash.ts";
import { act } from "./act.ts";
import { resourceContext } from "./context.ts";
import { isSaidGone } from "./gone-word.ts";
import { partOf } from "./graph.ts";
import type { ResourceNode } from "./graph.ts";
import { intentAge } from "./intent-age.ts";
import type { Intents } from "./intents.ts";
import { createMarker } from "./marker.ts";
import type { SlotMemory } from "./memory.ts";
import { slotMemory } from "./memory.ts";
import { toFlaresmithError } from "./pass.ts";
import type { NodeOptions } from "./pass.ts";
import { isElsewhere, setAside, takeBack } from "./aside.ts";
import { ADOPTED } from "./origin.ts";
import { describe, isOurs, moveConfirmation, plan } from "./plan.ts";
import type { Plan } from "./plan.ts";
import type { Depth, InventoryEntry, Observation, Outputs, Reference } from "./resource.ts";
import type { NodeResult } from "./result.ts";
import { connectionKey, followsName } from "./step.ts";
import type { Step } from "./step.ts";
import { witnessOf } from "./witness.ts";

/**
 * Settles one node as far as one pass can.
 * @param leave called when the node can ask for no more intents
 * @throws FlaresmithError for what concerns this node alone; RefusedIntent when the store refused
 */
export async function settle(
  node: ResourceNode,
  inputs: ReadonlyMap<string, Outputs>,
  options: NodeOptions,
  intents: Intents,
  leave: () => void,
  running: ReadonlyMap<string, Promise<NodeResult>>,
): Promise<NodeResult> {
  const { connection, definition, slot } = node;
  if (connection instanceof FlaresmithError) throw connection;
  const { clock, inventory } = options;
  const desired = node.desired(inputs);
  const named = definition.reference(desired);
  const asked = await followAccount(node, named, options);
  if (asked !== undefined) return asked;
  const moved = [setAside(node, named, inventory), takeBack(node, named, inventory)];
  if (moved.includes(true)) options.memory.slots.delete(slot);
  const memory = slotMemory(options.memory, slot);
  const entry = inventory.get(slot);
  const specHash = hashOf(desired);
  const base = { slot, provider: definition.provider };
  if (trusted(memory, entry, specHash, options)) return { ...base, status: "ready", outputs: memory.outputs };

  const reference = {
    ...definition.reference(desired),
    ...(entry?.id === undefined ? {} : { id: entry.id }),
  };
  const depth = depthOf(memory, specHash, options);
  const fresh =
    options.requested ||
    memory.doubted === true ||
    entry?.state === "creating" ||
    entry?.state === "deleting";
  const written = memory.written;
  const sinceWrite = written === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - written.at;
  const nonce = entry?.nonce ?? "";
  const gone = isSaidGone(entry, options.consents.gone);
  const shownEntry =
    entry && gone ? { ...entry, data: { ...entry.data, confirmGone: entry.id ?? "" } } : entry;
  const marker = createMarker({ ...options.marker, slot }, nonce);
  const witness = witnessOf(connection.witnessKey, marker, definition.secrets?.(desired) ?? {});
  const contextOptions = {
    connection,
    type: definition.type,
    clock,
    signal: options.signal,
    marker,
    witness,
    depth,
    fresh,
    entry: shownEntry,
    parentEntry: "slot" in node.parent ? inventory.get(node.parent.slot) : undefined,
    freshness: options.freshness,
    sinceWrite: options.sinceWrite,
  };
  const parentOurs = await isParentOurs(node, running);
  const decide = (observation: Observation<unknown>): Plan =>
    plan(
      {
        definition,
        desired,
        specHash,
        witness,
        observation,
        entry,
        parentOurs,
        adopt: options.consents.adopt.has(slot),
        confirmed: options.consents.confirm,
        drift: options.drift,
        ephemeral: node.ephemeral,
        intentAge: intentAge(memory, entry, clock),
        written: written === undefined ? undefined : { ...written, age: sinceWrite },
      },
      slot,
    );
  const stepOf = (past: boolean): Step => ({
    node,
    options,
    desired,
    specHash,
    reference,
    memory,
    context: resourceContext({ ...contextOptions, fresh: past }, reference.scope),
  });
  let step = stepOf(fresh);
  let observation = await observe(step);
  let decided = decide(observation);
  const isMissed = observation.state === "absent" && decided.do !== "wait";
  if (!fresh && (isMissed || isNewFind(definition, entry, observation))) {
    // A shared listing is of a moment ago: what somebody made since must not be overwritten or called lost, and what was
    // deleted since, with an older object of this name perhaps, must not be taken for something that was lost.
    step = stepOf(true);
    observation = await observe(step);
    decided = decide(observation);
  }
  remember(step, observation, decided, parentOurs);
  return { ...(await act(step, observation, decided, intents, leave)), named };
}

/**
 * What lies in an account that is another one now: it may have been handed over, and is the same then; else a person says
 * whether it is made anew.
 * @returns what to wait for; undefined when the node can be settled
 */
async function followAccount(
  node: ResourceNode,
  named: Reference,
  options: NodeOptions,
): Promise<NodeResult | undefined> {
  const { connection, definition, slot } = node;
  const entry = options.inventory.get(slot);
  if (connection instanceof FlaresmithError || !isElsewhere(node, named, entry)) return undefined;
  const base = { slot, provider: definition.provider };
  const { hash, message } = moveConfirmation(slot, describe(definition, named), definition, entry);
  if (options.consents.confirm.has(hash)) return undefined;
  const context = resourceContext(
    {
      connection,
      type: definition.type,
      clock: options.clock,
      signal: options.signal,
      marker: createMarker({ ...options.marker, slot }, entry.nonce ?? ""),
      witness: "",
      depth: "shallow",
      fresh: true,
      entry,
      freshness: 0,
      sinceWrite: 0,
    },
    named.scope,
  );
  const observation = await definition.observe({ ...named, id: entry.id }, context);
  if (observation.state === "unknown") throw observation.error;
  // An id that is a name may be another's here.
  const isHandedOver =
    observation.state === "present" && observation.id === entry.id && entry.id !== entry.name;
  if (!isHandedOver) return { ...base, status: "confirm", message };
  options.inventory.set(slot, { ...entry, scope: named.scope });
  return undefined;
}

/** Whether something that holds data or code is met for the first time. */
function isNewFind(
  { holds }: ResourceNode["definition"],
  entry: InventoryEntry | undefined,
  observation: Observation<unknown>,
): boolean {
  return holds !== "nothing" && entry?.id === undefined && observation.state === "present";
}

/** Only what the stored inventory says as well: a pass that was refused by the store remembers more than it wrote. */
function trusted(
  memory: SlotMemory,
  entry: InventoryEntry | undefined,
  specHash: string,
  options: NodeOptions,
): boolean {
  if (entry?.state !== "ready" || entry.specHash !== specHash) return false;
  // It was well since, and what said so was not stored: nobody else takes the error out.
  if (entry.error !== undefined) return false;
  if (options.requested || memory.doubted === true || memory.seenAt === undefined) return false;
  if (memory.specHash !== specHash || memory.outputs === undefined) return false;
  return options.clock.monotonic() - memory.seenAt < options.trust;
}

function depthOf(memory: SlotMemory, specHash: string, options: NodeOptions): Depth {
  if (options.requested || memory.doubted === true) return "deep";
  if (memory.verifiedAt === undefined || memory.specHash !== specHash) return "deep";
  return options.clock.monotonic() - memory.verifiedAt >= options.deepInterval ? "deep" : "shallow";
}

async function observe(step: Step): Promise<Observation<unknown>> {
  try {
    return await step.node.definition.observe(step.reference, step.context);
  } catch (error) {
    return { state: "unknown", error: toFlaresmithError(error) };
  }
}

async function isParentOurs(
  node: ResourceNode,
  running: ReadonlyMap<string, Promise<NodeResult>>,
): Promise<boolean> {
  if ("ours" in node.parent) return node.parent.ours;
  const result = await running.get(node.parent.slot);
  return result?.outputs !== undefined;
}

/** Puts what was observed into inventory and memory, before anything is done about it. */
function remember(step: Step, observation: Observation<unknown>, decided: Plan, parentOurs: boolean): void {
  const { memory, node, options, specHash } = step;
  const entry = options.inventory.get(node.slot);
  // What is not as desired any more, or could not be looked at, is not trusted for having been well a moment ago.
  if (decided.do !== "nothing") delete memory.seenAt;
  if (observation.state === "unknown") {
    if (entry && entry.state !== "creating" && entry.state !== "deleting") {
      options.inventory.set(node.slot, { ...entry, error: observation.error.message });
    }
    return;
  }
  if (observation.state === "absent") {
    // Listings of before show it still: until it is there again, it is looked at by itself.
    if (entry?.id !== undefined) memory.doubted = true;
    return;
  }
  const ours = isOurs(node.definition, observation, entry, parentOurs);
  const adopted = !ours && options.consents.adopt.has(node.slot);
  if (!ours && !adopted) return;
  const { definition } = node;
  const settled = decided.do === "nothing";
  options.inventory.set(node.slot, {
    ...entry,
    slot: node.slot,
    provider: definition.provider,
    type: definition.type,
    key: node.key,
    id: observation.id,
    name: followsName(definition) ? (observation.name ?? step.reference.name) : step.reference.name,
    scope: step.reference.scope,
    scopeId: step.reference.scopeId ?? (entry?.scope === step.reference.scope ? entry.scopeId : undefined),
    state: observation.pending === undefined ? "ready" : "pending",
    since: entry?.since,
    ...(adopted ? { nonce: ADOPTED } : {}),
    specHash: settled ? specHash : entry?.specHash,
    data:
      (settled ? definition.recall?.(step.desired, observation.observed, entry?.data) : undefined) ??
      entry?.data,
    // A fingerprint stands for a state without difference: kept until then, it makes the next look a deep one.
    fingerprint: settled ? (observation.fingerprint ?? entry?.fingerprint) : entry?.fingerprint,
    parent: partOf(node),
    policy: node.removal,
    connection: connectionKey(node),
    error: undefined,
  });
  if (!settled) {
    delete memory.verifiedAt;
    delete memory.seenAt;
    return;
  }
  const now = options.clock.monotonic();
  memory.seenAt = now;
  if (observation.depth === "deep") memory.verifiedAt = now;
  memory.specHash = specHash;
  memory.doubted = false;
  if (memory.written) memory.written = { ...memory.written, attempts: 0 };
}
