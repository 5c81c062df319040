/**
 * One reconciliation of one object: finalizer, graph, pass, removal of what left the spec, and one deferred write of the
 * status. What a kind is made of comes from its `KindReconciler`; nothing here knows a provider.
 */
import type { StatusPart } from "../../controller/runtime/conditions.ts";
import { parseDuration } from "../../controller/runtime/duration.ts";
import { conditionMessage, conditionReason } from "../../controller/runtime/errors.ts";
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import { isApiError } from "../../controller/store/resource-client.ts";
import { consentsOf, requestOf } from "./annotations.ts";
import { converge } from "./converge.ts";
import { finalize } from "./finalize-object.ts";
import { addFinalizer } from "./finalizer.ts";
import type {
  Blueprint,
  KindReconciler,
  ObjectResult,
  ReconcileEnvironment,
  ReconciledObject,
} from "./kind.ts";
import { createObjectMemory, forgetWrites, slotMemory } from "./memory.ts";
import type { ObjectMemory } from "./memory.ts";
import { finish, inventoryOf, markerOf, writerOf } from "./object-status.ts";
import { isGuarded } from "./guarded.ts";
import { nextStep, settleDelay } from "./pace.ts";
import { providerParts, upToDatePart } from "./parts.ts";
import { toFlaresmithError } from "./pass.ts";
import { removalAccess } from "./removal-access.ts";
import type { NodeResult } from "./result.ts";
import { removeEntries } from "./remove.ts";
import type { RemovalOptions } from "./remove.ts";

/** Milliseconds within which what was just verified is not looked at again by follow-up passes. */
const TRUST = 30_000;
/** Upper bound, in milliseconds, of how old a shared observation may be. */
const FRESHNESS = 300_000;

export interface ObjectReconciler<T extends ReconciledObject> {
  /** @throws ApiError of the store; a Conflict is retried by the queue without anyone being told */
  reconcile(object: T, signal: AbortSignal): Promise<ObjectResult>;
  /** Drops what is remembered of an object that is gone. */
  forget(uid: string): void;
}

export function createObjectReconciler<T extends ReconciledObject>(
  kind: KindReconciler<T>,
  environment: ReconcileEnvironment,
): ObjectReconciler<T> {
  const memories = new Map<string, ObjectMemory>();
  const memoryOf = (object: T): ObjectMemory => {
    const uid = object.metadata.uid ?? "";
    const known = memories.get(uid) ?? createObjectMemory();
    memories.set(uid, known);
    return known;
  };
  const pass = async (object: T, memory: ObjectMemory, signal: AbortSignal): Promise<ObjectResult> => {
    if (object.metadata.deletionTimestamp !== undefined) {
      const result = await finalize(kind, environment, object, memory, signal);
      if (result.done) memories.delete(object.metadata.uid ?? "");
      return result;
    }
    const guarded = await addFinalizer(environment.client, kind.type, object, signal);
    return reconcileLiving(kind, environment, guarded, memory, signal);
  };
  return {
    forget: (uid) => void memories.delete(uid),
    reconcile: async (object, signal) => {
      if (object.spec.suspend) return {};
      const memory = memoryOf(object);
      try {
        return await pass(object, memory, signal);
      } catch (error) {
        forgetWrites(memory);
        throw error;
      }
    },
  };
}

async function reconcileLiving<T extends ReconciledObject>(
  kind: KindReconciler<T>,
  environment: ReconcileEnvironment,
  object: T,
  memory: ObjectMemory,
  signal: AbortSignal,
): Promise<ObjectResult> {
  const inventory = inventoryOf(object);
  const writer = writerOf(kind, environment, object, inventory, signal);
  let blueprint: Blueprint;
  try {
    blueprint = await kind.build(object, signal);
  } catch (thrown) {
    if (isApiError(thrown, "Conflict")) throw thrown;
    const error = toFlaresmithError(thrown);
    const fields = kind.standing?.(object) ?? {};
    const part = errorPart(error);
    // What passes by itself is followed by the look that was asked for; what needs a person is the answer.
    const answered = part.waitsFor === "person";
    await finish(kind, environment, object, writer, { parts: [part], fields, answered });
    return resultOfError(error);
  }
  const consents = consentsOf(object);
  const tracker = environment.track(object);
  const common = {
    inventory,
    memory,
    marker: markerOf(object, environment.installation),
    consents,
    clock: environment.clock,
    tracker,
    signal,
    persist: () => writer.persist(),
    confirm: () => writer.confirm(),
  };
  const archive = blueprint.archive;
  const requested =
    requestOf(object) !== undefined && requestOf(object) !== object.status?.lastHandledReconcileAt;
  const results = archive
    ? []
    : await converge({
        ...common,
        nodes: blueprint.nodes,
        drift: object.spec.drift ?? "Correct",
        freshness: Math.min(parseDuration(object.spec.interval) / 2, FRESHNESS),
        deepInterval: parseDuration(object.spec.deepInterval ?? "6h"),
        requested,
        trust: TRUST,
        random: environment.random,
      });
  if (requested) doubtUnseen(results, memory);
  const slots = new Set(archive ? [] : blueprint.nodes.map((node) => node.slot));
  const leaving = [...inventory.values()].filter((entry) => !slots.has(entry.slot));
  // What the entry remembers is the policy of the last pass; the spec may have changed its mind since.
  for (const entry of leaving) entry.policy = kind.removalPolicy(object, entry);
  const removals = await removeEntries({
    ...common,
    entries: leaving,
    why: archive?.why ?? `it left the spec of ${object.kind} ${object.metadata.name}`,
    disposable: kind.disposable,
    wanted: wantedBy(blueprint, results),
    guarded: (entry) =>
      archive === undefined && isGuarded(kind, object, entry, environment.definition(entry)),
    ...removalAccess(environment, object, signal),
  });
  const bySlot = new Map(results.map((result) => [result.slot, result] as const));
  const removing = removals.find((result) => result.status === "removing" || result.status === "failed");
  const parts: StatusPart[] = archive
    ? removing
      ? providerParts([], removals, environment.conditionTypes)
      : [...archive.parts]
    : [
        ...providerParts(results, removals, environment.conditionTypes),
        upToDatePart(results, removals, object.spec.drift ?? "Correct"),
        ...(blueprint.parts ?? []),
      ];
  await finish(kind, environment, object, writer, {
    parts,
    fields: blueprint.project(bySlot),
    ...(parts.some((part) => part.reason === "DriftDetected")
      ? {
          readyMessage: "What others changed is reported and left (drift: Warn): see the condition UpToDate.",
        }
      : {}),
    ...(archive && !removing ? { state: archive.state } : {}),
  });
  const soon = settleDelay(results, removals, memory, environment.clock);
  return nextStep(results, removals, {
    soon,
    latest: blueprint.requeueAfter?.(bySlot),
    clock: environment.clock,
  });
}

/** What the spec names in each of its slots, as far as this pass came to know it. */
function wantedBy(
  { nodes }: Blueprint,
  results: readonly NodeResult[],
): NonNullable<RemovalOptions["wanted"]> {
  const types = new Map(nodes.map(({ definition, slot }) => [slot, definition.type] as const));
  return results.flatMap(({ named, provider, slot }) =>
    named === undefined ? [] : [{ slot, provider, type: types.get(slot) ?? "", named }],
  );
}

/** Who asked for a look at everything gets one, if not now then at the next attempt at what could not be looked at. */
function doubtUnseen(results: readonly NodeResult[], memory: ObjectMemory): void {
  for (const { slot, status } of results)
    if (status === "failed" || status === "waiting") slotMemory(memory, slot).doubted = true;
}

function errorPart(error: FlaresmithError): StatusPart {
  const person = error.class === "terminal" || error.class === "auth";
  return {
    type: "SpecResolved",
    status: "False",
    reason: conditionReason(error),
    message: conditionMessage(error),
    ...(person ? { waitsFor: "person" as const } : {}),
  };
}

function resultOfError(error: FlaresmithError): ObjectResult {
  return { error };
}
