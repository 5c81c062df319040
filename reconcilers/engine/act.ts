/** Carries out what was decided about one resource: nothing is created or made ours before the store knows of it (law 2). */
import { timestamp } from "../../controller/runtime/clock.ts";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ResourceNode } from "./graph.ts";
import { partOf } from "./graph.ts";
import { startIntent } from "./intent-age.ts";
import type { Intents } from "./intents.ts";
import { createMarker } from "./marker.ts";
import { RefusedIntent, toFlaresmithError } from "./pass.ts";
import type { NodeOptions } from "./pass.ts";
import { changesHash, describe } from "./plan.ts";
import type { Plan } from "./plan.ts";
import type { InventoryEntry, Observation, Outputs, WriteResult } from "./resource.ts";
import type { NodeResult } from "./result.ts";
import { connectionKey, followsName } from "./step.ts";
import type { Step } from "./step.ts";

/**
 * @param leave called when the node can ask for no more intents
 * @throws FlaresmithError for what concerns this node alone; RefusedIntent when the store refused
 */
export async function act(
  step: Step,
  observation: Observation<unknown>,
  decided: Plan,
  intents: Intents,
  leave: () => void,
): Promise<NodeResult> {
  const { desired, memory, node } = step;
  const { definition, slot } = node;
  const base = { slot, provider: definition.provider };
  const observed =
    observation.state === "present" && observation.pending === undefined ? observation.observed : undefined;
  const outputs = (): Outputs | undefined =>
    observed === undefined ? undefined : definition.outputs(desired, observed);
  switch (decided.do) {
    case "nothing": {
      const given = outputs();
      if (given) memory.outputs = given;
      return { ...base, status: "ready", outputs: given };
    }
    case "wait":
      memory.doubted = true;
      return { ...base, status: "settling", message: decided.message, outputs: outputs() };
    case "report":
      step.options.tracker.drift(definition.provider, definition.type);
      return { ...base, status: "drifted", changes: decided.changes, outputs: outputs() };
    case "confirm":
      return { ...base, status: "confirm", message: decided.message, outputs: outputs() };
    case "fail": {
      if (decided.error.class === "unknownOutcome") memory.doubted = true;
      return { ...base, status: "failed", error: decided.error };
    }
    case "create":
      return create(step, intents, leave);
    case "update":
      leave();
      await claim(step, observed, intents);
      return update(step, observed, decided.changes, decided.drifted);
  }
}

async function create(step: Step, intents: Intents, leave: () => void): Promise<NodeResult> {
  const { desired, memory, node, options, reference } = step;
  const { definition, slot } = node;
  const nonce = options.random.hex(8);
  const intent: InventoryEntry = {
    slot,
    provider: definition.provider,
    type: definition.type,
    name: reference.name,
    scope: reference.scope,
    scopeId: reference.scopeId,
    key: node.key,
    state: "creating",
    nonce,
    since: timestamp(options.clock),
    parent: partOf(node),
    policy: node.removal,
    connection: connectionKey(node),
    data: definition.claim?.(desired, undefined, undefined),
  };
  // Only of what a person, or a complete look, said to be gone: other absences may be a late read.
  if (definition.holds !== "nothing" && options.inventory.get(slot)?.id !== undefined) {
    forgetParts(slot, options);
    // What was listed below it is of the one before.
    if (!(node.connection instanceof FlaresmithError)) node.connection.source.removed();
  }
  leave();
  try {
    await intents.record(intent);
  } catch (error) {
    throw new RefusedIntent(error);
  }
  memory.doubted = true;
  memory.written = { hash: "create", at: options.clock.monotonic(), attempts: 1 };
  startIntent(memory, intent, options.clock);
  const context = {
    ...step.context,
    marker: createMarker({ ...options.marker, slot }, nonce),
    entry: intent,
  };
  const where = describe(definition, reference);
  try {
    const result = await definition.create(desired, context);
    memory.written.at = options.clock.monotonic();
    startIntent(memory, intent, options.clock);
    options.tracker.event("Normal", "CreatedExternalResource", `created ${where}`);
    return written(step, intent, result, `${where} was created`);
  } catch (thrown) {
    startIntent(memory, intent, options.clock);
    const error = toFlaresmithError(thrown);
    // A clear refusal happened instead of the create; the intent would only delay the next attempt.
    if (isRefusal(error)) options.inventory.delete(slot);
    return { slot, provider: definition.provider, status: "failed", error };
  }
}

/** What lay in something that is gone went with it: it is made with the new one, as for the first time. */
function forgetParts(slot: string, options: NodeOptions): void {
  for (const part of options.inventory.values()) {
    if (part.parent !== slot) continue;
    options.inventory.delete(part.slot);
    options.memory.slots.delete(part.slot);
    forgetParts(part.slot, options);
  }
}

/** Whether the provider said no: anything else may have come after it did what was asked. */
function isRefusal(error: FlaresmithError): boolean {
  return (
    error.class !== "unknownOutcome" && error.code !== "INTERNAL_ERROR" && error.code !== "STORE_UNAVAILABLE"
  );
}

/**
 * Stores what an update is about to make ours. Where that is nothing, asks whether the object is still as it was read:
 * what another process has taken away by a newer spec must not come back by an older one.
 * @throws RefusedIntent when the store refused, or the object is another by now
 */
async function claim({ desired, node, options }: Step, observed: unknown, intents: Intents): Promise<void> {
  const entry = options.inventory.get(node.slot);
  const data = entry && node.definition.claim?.(desired, observed, entry);
  try {
    if (entry === undefined || data === undefined) await intents.confirm();
    else await intents.record({ ...entry, data });
  } catch (error) {
    throw new RefusedIntent(error);
  }
}

async function update(
  step: Step,
  observed: unknown,
  changes: Parameters<ResourceNode["definition"]["update"]>[2],
  drifted: boolean,
): Promise<NodeResult> {
  const { desired, memory, node, options, reference } = step;
  const { definition, slot } = node;
  const hash = changesHash(slot, changes);
  const attempts = memory.written?.hash === hash ? memory.written.attempts + 1 : 1;
  memory.doubted = true;
  // Only an answered write counts as one: what got lost may simply be sent again.
  memory.written = { hash: "", at: options.clock.monotonic(), attempts: 0 };
  if (drifted) options.tracker.drift(definition.provider, definition.type);
  const result = await definition.update(desired, observed, changes, step.context);
  memory.written = { hash, at: options.clock.monotonic(), attempts };
  const where = describe(definition, reference);
  const fields = changes
    .map((change) => change.field)
    .sort()
    .join(", ");
  const [reason, verb] = drifted
    ? ["CorrectedDrift", "changed back"]
    : ["UpdatedExternalResource", "updated"];
  options.tracker.event("Normal", reason, `${verb} ${fields} of ${where}`);
  const entry = options.inventory.get(slot);
  if (!entry)
    throw new FlaresmithError({
      code: "INTERNAL_ERROR",
      message: `${slot} was updated without an inventory entry`,
    });
  return written(step, entry, result, `${fields} of ${where} was written`);
}

/** After a write: the inventory knows what was written, and the next pass reads it back before it counts. */
function written(
  step: Step,
  entry: InventoryEntry,
  result: WriteResult<unknown>,
  message: string,
): NodeResult {
  const { desired, node, options, reference } = step;
  const { definition, slot } = node;
  options.inventory.set(slot, {
    ...entry,
    id: result.id,
    name: followsName(definition) ? (result.name ?? reference.name) : reference.name,
    state: result.pending === undefined ? "ready" : "pending",
    fingerprint: result.fingerprint ?? entry.fingerprint,
    data: result.data ?? entry.data,
    error: undefined,
  });
  const settled = result.observed !== undefined && result.pending === undefined;
  const outputs = settled ? definition.outputs(desired, result.observed) : undefined;
  const what = result.pending === undefined ? message : `${message}: ${result.pending}`;
  return { slot, provider: definition.provider, status: "settling", message: what, outputs, wrote: true };
}
