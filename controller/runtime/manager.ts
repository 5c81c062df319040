/**
 * Runs controllers: one cache per type, one queue and some workers per controller. What a reconciliation answers decides
 * when its object comes up again; a reconciler never sleeps.
 */
import type { KubernetesObject, ObjectKey, ResourceClient, ResourceType } from "../store/resource-client.ts";
import { createCache } from "./cache.ts";
import type { Cache, FollowedCache } from "./cache.ts";
import type { Clock, Random } from "./clock.ts";
import { Controller } from "./controller.ts";
import { DeadlineExceeded, withDeadline } from "./deadline.ts";
import type { IndexFunction } from "./object-store.ts";
import type { ControllerDefinition } from "./reconcile.ts";
import { createTimeSlice } from "./time-slice.ts";
import type { TimeSlice } from "./time-slice.ts";
import type { Tracker } from "./tracker.ts";
import type { Priority } from "./work-queue.ts";

export { done, failed, requeueAfter } from "./reconcile.ts";
export type { ControllerDefinition, ReconcileContext, ReconcileResult } from "./reconcile.ts";

export interface ManagerOptions {
  client: ResourceClient;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  // Controllers of different kinds stand in one list; each gets the objects of its own type only.
  controllers: readonly ControllerDefinition[];
  /** Indexes of caches, by name. Also makes a cache for a type that nobody watches. */
  indexes?:
    | readonly { type: ResourceType; name: string; values: IndexFunction<KubernetesObject> }[]
    | undefined;
  /** Default: all namespaces. */
  namespace?: string | undefined;
  /**
   * Milliseconds that reconciliations may go on once `stop` was called. Default 20,000: Kubernetes and systemd give a
   * process 30 and more for all that it has to end, and what is aborted still has to be let go
   */
  drain?: number | undefined;
  /** Awaited when the caches are filled, before anything is reconciled: a standby is warm. Default: nobody is waited for */
  leadership?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/** All caches of a manager, by type, for those who want to hear what changes. */
export interface FollowedCaches {
  /** @throws RangeError for a type that no controller owns or watches */
  of<T extends KubernetesObject>(type: ResourceType): FollowedCache<T>;
}

export interface Manager {
  readonly caches: FollowedCaches;
  /** Whether every cache was filled; where there is a leadership, its standby is ready too. */
  readonly ready: boolean;
  /** What kept a cache from being filled or followed when it was tried last, with its kind; undefined when nothing does. */
  readonly problem: string | undefined;
  /**
   * Fills the caches, then reconciles, until the signal is aborted or `stop` is called; resolves when all has ended.
   * Call once.
   */
  start(signal: AbortSignal): Promise<void>;
  /**
   * Stops intake, lets what is being reconciled finish within the drain time, then aborts it. The first call counts; a
   * later one with a drain of 0 ends that time.
   * @param options.drain milliseconds; 0 aborts at once. Default: the manager's
   */
  stop(options?: { drain?: number | undefined }): Promise<void>;
  /** Brings an object up, e.g. because a webhook hinted at it. @throws RangeError for an unknown controller */
  enqueue(controller: string, key: ObjectKey, options: { priority: Priority }): void;
  /** The store can be written again: reconciliations that it refused are made anew at once, without their back-off. */
  storeRecovered(): void;
}

const DRAIN = 20_000;
const STOPPED = new Error("the process is shutting down");

/** Creates a manager; nothing runs before {@link Manager.start}. */
export function createManager(options: ManagerOptions): Manager {
  return new ControllerManager(options);
}

const typeKey = ({ group, plural }: ResourceType): string => `${group}/${plural}`;

class ControllerManager implements Manager {
  readonly caches: FollowedCaches;
  readonly #options: ManagerOptions;
  readonly #caches = new Map<string, Cache>();
  readonly #controllers = new Map<string, Controller>();
  readonly #slice: TimeSlice;
  readonly #ended = new AbortController();
  readonly #cut = new AbortController();
  #ready = false;
  #stopping: Promise<void> | undefined;
  #workers: Promise<unknown> = Promise.resolve();

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#slice = createTimeSlice(options);
    this.caches = { of: <T extends KubernetesObject>(type: ResourceType) => this.#followed<T>(type) };
    for (const { type, watches = [] } of options.controllers) {
      for (const wanted of [type, ...watches.map((watched) => watched.type)]) this.#cache(wanted);
    }
    for (const { type, name, values } of options.indexes ?? []) this.#cache(type).addIndex(name, values);
    for (const definition of options.controllers) {
      if (this.#controllers.has(definition.name)) {
        throw new RangeError(`two controllers are called ${JSON.stringify(definition.name)}`);
      }
      const { client, clock, random, tracker } = options;
      const shared = { client, clock, random, tracker, caches: this.caches, slice: this.#slice };
      this.#controllers.set(
        definition.name,
        new Controller(definition, { ...shared, signal: this.#cut.signal }),
      );
    }
  }

  get ready(): boolean {
    return this.#ready;
  }

  get problem(): string | undefined {
    for (const { problem, type } of this.#caches.values())
      if (problem !== undefined) return `${type.kind}: ${problem}`;
    return undefined;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { client, tracker } = this.#options;
    const stop = (): void => void this.stop();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const events = new AbortController();
    const writing = tracker.events.run(client, events.signal);
    const watching = [...this.#caches.values()].map((cache) => cache.run(this.#ended.signal));
    try {
      for (const [name, controller] of this.#controllers) this.#subscribe(name, controller);
      await Promise.all([...this.#caches.values()].map((cache) => cache.synced(this.#ended.signal)));
      this.#ready = true;
      await this.#options.leadership?.(this.#ended.signal);
      this.#workers = Promise.all([...this.#controllers.values()].map((controller) => controller.work()));
      await this.#workers;
      await this.#stopping;
    } catch (error) {
      // Stopping while the caches fill is an ordinary end.
      if (!this.#ended.signal.aborted) throw error;
      await this.#stopping;
    } finally {
      this.#ready = false;
      signal.removeEventListener("abort", stop);
      this.#ended.abort();
      await Promise.all(watching);
      events.abort();
      await writing;
    }
  }

  stop(options: { drain?: number | undefined } = {}): Promise<void> {
    const drain = options.drain ?? this.#options.drain ?? DRAIN;
    this.#stopping ??= this.#drain(drain);
    if (drain === 0) this.#cut.abort(STOPPED);
    return this.#stopping;
  }

  enqueue(controller: string, key: ObjectKey, options: { priority: Priority }): void {
    const found = this.#controllers.get(controller);
    if (found === undefined) throw new RangeError(`there is no controller ${JSON.stringify(controller)}`);
    found.enqueue(key, options.priority);
  }

  storeRecovered(): void {
    for (const controller of this.#controllers.values()) controller.storeRecovered();
  }

  async #drain(drain: number): Promise<void> {
    this.#ready = false;
    const { clock, tracker } = this.#options;
    const drained = Promise.all([...this.#controllers.values()].map((controller) => controller.shutDown()));
    try {
      if (drain > 0)
        await withDeadline({ clock, milliseconds: drain }, async () => drained, this.#cut.signal);
    } catch (error) {
      if (error instanceof DeadlineExceeded)
        tracker.log.warn("reconciliations did not end in time and are aborted", { milliseconds: drain });
      else if (!this.#cut.signal.aborted) throw error;
    }
    // Only now: what is being reconciled still writes through the caches' view of the world.
    this.#cut.abort(STOPPED);
    this.#ended.abort(STOPPED);
  }

  #subscribe(name: string, controller: Controller): void {
    const definition = this.#options.controllers.find((candidate) => candidate.name === name);
    if (definition === undefined) return;
    this.#cache(definition.type).subscribe((event) => controller.onOwnEvent(event));
    for (const watched of definition.watches ?? []) {
      this.#cache(watched.type).subscribe((event) => controller.onWatchedEvent(watched, event));
    }
  }

  #cache(type: ResourceType): Cache {
    const known = this.#caches.get(typeKey(type));
    if (known !== undefined) return known;
    const { client, clock, random, tracker, namespace } = this.#options;
    const cache = createCache({
      client,
      type,
      clock,
      random,
      tracker,
      slice: this.#slice,
      ...(type.namespaced ? { namespace } : {}),
    });
    tracker.watchCache(type.kind, cache);
    this.#caches.set(typeKey(type), cache);
    return cache;
  }

  #followed<T extends KubernetesObject>(type: ResourceType): FollowedCache<T> {
    const cache = this.#caches.get(typeKey(type));
    if (cache === undefined) throw new RangeError(`no controller owns or watches ${type.plural}`);
    // A cache of a type holds objects of that type: the API that filled it says so.
    return cache as unknown as FollowedCache<T>;
  }
}
