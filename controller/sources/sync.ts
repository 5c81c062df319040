/** One pass over a Source: list, read, apply what differs, prune within the guard, write what was found. */
import { classifyError } from "../runtime/classify.ts";
import type { Clock } from "../runtime/clock.ts";
import { parseDuration } from "../runtime/duration.ts";
import { FlaresmithError } from "../runtime/errors.ts";
import { done, failed, requeueAfter } from "../runtime/reconcile.ts";
import type { ReconcileContext, ReconcileResult } from "../runtime/reconcile.ts";
import { priorities } from "../runtime/work-queue.ts";
import type { KubernetesObject, ObjectKey, ResourceClient } from "../store/resource-client.ts";
import { applyObjects } from "./apply-objects.ts";
import type { ApplyOutcome } from "./apply-objects.ts";
import { collectManifests, objectKey, sortedErrors } from "./desired.ts";
import type { DesiredState } from "./desired.ts";
import { firstOf } from "./first-of.ts";
import { planPrune } from "./plan-prune.ts";
import type { PrunePlan } from "./plan-prune.ts";
import { openPruneWindow, pruneWindowText } from "./prune-window.ts";
import type { PruneWindow } from "./prune-window.ts";
import { deleteObjects, releaseObjects } from "./remove-objects.ts";
import { inventoryOf } from "./source-inventory.ts";
import { rememberedKeys } from "./source-memory.ts";
import type { SourceMemories, SourceMemory } from "./source-memory.ts";
import {
  CONFIRM_PRUNE_ANNOTATION,
  ownedObjects,
  PRUNE_ON_DELETE_ANNOTATION,
  PRUNE_WINDOW_ANNOTATION,
  REQUEST_ANNOTATION,
  SOURCE_FINALIZER,
  sourceType,
} from "./source-object.ts";
import type { SourceObject } from "./source-object.ts";
import { writeSourceStatus } from "./source-status.ts";
import type { PassReport } from "./source-status.ts";
import type { SourceTree } from "./source-tree.ts";

export interface SyncOptions {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly memories: SourceMemories;
  /** Lists a Source; may start watching it. @throws FlaresmithError SOURCE_* */
  fetch(source: SourceObject, memory: SourceMemory, signal: AbortSignal): Promise<SourceTree>;
  /** Brings up a Source that waits for what another let go. */
  wake(key: ObjectKey): void;
}

/** Listings are made again when this share of the interval has passed: resyncs are spread by ten per cent. */
const EARLY = 0.85;
/** A listing that broke off is made again after so many milliseconds. */
const INCOMPLETE_RETRY = 2000;

/** Reconciles one Source. @throws ApiError of the store; FlaresmithError never: it is the result */
export async function syncSource(
  key: ObjectKey,
  context: ReconcileContext<SourceObject>,
  options: SyncOptions,
): Promise<ReconcileResult> {
  const { object: source } = context;
  const memory = options.memories.ensure(key, source.metadata.uid ?? "");
  if (source.spec.suspend) {
    memory.watcher?.close();
    memory.watcher = undefined;
    return done;
  }
  const pass = new SyncPass(source, memory, context, options);
  return source.metadata.deletionTimestamp === undefined ? pass.run() : pass.finalize(key);
}

class SyncPass {
  #source: SourceObject;
  readonly #memory: SourceMemory;
  readonly #context: ReconcileContext<SourceObject>;
  readonly #options: SyncOptions;
  readonly #signal: AbortSignal;

  constructor(
    source: SourceObject,
    memory: SourceMemory,
    context: ReconcileContext<SourceObject>,
    options: SyncOptions,
  ) {
    this.#source = source;
    this.#memory = memory;
    this.#context = context;
    this.#options = options;
    this.#signal = context.signal;
  }

  async run(): Promise<ReconcileResult> {
    let read: { tree: SourceTree; desired: DesiredState };
    try {
      read = await this.#read();
    } catch (error) {
      this.#signal.throwIfAborted();
      const unreadable = classifyError(error, this.#options.clock);
      // As below: the next pass settles it.
      if (unreadable.class !== "conflict") await this.#write({ unreadable });
      return failed(unreadable);
    }
    const { tree, desired } = read;
    if (desired.objects.length > 0) await this.#ensureFinalizer();
    const { caches } = this.#context;
    this.#letGo(desired);
    const outcome = await applyObjects(
      {
        source: this.#source,
        objects: desired.objects,
        memory: this.#memory,
        memories: this.#options.memories,
        caches,
        client: this.#options.client,
      },
      this.#signal,
    );
    const errors = sortedErrors([...desired.errors, ...outcome.errors]);
    const complete = errors.length === 0 && tree.incomplete === undefined && outcome.broken === undefined;
    const owned = ownedObjects(this.#source, caches);
    const removal = await this.#remove(tree, desired, owned, complete);
    const blocked = new Set([...outcome.conflicts, ...outcome.waiting.map(objectKey)]);
    this.#memory.blocked = blocked;
    const broken =
      outcome.broken === undefined ? undefined : classifyError(outcome.broken, this.#options.clock);
    const progress = progressOf(outcome, removal.waiting);
    const report: PassReport = {
      revision: tree.revision,
      objects: desired.objects.length,
      inventory: inventoryOf({
        source: this.#source,
        memory: this.#memory,
        desired,
        owned,
        gone: removal.gone,
      }),
      errors,
      errorReason: reasonOf(desired, outcome),
      notes: desired.notes,
      applied: complete && removal.held === undefined && progress === undefined,
      // A conflict of our own API never reaches a condition: the next pass settles it.
      ...(broken === undefined || broken.class === "conflict" ? {} : { broken }),
      ...(removal.held === undefined ? {} : { held: removal.held }),
      ...(progress === undefined ? {} : { progress }),
    };
    if (broken?.class === "conflict") return failed(broken);
    await this.#write(report);
    this.#announce(outcome, removal.deleted, tree.revision);
    if (broken !== undefined) return failed(broken);
    if (tree.incomplete !== undefined) return requeueAfter(INCOMPLETE_RETRY);
    const [first] = errors;
    return first === undefined ? done : failed(invalid(first.file, errors.length, first.message));
  }

  /** The last listing, or a new one when it is time. */
  async #read(): Promise<{ tree: SourceTree; desired: DesiredState }> {
    const memory = this.#memory;
    const { clock } = this.#options;
    const { metadata, spec } = this.#source;
    const wanted = {
      generation: metadata.generation ?? 0,
      request: metadata.annotations?.[REQUEST_ANNOTATION] ?? "",
    };
    const sameSpec = memory.listedFor.generation === wanted.generation;
    const old = clock.monotonic() - memory.listedAt >= parseDuration(spec.interval) * EARLY;
    const hinted = this.#context.priority === priorities.webhook;
    const { tree: last, desired: known } = memory;
    if (
      last !== undefined &&
      known !== undefined &&
      last.incomplete === undefined &&
      !memory.dirty &&
      !old &&
      !hinted &&
      sameSpec &&
      memory.listedFor.request === wanted.request
    ) {
      return { tree: last, desired: known };
    }
    memory.dirty = false;
    let tree: SourceTree;
    let desired: DesiredState;
    try {
      tree = await this.#options.fetch(this.#source, memory, this.#signal);
      const same =
        sameSpec && known !== undefined && last?.revision === tree.revision && last.incomplete === undefined;
      desired = same
        ? known
        : await collectManifests(
            { tree, namespace: metadata.namespace ?? "", parsed: memory.parsed },
            this.#signal,
          );
    } catch (error) {
      memory.dirty = true;
      throw error;
    }
    memory.tree = tree;
    memory.desired = desired;
    memory.listedAt = clock.monotonic();
    memory.listedFor = wanted;
    return { tree, desired };
  }

  async #ensureFinalizer(): Promise<void> {
    const { finalizers = [] } = this.#source.metadata;
    if (finalizers.includes(SOURCE_FINALIZER)) return;
    await this.#patchMetadata({ finalizers: [...finalizers, SOURCE_FINALIZER] });
  }

  /** @throws ApiError 409 Conflict when the Source is no longer as this pass knows it */
  async #patchMetadata(
    change: { finalizers: string[] } | { annotations: Record<string, string> },
  ): Promise<void> {
    const { name, namespace, resourceVersion } = this.#source.metadata;
    const key = { name, ...(namespace === undefined ? {} : { namespace }) };
    const body = { metadata: { ...change, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
    this.#source = await this.#options.client.patch<SourceObject>(
      sourceType,
      key,
      { type: "merge", body },
      { fieldManager: "flaresmith" },
      this.#signal,
    );
  }

  async #remove(
    tree: SourceTree,
    desired: DesiredState,
    all: readonly KubernetesObject[],
    complete: boolean,
  ): Promise<{
    deleted: number;
    waiting: number;
    held?: { reason: string; message: string };
    gone: ReadonlySet<string>;
  }> {
    const memory = this.#memory;
    const declared = desired.byKey;
    const extras = all.filter((object) => !declared.has(objectKey(object)));
    memory.extras = new Set(extras.map(objectKey));
    const nothing = { deleted: 0, waiting: 0, gone: new Set<string>() };
    if (extras.length === 0) return nothing;
    const owned = all.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const window = openPruneWindow(this.#source, {
      now: this.#options.clock.now(),
      owned: owned.length,
    });
    const plan: PrunePlan = planPrune({
      owned,
      declared: new Set(declared.keys()),
      complete,
      prune: this.#source.spec.prune,
      revision: tree.revision,
      confirmed: this.#source.metadata.annotations?.[CONFIRM_PRUNE_ANNOTATION]?.trim(),
      approved: memory.approved,
      window,
    });
    if (plan.kind === "none") return nothing;
    if (plan.kind === "held") return { ...nothing, held: { reason: plan.reason, message: plan.message } };
    if (plan.kind === "delete" && plan.window !== window) await this.#keepWindow(plan.window);
    // Before anybody can hear of it: whoever waits for the object finds it free.
    this.#drop(plan.objects.map(objectKey));
    if (plan.kind === "release") {
      await releaseObjects({ objects: plan.objects, client: this.#options.client }, this.#signal);
      return { ...nothing, gone: new Set(plan.objects.map(objectKey)) };
    }
    memory.approved = plan.approved;
    const leaving = all.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    const { deleted, waiting, gone } = await deleteObjects(
      { objects: plan.objects, leaving, client: this.#options.client },
      this.#signal,
    );
    return { deleted, waiting, gone: new Set(gone.map(objectKey)) };
  }

  async #keepWindow(window: PruneWindow): Promise<void> {
    // Only of the version that was read: what another pass wrote, and the cache does not show yet, would be forgotten.
    await this.#patchMetadata({ annotations: { [PRUNE_WINDOW_ANNOTATION]: pruneWindowText(window) } });
  }

  /** What is neither declared nor there is no longer this Source's: somebody deleted it, or it never came to be. */
  #letGo({ byKey }: DesiredState): void {
    const { name, namespace = "" } = this.#source.metadata;
    const { claims } = this.#options.memories;
    const undeclared = rememberedKeys(this.#memory, claims, { name, namespace }).filter(
      (key) => !byKey.has(key),
    );
    if (undeclared.length === 0) return;
    const { caches } = this.#context;
    const owned = new Set(ownedObjects(this.#source, caches).map(objectKey));
    const gone = undeclared.filter((key) => !owned.has(key));
    this.#drop(gone);
    // Of what is not there no event will tell those who wait for it.
    for (const { metadata } of caches.of<SourceObject>(sourceType).list(namespace)) {
      const other = { name: metadata.name, namespace };
      const blocked = this.#options.memories.get(other)?.blocked;
      if (blocked !== undefined && gone.some((key) => blocked.has(key))) this.#options.wake(other);
    }
  }

  #drop(keys: Iterable<string>): void {
    for (const key of keys) {
      this.#memory.applied.delete(key);
      this.#options.memories.claims.delete(`${this.#source.metadata.namespace ?? ""}/${key}`);
    }
  }

  async #write(report: PassReport): Promise<void> {
    const { client, clock } = this.#options;
    await writeSourceStatus({ source: this.#source, report, client, clock }, this.#signal);
  }

  #announce({ changed }: ApplyOutcome, deleted: number, revision: string): void {
    if (changed + deleted === 0) return;
    const parts = [
      ...(changed > 0 ? [`applied ${changed}`] : []),
      ...(deleted > 0 ? [`deleted ${deleted}`] : []),
    ];
    const message = `${parts.join(" and ")} ${changed + deleted === 1 ? "object" : "objects"} from ${revision}`;
    this.#context.tracker.event(this.#source, {
      type: "Normal",
      reason: "SyncedSource",
      message: `${message.charAt(0).toUpperCase()}${message.slice(1)}`,
    });
  }

  /** Releases or, when asked to, deletes what was applied; then lets the Source go. */
  async finalize(key: ObjectKey): Promise<ReconcileResult> {
    const { metadata } = this.#source;
    const { finalizers = [] } = metadata;
    this.#memory.watcher?.close();
    this.#memory.watcher = undefined;
    if (!finalizers.includes(SOURCE_FINALIZER)) {
      this.#options.memories.forget(key);
      return done;
    }
    const { caches, tracker } = this.#context;
    const { client } = this.#options;
    const owned = ownedObjects(this.#source, caches);
    this.#drop(owned.map(objectKey));
    if (metadata.annotations?.[PRUNE_ON_DELETE_ANNOTATION] === "true") {
      const objects = owned.filter((object) => object.metadata.deletionTimestamp === undefined);
      const leaving = owned.filter((object) => object.metadata.deletionTimestamp !== undefined);
      this.#memory.extras = new Set(owned.map(objectKey));
      this.#memory.desired = undefined;
      const { gone } = await deleteObjects({ objects, leaving, client }, this.#signal);
      const left = owned.filter((object) => !gone.includes(object));
      if (left.length > 0) {
        const names = left.map(({ kind, metadata: { name: one } }) => `${kind} ${one}`).toSorted();
        await this.#writeProgress(`Waiting until ${firstOf(names)} are gone.`);
        return done;
      }
      tracker.event(this.#source, {
        type: "Normal",
        reason: "PrunedSource",
        message: "Deleted everything that was applied",
      });
    } else {
      await releaseObjects({ objects: owned, client }, this.#signal);
      if (owned.length > 0) {
        const message = `Released ${owned.length === 1 ? "1 object" : `${owned.length} objects`}: they stay as they are and belong to no Source`;
        tracker.event(this.#source, { type: "Normal", reason: "ReleasedObjects", message });
      }
    }
    await this.#patchMetadata({
      finalizers: finalizers.filter((finalizer) => finalizer !== SOURCE_FINALIZER),
    });
    this.#options.memories.forget(key);
    return done;
  }

  async #writeProgress(message: string): Promise<void> {
    const { status } = this.#source;
    await this.#write({
      ...(status?.observedRevision === undefined ? {} : { revision: status.observedRevision }),
      inventory: status?.inventory,
      progress: { reason: "Deleting", message },
    });
  }
}

function progressOf(
  { waiting }: ApplyOutcome,
  connections: number,
): { reason: string; message: string } | undefined {
  const names = waiting.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
  if (names.length > 0) {
    return {
      reason: "Deleting",
      message: `${firstOf(names)} ${names.length === 1 ? "is" : "are"} being deleted and will be made again afterwards.`,
    };
  }
  if (connections === 0) return undefined;
  return { reason: "Deleting", message: "Connections are deleted when what may need them is gone." };
}

function reasonOf({ errors }: DesiredState, outcome: ApplyOutcome): string {
  if (errors.length > 0) return "ValidationFailed";
  return outcome.conflicts.length > 0 ? "Conflict" : "StoreRejected";
}

function invalid(file: string, count: number, message: string): FlaresmithError {
  return new FlaresmithError({
    code: "SOURCE_VALIDATION_FAILED",
    message: count === 1 ? `${file}: ${message}` : `${file}: ${message} (and ${count - 1} more)`,
  });
}
