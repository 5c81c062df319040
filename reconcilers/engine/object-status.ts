/** The status of one object in one reconciliation: what it remembers, and the one deferred write at the end. */
import { timestamp } from "../../controller/runtime/clock.ts";
import type { Condition, StatusPart } from "../../controller/runtime/conditions.ts";
import { getCondition, summarize } from "../../controller/runtime/conditions.ts";
import { requestOf } from "./annotations.ts";
import type { KindReconciler, ReconcileEnvironment, ReconciledObject } from "./kind.ts";
import type { InventoryEntry } from "./resource.ts";
import { createStatusWriter } from "./status-writer.ts";
import type { StatusWriter } from "./status-writer.ts";

/** The inventory by slot, as copies that may be changed. */
export function inventoryOf(object: ReconciledObject): Map<string, InventoryEntry> {
  return new Map((object.status?.inventory ?? []).map((entry) => [entry.slot, { ...entry }] as const));
}

/** What all markers of the object begin with. */
export function markerOf(object: ReconciledObject, installation: string) {
  return {
    installation,
    namespace: object.metadata.namespace ?? "",
    kind: object.kind,
    name: object.metadata.name,
  };
}

/** Writes the object's status, of which its reconciler is the only writer. */
export function writerOf<T extends ReconciledObject>(
  kind: KindReconciler<T>,
  environment: ReconcileEnvironment,
  object: T,
  inventory: Map<string, InventoryEntry>,
  signal: AbortSignal,
): StatusWriter {
  return createStatusWriter({ client: environment.client, type: kind.type, object, inventory, signal });
}

/** What a reconciliation came to. */
export interface Finish {
  parts: readonly StatusPart[];
  fields: Record<string, unknown>;
  state?: string;
  progress?: { reason: string; message: string };
  /** Whether a look that was asked for was taken. Default true */
  answered?: boolean;
  /** Message of Ready=True, where "Everything is as specified." would not be true. */
  readyMessage?: string | undefined;
}

/** The one deferred write: nothing is sent when nothing changed. */
export async function finish<T extends ReconciledObject>(
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
    readyMessage: outcome.readyMessage,
  });
  announce(object, conditions, environment);
  const request = requestOf(object);
  const previous = object.status?.state;
  const state = outcome.state ?? kind.state(object, conditions, previous);
  if (state !== previous) environment.track(object).state(previous, state);
  await writer.write({
    ...outcome.fields,
    observedGeneration: generation,
    conditions: [...conditions],
    state,
    ...(request === undefined || outcome.answered === false ? {} : { lastHandledReconcileAt: request }),
  });
}

/** An object that comes to wait for a person says so in an Event, once for each reason and message. */
function announce(
  object: ReconciledObject,
  conditions: readonly Condition[],
  environment: ReconcileEnvironment,
): void {
  const now = getCondition(conditions, "Stalled");
  const before = getCondition(object.status?.conditions ?? [], "Stalled");
  if (now?.status !== "True" || (before?.reason === now.reason && before.message === now.message)) return;
  environment.track(object).event("Warning", now.reason, now.message);
}
