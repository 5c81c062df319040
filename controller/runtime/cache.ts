/**
 * A local copy of all objects of one type, kept current by a reflector. Handlers hear every change once, with the object
 * before it.
 */
import type { KubernetesObject, ObjectKey, ResourceClient, ResourceType } from "../store/resource-client.ts";
import type { Clock, Random } from "./clock.ts";
import { ObjectStore, deepFreeze, keyText } from "./object-store.ts";
import type { IndexFunction } from "./object-store.ts";
import { createReflector } from "./reflector.ts";
import type { Listing, Reflector, ReflectorTarget } from "./reflector.ts";
import { createTimeSlice } from "./time-slice.ts";
import type { TimeSlice } from "./time-slice.ts";
import type { Tracker } from "./tracker.ts";

export type CacheEvent<T extends KubernetesObject> =
  /** `initial` while the first listing is taken over, and for what a late subscriber finds. */
  | { readonly type: "added"; readonly object: T; readonly initial: boolean }
  | { readonly type: "updated"; readonly object: T; readonly old: T }
  /** `object` is the last known state; with `finalStateUnknown` it may have changed unheard before it went. */
  | { readonly type: "deleted"; readonly object: T; readonly finalStateUnknown: boolean };

type CacheHandler<T extends KubernetesObject> = (event: CacheEvent<T>) => void;

/** The reading half of a cache. Objects are frozen and shared: never change them. */
export interface CacheReader<T extends KubernetesObject = KubernetesObject> {
  readonly type: ResourceType;
  /** Whether the first listing was taken over completely. */
  readonly hasSynced: boolean;
  readonly size: number;
  /** Monotonic milliseconds of the last event, bookmark or listing; of the start of `run` before the first. */
  readonly heardAt: number | undefined;
  /** The revision up to which everything is known; undefined before the first listing. */
  readonly revision: string | undefined;
  get(key: ObjectKey): T | undefined;
  /** All objects, or those of a namespace, in no particular order. */
  list(namespace?: string): readonly T[];
  /** @throws RangeError for an index that was never added */
  byIndex(index: string, value: string): readonly T[];
}

/** A cache that others keep current. */
export interface FollowedCache<T extends KubernetesObject = KubernetesObject> extends CacheReader<T> {
  /** Hears what is there now and every change after it, until the returned function is called. Handlers must not throw or wait. */
  subscribe(handler: CacheHandler<T>): () => void;
  /** Resolves at the first complete listing. @throws the signal's reason when aborted before */
  synced(signal?: AbortSignal): Promise<void>;
}

export interface Cache<T extends KubernetesObject = KubernetesObject> extends FollowedCache<T> {
  /** What its last listing or watch failed with; undefined when nothing did since it was heard from. */
  readonly problem: string | undefined;
  addIndex(name: string, values: IndexFunction<T>): void;
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
  /** Let the server send what exists by watch (WatchList), where it does. Default true */
  streaming?: boolean | undefined;
  /** Shared by caches that should not hold the event loop together. Default: one of its own */
  slice?: TimeSlice | undefined;
}

/** Creates an empty cache; nothing is read before {@link Cache.run}. */
export function createCache<T extends KubernetesObject>(options: CacheOptions<T>): Cache<T> {
  return new ReflectedCache(options);
}

class ReflectedCache<T extends KubernetesObject> implements Cache<T>, ReflectorTarget<T> {
  readonly #options: CacheOptions<T>;
  readonly #reflector: Reflector;
  readonly #slice: TimeSlice;
  readonly #handlers = new Set<CacheHandler<T>>();
  readonly #synced = Promise.withResolvers<void>();
  #store: ObjectStore<T>;
  /** The listing in the making. */
  #next: ObjectStore<T> | undefined;
  #hasSynced = false;

  constructor(options: CacheOptions<T>) {
    const { client, clock, fieldSelector, labelSelector, namespace, random, tracker, type } = options;
    this.#options = options;
    this.#store = new ObjectStore(options.indexes ?? {});
    this.#slice = options.slice ?? createTimeSlice({ clock });
    this.#reflector = createReflector<T>({
      client,
      type,
      target: this,
      clock,
      random,
      tracker,
      slice: this.#slice,
      scope: {
        ...(namespace === undefined ? {} : { namespace }),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      },
      pageSize: options.pageSize ?? 500,
      streaming: options.streaming ?? true,
    });
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

  get heardAt(): number | undefined {
    return this.#reflector.heardAt;
  }

  get revision(): string | undefined {
    return this.#reflector.revision;
  }

  get problem(): string | undefined {
    return this.#reflector.problem;
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
    this.#next?.addIndex(name, values);
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

  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  begin(): Listing<T> {
    const next = this.#store.emptyCopy();
    this.#next = next;
    return {
      get size() {
        return next.size;
      },
      add: (raw) => {
        const key = keyText(raw.metadata);
        const known = this.#store.get(key);
        // What did not change is kept as it is: no second copy, no second freezing.
        next.set(key, known !== undefined && isSame(known, raw) ? known : this.#kept(raw));
      },
      remove: ({ metadata }) => void next.delete(keyText(metadata)),
      commit: () => this.#takeOver(next),
    };
  }

  put(raw: T): void {
    const key = keyText(raw.metadata);
    const old = this.#store.get(key);
    if (old !== undefined && isSame(old, raw)) return;
    this.#announceChange(old, this.#store.set(key, this.#kept(raw)));
  }

  remove(raw: T): void {
    if (this.#store.delete(keyText(raw.metadata)) === undefined) return;
    const object = deepFreeze(this.#kept(raw));
    this.#announce({ type: "deleted", object, finalStateUnknown: false });
  }

  /** Readers see the new listing at once; handlers hear what differs in turns, so that nothing else has to wait. */
  async #takeOver(next: ObjectStore<T>): Promise<void> {
    const previous = this.#store;
    this.#store = next;
    this.#next = undefined;
    for (const object of previous.values()) {
      if (next.get(keyText(object.metadata)) !== undefined) continue;
      this.#announce({ type: "deleted", object, finalStateUnknown: true });
      if (this.#slice.isOver) await this.#slice.pause();
    }
    for (const object of next.values()) {
      const old = previous.get(keyText(object.metadata));
      if (old !== object) this.#announceChange(old, object);
      if (this.#slice.isOver) await this.#slice.pause();
    }
    if (this.#hasSynced) return;
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  #announceChange(old: T | undefined, object: T): void {
    if (old !== undefined && old.metadata.uid === object.metadata.uid) {
      this.#announce({ type: "updated", object, old });
      return;
    }
    // Deleted and made anew while we were not watching: two objects, not one that changed.
    if (old !== undefined) this.#announce({ type: "deleted", object: old, finalStateUnknown: true });
    this.#announce({ type: "added", object, initial: !this.#hasSynced });
  }

  #kept(raw: T): T {
    return (this.#options.transform ?? withoutManagedFields)(raw);
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

/** Whether two states of a name are one: of the same object, at the same version. */
function isSame(a: KubernetesObject, b: KubernetesObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}

/** Managed fields are as large as the object and nobody who reads a cache needs them. */
function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
