/** One controller of a manager: which events bring its objects up, and what the result of a reconciliation does. */
import { isApiError } from "../store/resource-client.ts";
import type { KubernetesObject, ObjectKey, ResourceClient } from "../store/resource-client.ts";
import type { CacheEvent } from "./cache.ts";
import { classifyError } from "./classify.ts";
import type { Clock, Random } from "./clock.ts";
import { awaitsSecret, errorCodes } from "./errors.ts";
import type { FlaresmithError } from "./errors.ts";
import { sha256 } from "./hash.ts";
import { done, requeueAfter } from "./reconcile.ts";
import type { Caches, ControllerDefinition, ReconcileResult, WatchedType } from "./reconcile.ts";
import { keyText, parseKey } from "./object-store.ts";
import type { TimeSlice } from "./time-slice.ts";
import type { ReconcileOutcome, Tracker } from "./tracker.ts";
import { createWorkQueue, priorities } from "./work-queue.ts";
import type { Priority, QueueItem, WorkQueue } from "./work-queue.ts";

export interface ControllerEnvironment {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly tracker: Tracker;
  readonly caches: Caches;
  /** Aborted when reconciliations must end. */
  readonly signal: AbortSignal;
  /** Shared by everything that holds the event loop by the thousand. */
  readonly slice: TimeSlice;
}

/** Objects that waited for one moment do not all come back in the same millisecond. */
const spread = 1000;

/** Milliseconds until a missing Secret is looked for again. */
const secretRecheck = 15_000;

/** Milliseconds until an object is looked for again that the cache has and the store does not. */
const absenceRecheck = 10_000;

export class Controller {
  readonly #definition: ControllerDefinition;
  readonly #environment: ControllerEnvironment;
  readonly #queue: WorkQueue;
  /** Keys whose last pass was refused by the store, because somebody wrote what the cache did not show yet. */
  readonly #behind = new Set<string>();
  /** Objects whose last reconciliation ended because the store could not be written. */
  readonly #refused = new Set<string>();

  constructor(definition: ControllerDefinition, environment: ControllerEnvironment) {
    this.#definition = definition;
    this.#environment = environment;
    const { clock, random, tracker } = environment;
    this.#queue = createWorkQueue({ clock, random, observer: tracker.queueObserver(definition.name) });
    tracker.watchQueue(definition.name, this.#queue);
  }

  enqueue(key: ObjectKey, priority: Priority): void {
    this.#queue.add(keyText(key), { priority });
  }

  onOwnEvent(event: CacheEvent<KubernetesObject>): void {
    const key = keyText(event.object.metadata);
    if (event.type === "deleted") {
      this.#behind.delete(key);
      this.#queue.remove(key);
      this.#refused.delete(key);
      this.#definition.forget?.(event.object);
      return;
    }
    const priority = ownPriority(event);
    if (priority === undefined) return;
    // A change ends the wait that an earlier failure earned.
    if (priority === priorities.userEdit) this.#queue.forget(key);
    this.#queue.add(key, { priority });
  }

  onWatchedEvent(watched: WatchedType, event: CacheEvent<KubernetesObject>): void {
    if (event.type === "updated" && watched.isNews?.(event.old, event.object) === false) return;
    const priority = watchedPriority(event);
    const objects = event.type === "updated" ? [event.old, event.object] : [event.object];
    const keys = new Set(
      objects.flatMap((object) => watched.toKeys(object, this.#environment.caches)).map(keyText),
    );
    for (const key of keys) this.#queue.add(key, { priority });
  }

  /** Runs the workers until the queue is shut down. */
  async work(): Promise<void> {
    const { name, concurrency = 4 } = this.#definition;
    this.#environment.tracker.controllerStarted(name, concurrency);
    await Promise.all(Array.from({ length: concurrency }, () => this.#worker()));
  }

  /** The store can be written again: what was refused by it waits no longer. */
  storeRecovered(): void {
    for (const key of this.#refused) {
      this.#queue.forget(key);
      this.#queue.add(key);
    }
    this.#refused.clear();
  }

  /** Stops intake; resolves when nothing is being reconciled. */
  shutDown(): Promise<void> {
    return this.#queue.shutDown({ discard: true });
  }

  async #worker(): Promise<void> {
    const { slice } = this.#environment;
    for (let item = await this.#queue.get(); item !== undefined; item = await this.#queue.get()) {
      try {
        await this.#process(item);
      } finally {
        this.#queue.done(item.key);
      }
      // Passes that find everything in the caches follow one another without a turn of the event loop.
      if (slice.isOver) await slice.pause();
    }
  }

  async #process(item: QueueItem): Promise<void> {
    const { name, type } = this.#definition;
    const { caches, client, clock, random, signal } = this.#environment;
    const key = parseKey(item.key);
    this.#refused.delete(item.key);
    const cached = await this.#read(item.key, key);
    if (cached === undefined) {
      this.#queue.forget(item.key);
      if (this.#isCached(key)) this.#queue.add(item.key, { after: absenceRecheck, priority: item.priority });
      return;
    }
    const tracker = this.#environment.tracker.child({
      controller: name,
      kind: type.kind,
      ...key,
      reconcileID: random.uuid(),
    });
    const began = clock.monotonic();
    tracker.reconcileStarted(name);
    let result: ReconcileResult = done;
    let object: KubernetesObject | undefined = cached;
    let resync: number | undefined;
    try {
      if (cached.metadata.deletionTimestamp !== undefined) object = await this.#present(key);
      if (object === undefined) {
        if (this.#isCached(key)) result = requeueAfter(absenceRecheck);
      } else {
        resync = this.#definition.resyncInterval?.(object);
        const { priority } = item;
        const context = { key, object, caches, client, clock, random, tracker, priority, signal };
        result = await this.#definition.reconcile(key, context);
      }
    } catch (error) {
      result = { kind: "failed", error: classifyError(error, clock) };
    }
    const outcome = this.#settle(item, {
      result,
      resync: untilResync(
        resync,
        this.#definition.resyncGroup?.(object ?? cached) ?? `${name}/${item.key}`,
        clock.now(),
      ),
      tracker,
    });
    const error = result.kind === "failed" && outcome === "error" ? result.error : undefined;
    tracker.reconcileEnded({ controller: name, outcome, duration: clock.monotonic() - began, error });
  }

  /**
   * Whether the cache still has an object that the store said is not there. It hears of a deletion by itself; until then
   * the answer may have been wrong, and nothing else would bring the object up again.
   */
  #isCached(key: ObjectKey): boolean {
    return this.#environment.caches.of(this.#definition.type).get(key) !== undefined;
  }

  /**
   * The object as the cache has it; as the store has it when the last pass was refused for being behind, because a cache
   * that lags would be refused again, after doing everything once more.
   */
  async #read(text: string, key: ObjectKey): Promise<KubernetesObject | undefined> {
    const { caches, client, signal } = this.#environment;
    const cached = caches.of(this.#definition.type).get(key);
    if (cached === undefined || !this.#behind.has(text)) return cached;
    try {
      const current = await client.get(this.#definition.type, key, signal);
      this.#behind.delete(text);
      return current;
    } catch (error) {
      return isApiError(error, "NotFound") ? undefined : cached;
    }
  }

  /**
   * Deletion acts on what is there. A cache may still show an object on its way out when it is gone and another of its
   * name is there, with dependants that must not go with the former.
   * @throws ApiError when the store cannot be read: then nothing is deleted
   */
  async #present(key: ObjectKey): Promise<KubernetesObject | undefined> {
    const { client, signal } = this.#environment;
    try {
      return await client.get(this.#definition.type, key, signal);
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  #settle(
    item: QueueItem,
    end: { result: ReconcileResult; resync: number | undefined; tracker: Tracker },
  ): ReconcileOutcome {
    const { key, priority } = item;
    const { result, resync, tracker } = end;
    if (result.kind === "failed") return this.#settleFailure(item, { error: result.error, resync, tracker });
    this.#queue.forget(key);
    this.#addResync(key, resync);
    if (result.kind === "done") return "success";
    this.#queue.add(key, {
      after: result.milliseconds,
      priority: Math.min(priority, priorities.webhook) as Priority,
    });
    return "requeue_after";
  }

  #settleFailure(
    { key, priority }: QueueItem,
    { error, resync, tracker }: { error: FlaresmithError; resync: number | undefined; tracker: Tracker },
  ): ReconcileOutcome {
    const { clock, random, signal } = this.#environment;
    // What the shutdown broke off is no failure; the next process takes it up.
    if (signal.aborted) return "requeue";
    if (error.code === "STORE_UNAVAILABLE") this.#refused.add(key);
    const wait = error.until === undefined ? 0 : error.until - clock.now();
    switch (error.class) {
      case "conflict":
        tracker.log.debug("somebody else wrote first; trying again", { error });
        this.#behind.add(key);
        this.#queue.addRateLimited(key, { priority, reason: error.code });
        return "requeue";
      case "rateLimited":
        tracker.log.info("waiting for the provider's rate limit", { error });
        if (wait > 0) this.#queue.add(key, { after: wait + random.next() * spread, priority });
        else this.#queue.addRateLimited(key, { priority, reason: error.code });
        return "error";
      case "auth":
      case "terminal":
        tracker.log.warn("only a change can help", { error });
        this.#queue.forget(key);
        this.#addResync(key, resync);
        if (awaitsSecret(error)) this.#queue.add(key, { after: secretRecheck });
        return "error";
      case "transient":
      case "unknownOutcome":
        if (error.code === "INTERNAL_ERROR") tracker.log.error("a reconciliation broke", { error });
        else if (errorCodes[error.code].severity === "info") {
          // Waiting for another object or for the provider's own work is no failure.
          tracker.log.info("waiting", { error });
          this.#retry(key, { error, priority, wait });
          return "requeue";
        } else tracker.log.warn("trying again later", { error });
        this.#retry(key, { error, priority, wait });
        return "error";
    }
  }

  /** The back-off, but not before the moment that the error names. */
  #retry(key: string, why: { error: FlaresmithError; priority: Priority; wait: number }): void {
    const { error, priority, wait } = why;
    if (wait > 0) this.#queue.add(key, { after: wait + this.#environment.random.next() * spread, priority });
    else this.#queue.addRateLimited(key, { priority, reason: error.code });
  }

  #addResync(key: string, after: number | undefined): void {
    if (after !== undefined) this.#queue.add(key, { after });
  }
}

/**
 * Milliseconds until the next moment of a group: moments lie one interval apart, and where they lie in it follows from
 * the group's name, so that groups made together do not come up together.
 */
function untilResync(interval: number | undefined, group: string, now: number): number | undefined {
  if (interval === undefined || interval <= 0) return undefined;
  const phase = (Number.parseInt(sha256(group).slice(0, 8), 16) / 2 ** 32) * interval;
  const left = interval - ((now + phase) % interval);
  return left < interval / 10 ? left + interval : left;
}

/** Undefined for updates that are only about status: those are our own. */
function ownPriority(event: CacheEvent<KubernetesObject>): Priority | undefined {
  if (event.type === "added") return event.initial ? priorities.resync : priorities.userEdit;
  if (event.type === "deleted") return undefined;
  const { metadata: now } = event.object;
  const { metadata: before } = event.old;
  if (now.deletionTimestamp !== before.deletionTimestamp) return priorities.deletion;
  if (now.generation !== before.generation) return priorities.userEdit;
  // Requests and consents are annotations; selectors may look at labels.
  if (!sameEntries(now.annotations, before.annotations)) return priorities.userEdit;
  if (!sameEntries(now.labels, before.labels)) return priorities.userEdit;
  const deleting = now.deletionTimestamp !== undefined;
  const finalizers = (now.finalizers ?? []).join("\n") !== (before.finalizers ?? []).join("\n");
  return deleting && finalizers ? priorities.deletion : undefined;
}

/** An edit of what an object refers to is an edit; a status that moved is news; a listing is a resync. */
function watchedPriority(event: CacheEvent<KubernetesObject>): Priority {
  if (event.type === "added") return event.initial ? priorities.resync : priorities.userEdit;
  if (event.type === "deleted") return priorities.userEdit;
  const edited = event.object.metadata.generation !== event.old.metadata.generation;
  return edited ? priorities.userEdit : priorities.webhook;
}

function sameEntries(
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>> | undefined,
): boolean {
  const left = Object.entries(a ?? {});
  return left.length === Object.keys(b ?? {}).length && left.every(([name, value]) => b?.[name] === value);
}
