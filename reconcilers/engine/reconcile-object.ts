/**
 * One reconciliation of one object: finalizer, graph, pass, removal of what left the spec, and one deferred write of the
 * status. What a kind is made of comes from its `KindReconciler`; nothing here knows a provider.
 */
import type { Clock, Random } from "../../controller/runtime/clock.ts";
import { timestamp } from "../../controller/runtime/clock.ts";
import type { Condition, StatusPart } from "../../controller/runtime/conditions.ts";
import { summarize } from "../../controller/runtime/conditions.ts";
import { parseDuration } from "../../controller/runtime/duration.ts";
import { conditionMessage, conditionReason } from "../../controller/runtime/errors.ts";
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import type {
  KubernetesObject,
  ResourceClient,
  ResourceType,
} from "../../controller/store/resource-client.ts";
import { isApiError } from "../../controller/store/resource-client.ts";
import { converge } from "./converge.ts";
import { toFlaresmithError } from "./pass.ts";
import type { Consents, EngineTracker } from "./pass.ts";
import { FINALIZER, addFinalizer, removeFinalizer } from "./finalizer.ts";
import type { ConnectionHandle, GraphNode } from "./graph.ts";
import { createObjectMemory } from "./memory.ts";
import type { ObjectMemory } from "./memory.ts";
import { providerParts, upToDatePart } from "./parts.ts";
import { removeEntries } from "./remove.ts";
import type { RemovalResult } from "./remove.ts";
import type { InventoryEntry, ResourceDefinition } from "./resource.ts";
import type { NodeResult } from "./result.ts";
import { createStatusWriter } from "./status-writer.ts";
import type { StatusWriter } from "./status-writer.ts";
import { recordTombstone } from "./tombstones.ts";

export const REQUEST_ANNOTATION = "flaresmith.dev/reconcile-requested-at";

/** What the engine reads of any object. */
export interface ReconciledObject extends KubernetesObject {
  spec: { suspend: boolean; interval: string; deepInterval?: string; drift?: "Correct" | "Warn" };
  status?: ReconciledStatus;
}

export interface ReconciledStatus {
  observedGeneration?: number | undefined;
  conditions?: Condition[] | undefined;
  lastHandledReconcileAt?: string | undefined;
  inventory?: InventoryEntry[] | undefined;
  state?: string | undefined;
  [field: string]: unknown;
}

/** What a kind makes of an object. */
export interface Blueprint {
  nodes: readonly GraphNode[];
  /** Plain status fields, from what the pass found; `undefined` removes a field. */
  project(results: ReadonlyMap<string, NodeResult>): Record<string, unknown>;
  /** Conditions of the kind's own. */
  parts?: readonly StatusPart[];
  /** Removes everything external although the object stays, e.g. an expired preview; then these parts are shown. */
  archive?: { why: string; state: string; parts: readonly StatusPart[] };
  /** Milliseconds until the kind must look again whatever happens, e.g. at an expiry. */
  requeueAfter?: number;
}

export interface KindReconciler<T extends ReconciledObject> {
  type: ResourceType;
  /** Pure but for reads of the store. @throws FlaresmithError when the spec refers to something missing or not allowed */
  build(object: T, signal: AbortSignal): Promise<Blueprint>;
  /** Plain status fields that hold also while the graph cannot be built, e.g. when a preview expires. Default: none. */
  standing?(object: T): Record<string, unknown>;
  /** Deletes what hangs on the object first; answers what is awaited, or undefined when nothing is. */
  deleteDependants(object: T, signal: AbortSignal): Promise<string | undefined>;
  /** What deletion of the object does to an entry. */
  removalPolicy(object: T, entry: InventoryEntry): "Orphan" | "Delete";
  /** One word for people. */
  state(object: T, conditions: readonly Condition[], previous: string | undefined): string;
}

export interface ReconcileEnvironment {
  client: ResourceClient;
  clock: Clock;
  random: Random;
  installation: string;
  /** Condition type by provider. */
  conditionTypes: Readonly<Record<string, string>>;
  definition(entry: InventoryEntry): ResourceDefinition<unknown, unknown, unknown> | undefined;
  /** @throws FlaresmithError */
  connect(key: string, object: ReconciledObject, signal: AbortSignal): Promise<ConnectionHandle>;
  track(object: ReconciledObject): EngineTracker;
}

/** What the work queue should do next. */
export type ObjectResult = { requeueAfter?: number; error?: FlaresmithError };

/** Milliseconds until what was written is read back, and until work at a provider is looked at again. */
const SETTLE = 1_000;
/** Milliseconds until objects that go first are counted again; their events come sooner. */
const DEPENDANTS = 10_000;
/** The longest wait, in milliseconds, for what does not settle. */
const LONGEST_SETTLE = 60_000;
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
  return {
    forget: (uid) => void memories.delete(uid),
    reconcile: async (object, signal) => {
      if (object.spec.suspend) return {};
      const memory = memoryOf(object);
      if (object.metadata.deletionTimestamp !== undefined) {
        const result = await finalize(kind, environment, object, memory, signal);
        if (result.done) memories.delete(object.metadata.uid ?? "");
        return result;
      }
      const guarded = await addFinalizer(environment.client, kind.type, object, signal);
      return reconcileLiving(kind, environment, guarded, memory, signal);
    },
  };
}

function splitList(text: string | undefined): ReadonlySet<string> {
  return new Set(
    (text ?? "")
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  );
}

/** What people decided, from the object's annotations. */
export function consentsOf(object: ReconciledObject): Consents {
  const annotations = object.metadata.annotations ?? {};
  return {
    adopt: splitList(annotations["flaresmith.dev/adopt"]),
    confirm: splitList(annotations["flaresmith.dev/confirm"]),
    gone: splitList(annotations["flaresmith.dev/confirm-gone"]),
  };
}

function requestOf(object: ReconciledObject): string | undefined {
  return object.metadata.annotations?.[REQUEST_ANNOTATION];
}

function inventoryOf(object: ReconciledObject): Map<string, InventoryEntry> {
  return new Map((object.status?.inventory ?? []).map((entry) => [entry.slot, { ...entry }] as const));
}

function markerOf(object: ReconciledObject, installation: string) {
  return {
    installation,
    namespace: object.metadata.namespace ?? "",
    kind: object.kind,
    name: object.metadata.name,
  };
}

function writerOf<T extends ReconciledObject>(
  kind: KindReconciler<T>,
  environment: ReconcileEnvironment,
  object: T,
  inventory: Map<string, InventoryEntry>,
  signal: AbortSignal,
): StatusWriter {
  return createStatusWriter({ client: environment.client, type: kind.type, object, inventory, signal });
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
    await finish(kind, environment, object, writer, { parts: [errorPart(error)], fields });
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
  const slots = new Set(archive ? [] : blueprint.nodes.map((node) => node.slot));
  const leaving = [...inventory.values()].filter((entry) => !slots.has(entry.slot));
  // What the entry remembers is the policy of the last pass; the spec may have changed its mind since.
  for (const entry of leaving) entry.policy = kind.removalPolicy(object, entry);
  const removals = await removeEntries({
    ...common,
    entries: leaving,
    why: archive?.why ?? `it left the spec of ${object.kind} ${object.metadata.name}`,
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
        upToDatePart(results, object.spec.drift ?? "Correct"),
        ...(blueprint.parts ?? []),
      ];
  await finish(kind, environment, object, writer, {
    parts,
    fields: blueprint.project(bySlot),
    ...(archive && !removing ? { state: archive.state } : {}),
  });
  const soon = settleDelay(results, removals, memory, environment.clock);
  return nextStep(results, removals, { soon, latest: blueprint.requeueAfter, clock: environment.clock });
}

function removalAccess(environment: ReconcileEnvironment, object: ReconciledObject, signal: AbortSignal) {
  return {
    definition: (entry: InventoryEntry) => environment.definition(entry),
    connect: (entry: InventoryEntry) => environment.connect(entry.connection ?? "", object, signal),
    orphan: (entry: InventoryEntry) =>
      recordTombstone({
        client: environment.client,
        clock: environment.clock,
        namespace: object.metadata.namespace ?? "default",
        owner: `${object.kind} ${object.metadata.name}`,
        entry,
        why:
          object.metadata.deletionTimestamp === undefined
            ? "it left the spec, and its policy is Orphan"
            : "the object was deleted, and its policy is Orphan",
        signal,
      }),
  };
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

interface Finish {
  parts: readonly StatusPart[];
  fields: Record<string, unknown>;
  state?: string;
  progress?: { reason: string; message: string };
}

/** The one deferred write: nothing is sent when nothing changed. */
async function finish<T extends ReconciledObject>(
  kind: KindReconciler<T>,
  environment: ReconcileEnvironment,
  object: T,
  writer: StatusWriter,
  outcome: Finish,
): Promise<void> {
  const generation = object.metadata.generation ?? 0;
  const conditions = summarize({
    previous: object.status?.conditions ?? [],
    generation,
    now: timestamp(environment.clock),
    parts: outcome.parts,
    ...(outcome.progress ? { progress: outcome.progress } : {}),
  });
  const request = requestOf(object);
  const previous = object.status?.state;
  const state = outcome.state ?? kind.state(object, conditions, previous);
  if (state !== previous) environment.track(object).state(previous, state);
  await writer.write({
    ...outcome.fields,
    observedGeneration: generation,
    conditions: [...conditions],
    state,
    ...(request === undefined ? {} : { lastHandledReconcileAt: request }),
  });
}

function resultOfError(error: FlaresmithError): ObjectResult {
  return { error };
}

/**
 * When to look again at what is not settled yet, in milliseconds; undefined when everything is. Soon after a step forward,
 * less often the longer nothing moves: work that never ends must not eat the provider's limits.
 */
function settleDelay(
  results: readonly NodeResult[],
  removals: readonly RemovalResult[],
  memory: ObjectMemory,
  clock: Clock,
): number | undefined {
  const unsettled =
    results.some(
      (result) =>
        result.status === "settling" ||
        (result.status === "failed" && result.error.code === "INTEGRATION_BUSY"),
    ) ||
    removals.some((removal) => removal.status === "removing" || removal.error?.code === "INTEGRATION_BUSY");
  const moved =
    results.some((result) => result.wrote === true) || removals.some((removal) => removal.status === "gone");
  if (!unsettled) {
    delete memory.unsettledSince;
    return undefined;
  }
  if (moved || memory.unsettledSince === undefined) memory.unsettledSince = clock.monotonic();
  return Math.min(LONGEST_SETTLE, Math.max(SETTLE, (clock.monotonic() - memory.unsettledSince) / 5));
}

function nextStep(
  results: readonly NodeResult[],
  removals: readonly RemovalResult[],
  { clock, latest, soon }: { clock: Clock; latest?: number | undefined; soon: number | undefined },
): ObjectResult {
  const errors = [
    ...results.flatMap((result) => (result.status === "failed" ? [result.error] : [])),
    ...removals.flatMap((result) => (result.error ? [result.error] : [])),
  ];
  const limited = errors.filter((error) => error.class === "rateLimited" && error.until !== undefined);
  const retried = errors.find(
    (error) => error.class === "transient" || error.class === "unknownOutcome" || error.class === "conflict",
  );
  // Work at the provider ends in its own time: asking in ever shorter intervals would only repeat the refusal.
  const waits = limited.map((error) => Math.max(0, (error.until ?? 0) - clock.now()));
  if (soon !== undefined) waits.push(soon);
  if (latest !== undefined) waits.push(latest);
  if (soon === undefined && retried) return { error: retried };
  if (waits.length > 0) return { requeueAfter: Math.min(...waits) };
  const worst = errors[0];
  return worst ? { error: worst } : {};
}

async function finalize<T extends ReconciledObject>(
  kind: KindReconciler<T>,
  environment: ReconcileEnvironment,
  object: T,
  memory: ObjectMemory,
  signal: AbortSignal,
): Promise<ObjectResult & { done?: boolean }> {
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) return { done: true };
  const inventory = inventoryOf(object);
  const writer = writerOf(kind, environment, object, inventory, signal);
  const waiting = await kind.deleteDependants(object, signal);
  if (waiting !== undefined) {
    const progress = { reason: "Deleting", message: waiting };
    await finish(kind, environment, object, writer, { parts: [], fields: {}, progress });
    return { requeueAfter: DEPENDANTS };
  }
  for (const entry of inventory.values()) entry.policy = kind.removalPolicy(object, entry);
  const removals = await removeEntries({
    entries: [...inventory.values()],
    inventory,
    memory,
    marker: markerOf(object, environment.installation),
    consents: consentsOf(object),
    why: `${object.kind} ${object.metadata.name} was deleted`,
    clock: environment.clock,
    tracker: environment.track(object),
    signal,
    persist: () => writer.persist(),
    ...removalAccess(environment, object, signal),
  });
  if (inventory.size === 0) {
    await removeFinalizer(environment.client, kind.type, writer.current(), signal);
    return { done: true };
  }
  const parts = providerParts([], removals, environment.conditionTypes);
  const first = removals.find((result) => result.status !== "gone" && result.status !== "orphaned");
  const progress = {
    reason: "Deleting",
    message: `${first?.message ?? "External resources are being removed"}.`,
  };
  await finish(kind, environment, object, writer, {
    parts,
    fields: {},
    ...(first?.error ? {} : { progress }),
  });
  const soon = settleDelay([], removals, memory, environment.clock);
  const next = nextStep([], removals, { soon, clock: environment.clock });
  return next.requeueAfter === undefined && next.error === undefined ? { requeueAfter: SETTLE } : next;
}
