/** Deletion of one object: first what hangs on it, then what it stands for, then the finalizer. */
import { consentsOf } from "./annotations.ts";
import { FINALIZER, removeFinalizer } from "./finalizer.ts";
import type { KindReconciler, ObjectResult, ReconcileEnvironment, ReconciledObject } from "./kind.ts";
import type { ObjectMemory } from "./memory.ts";
import { finish, inventoryOf, markerOf, writerOf } from "./object-status.ts";
import { SETTLE, nextStep, settleDelay } from "./pace.ts";
import { providerParts } from "./parts.ts";
import { removalAccess } from "./removal-access.ts";
import { removeEntries } from "./remove.ts";

/** Milliseconds until objects that go first are counted again; their events come sooner. */
const DEPENDANTS = 10_000;

/** @returns `done` when the finalizer was taken off */
export async function finalize<T extends ReconciledObject>(
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
    confirm: () => writer.confirm(),
    disposable: kind.disposable,
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
