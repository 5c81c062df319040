/**
 * A local copy of all objects of one type, kept current by list and watch. The loop is a state machine with a typed next
 * step; handlers hear every change once, with the object before it.
 *
 * @see https://github.com/kubernetes/client-go/blob/master/tools/cache/reflector.go
 */
import { isApiError } from "../store/resource-client.ts";
import type {
  KubernetesObject,
  ObjectKey,
  ResourceClient,
  ResourceType,
  WatchEvent,
} from "../store/resource-client.ts";
import type { Clock, Random, Timer } from "./clock.ts";
import { ObjectStore, deepFreeze, keyText } from "./object-store.ts";
import type { IndexFunction } from "./object-store.ts";
import type { Tracker } from "./tracker.ts";

export type CacheEvent<T extends KubernetesObject> =
  /** `initial` while the first listing is taken over, and for what a late subscriber finds. */
  | { readonly type: "added"; readonly object: T; readonly initial: boolean }
  | { readonly type: "updated"; readonly object: T; readonly old: T }
  /** `object` is the last known state. */
  | { readonly type: "deleted"; readonly object: T };

type CacheHandler<T extends KubernetesObject> = (event: CacheEvent<T>) => void;

/** The reading half of a cache. Objects are frozen and shared: never change them. */
export interface CacheReader<T extends KubernetesObject = KubernetesObject> {
  readonly type: ResourceType;
  /** Whether the first listing was taken over completely. */
  readonly hasSynced: boolean;
  readonly size: number;
  get(key: ObjectKey): T | undefined;
  /** All objects, or those of a namespace, in no particular order. */
  list(namespace?: string): readonly T[];
  /** @throws RangeError for an index that was never added */
  byIndex(index: string, value: string): readonly T[];
}

export interface Cache<T extends KubernetesObject = KubernetesObject> extends CacheReader<T> {
  addIndex(name: string, values: IndexFunction<T>): void;
  /** Hears what is there now and every change after it, until the returned function is called. Handlers must not throw or wait. */
  subscribe(handler: CacheHandler<T>): () => void;
  /** Resolves at the first complete listing. @throws the signal's reason when aborted before */
  synced(signal?: AbortSignal): Promise<void>;
  /** Keeps the cache current until the signal is aborted. Call once. */
  run(signal: AbortSignal): Promise<void>;
}

export interface CacheOptions<T extends KubernetesObject> {
  client: ResourceClient;
  type: ResourceType;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  /** Default: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  indexes?: Readonly<Record<string, IndexFunction<T>>> | undefined;
  /** What is kept of an object. Default: all but `metadata.managedFields` */
  transform?: ((object: T) => T) | undefined;
  /** Objects per page of a listing. Default 500 */
  pageSize?: number | undefined;
}

/** Creates an empty cache; nothing is read before {@link Cache.run}. */
export function createCache<T extends KubernetesObject>(options: CacheOptions<T>): Cache<T> {
  return new WatchingCache(options);
}

type Step =
  | { readonly kind: "list" }
  | { readonly kind: "watch"; readonly revision: string }
  | { readonly kind: "wait"; readonly reason: string; readonly next: Step };

/** client-go: 800 ms doubling to 30 s, reset after two minutes of health. */
const firstDelay = 800;
const longestDelay = 30_000;
const healthy = 120_000;
/** Watches that failed in a row before the listing is made anew. */
const watchFailures = 5;
/** A watch on which nothing came for so long (plus jitter of the same size) is begun again: it may be half-open. */
const silence = 300_000;

class WatchingCache<T extends KubernetesObject> implements Cache<T> {
  readonly #options: CacheOptions<T>;
  readonly #store: ObjectStore<T>;
  readonly #handlers = new Set<CacheHandler<T>>();
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #delays = 0;
  #failedWatches = 0;
  #lastFailure = Number.NEGATIVE_INFINITY;

  constructor(options: CacheOptions<T>) {
    this.#options = options;
    this.#store = new ObjectStore(options.indexes ?? {});
  }

  get type(): ResourceType {
    return this.#options.type;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get size(): number {
    return this.#store.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#store.get(keyText(key));
  }

  list(namespace?: string): readonly T[] {
    return this.#store.list(namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  addIndex(name: string, values: IndexFunction<T>): void {
    this.#store.addIndex(name, values);
  }

  subscribe(handler: CacheHandler<T>): () => void {
    for (const object of this.#store.list()) this.#tell(handler, { type: "added", object, initial: true });
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  async synced(signal?: AbortSignal): Promise<void> {
    if (signal === undefined) return this.#synced.promise;
    signal.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.#synced.promise, aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    let step: Step = { kind: "list" };
    while (!signal.aborted) {
      try {
        step = await this.#take(step, signal);
      } catch (error) {
        if (signal.aborted) return;
        step = this.#afterFailure(step, error);
      }
    }
  }

  async #take(step: Step, signal: AbortSignal): Promise<Step> {
    switch (step.kind) {
      case "list":
        return { kind: "watch", revision: await this.#list(signal) };
      case "watch":
        return this.#watch(step.revision, signal);
      case "wait":
        this.#options.tracker.cacheRestarted(this.type.kind, step.reason);
        await this.#options.clock.sleep(this.#nextDelay(), signal);
        return step.next;
    }
  }

  #afterFailure(step: Step, error: unknown): Step {
    const expired = isApiError(error, "Expired") || isApiError(error, "Gone");
    this.#options.tracker.log.debug("a listing or watch failed", {
      kind: this.type.kind,
      step: step.kind,
      error,
    });
    if (step.kind === "watch" && expired) {
      // The log was cut behind us; what was missed is found by listing. Paced, should it happen again and again.
      return this.#delays === 0
        ? this.#relistAtOnce()
        : { kind: "wait", reason: "expired", next: { kind: "list" } };
    }
    if (step.kind === "list")
      return { kind: "wait", reason: expired ? "expired" : "list failed", next: step };
    this.#failedWatches++;
    const next: Step = this.#failedWatches >= watchFailures ? { kind: "list" } : step;
    return { kind: "wait", reason: "watch failed", next };
  }

  #relistAtOnce(): Step {
    this.#options.tracker.cacheRestarted(this.type.kind, "expired");
    this.#nextDelay();
    return { kind: "list" };
  }

  #nextDelay(): number {
    const now = this.#options.clock.monotonic();
    if (now - this.#lastFailure > healthy) this.#delays = 0;
    this.#lastFailure = now;
    const cap = Math.min(longestDelay, firstDelay * 2 ** this.#delays);
    this.#delays++;
    return Math.ceil(cap * (1 - this.#options.random.next()));
  }

  /** Reads all pages, then takes them over at once. */
  async #list(signal: AbortSignal): Promise<string> {
    const { client, type, pageSize = 500 } = this.#options;
    const found = new Map<string, T>();
    let page = await client.list<T>(type, { ...this.#scope(), limit: pageSize }, signal);
    for (;;) {
      for (const object of page.items) found.set(keyText(object.metadata), object);
      if (page.continue === undefined || page.continue === "") break;
      page = await client.list<T>(
        type,
        { ...this.#scope(), limit: pageSize, continue: page.continue },
        signal,
      );
    }
    signal.throwIfAborted();
    for (const key of this.#store.keys()) if (!found.has(key)) this.#remove(key);
    for (const object of found.values()) this.#put(object);
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#synced.resolve();
    }
    this.#failedWatches = 0;
    return page.resourceVersion;
  }

  async #watch(from: string, signal: AbortSignal): Promise<Step> {
    const { client, type, clock, random } = this.#options;
    const began = clock.monotonic();
    const ended = new AbortController();
    const abort = (): void => ended.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const patience = silence * (1 + random.next());
    let revision = from;
    let heard = 0;
    let timer: Timer | undefined;
    const rearm = (): void => {
      timer?.cancel();
      timer = clock.setTimer(patience, () => ended.abort(new Error("the watch went silent")));
    };
    rearm();
    try {
      const events = client.watch<T>(
        type,
        { ...this.#scope(), resourceVersion: from, allowBookmarks: true },
        ended.signal,
      );
      for await (const event of events) {
        rearm();
        heard++;
        revision = this.#apply(event) ?? revision;
        this.#failedWatches = 0;
        if (ended.signal.aborted) break;
      }
    } catch (error) {
      if (signal.aborted || !ended.signal.aborted) {
        // What was heard is applied: go on from there, not from where this watch began.
        if (!signal.aborted && heard > 0 && !isApiError(error, "Expired") && !isApiError(error, "Gone")) {
          return {
            kind: "wait",
            reason: "watch broke off",
            next: { kind: "watch", revision },
          };
        }
        throw error;
      }
    } finally {
      timer?.cancel();
      signal.removeEventListener("abort", abort);
    }
    const next: Step = { kind: "watch", revision };
    const short = heard === 0 && clock.monotonic() - began < 1000;
    return short ? { kind: "wait", reason: "watch ended at once", next } : next;
  }

  #scope(): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }

  #apply(event: WatchEvent<T>): string | undefined {
    if (event.type === "BOOKMARK") return event.resourceVersion;
    const { object } = event;
    if (event.type === "DELETED") this.#remove(keyText(object.metadata), object);
    else this.#put(object);
    return object.metadata.resourceVersion;
  }

  #put(raw: T): void {
    const key = keyText(raw.metadata);
    const old = this.#store.get(key);
    if (old !== undefined && old.metadata.resourceVersion === raw.metadata.resourceVersion) return;
    if (old !== undefined && old.metadata.uid !== raw.metadata.uid) {
      // Deleted and made anew while we were not watching: two objects, not one that changed.
      this.#remove(key);
      this.#put(raw);
      return;
    }
    const object = this.#store.set(key, (this.#options.transform ?? withoutManagedFields)(raw));
    this.#announce(
      old === undefined
        ? { type: "added", object, initial: !this.#hasSynced }
        : { type: "updated", object, old },
    );
  }

  #remove(key: string, last?: T): void {
    const old = this.#store.delete(key);
    if (old === undefined) return;
    const object =
      last === undefined ? old : deepFreeze((this.#options.transform ?? withoutManagedFields)(last));
    this.#announce({ type: "deleted", object });
  }

  #announce(event: CacheEvent<T>): void {
    this.#options.tracker.cacheChanged(this.type.kind, this.#store.size);
    for (const handler of this.#handlers) this.#tell(handler, event);
  }

  #tell(handler: CacheHandler<T>, event: CacheEvent<T>): void {
    try {
      handler(event);
    } catch (error) {
      this.#options.tracker.cacheHandlerFailed(this.type.kind, error);
    }
  }
}

/** Managed fields are as large as the object and nobody who reads a cache needs them. */
function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
