/**
 * A queue of keys with the semantics of client-go's workqueue and controller-runtime's priority queue: a key is in it at
 * most once, is never handed to two workers, and is queued again when it was added while being processed. Namespaces take
 * turns, so that one with ten thousand objects does not keep the others waiting. Every operation is synchronous; only `get`
 * waits. Delays live in one heap behind one timer.
 */
import { createBackOff } from "./back-off.ts";
import type { BackOff, BackOffOptions } from "./back-off.ts";
import { LazyHeap } from "./lazy-heap.ts";
import { createTurns } from "./turns.ts";
import type { Turns } from "./turns.ts";
import type { Clock, Timer } from "./clock.ts";

/** Higher goes first. A person's edit is never stuck behind a restart's listing. */
export const priorities = Object.freeze({ resync: 0, deletion: 1, webhook: 2, userEdit: 3 });
export type Priority = (typeof priorities)[keyof typeof priorities];

interface AddOptions {
  /** Default {@link priorities.resync}. The highest of several adds counts. */
  priority?: Priority;
  /** Milliseconds from now. The earliest of several adds counts. Default 0. */
  after?: number;
}

export interface QueueItem {
  readonly key: string;
  readonly priority: Priority;
  /** Monotonic milliseconds between becoming ready and being handed out. */
  readonly waited: number;
}

/** What a metrics collector hears. */
export interface QueueObserver {
  added?(priority: Priority): void;
  handedOut?(item: QueueItem): void;
  done?(key: string, worked: number): void;
  retried?(): void;
}

export interface WorkQueueOptions extends BackOffOptions {
  clock: Clock;
  observer?: QueueObserver;
}

export interface WorkQueue {
  /** Adds a key, now or after a delay. Ignored once the queue is shut down. */
  add(key: string, options?: AddOptions): void;
  /**
   * Adds a key after its back-off (see `BackOff`).
   *
   * @param options.reason why, e.g. the code of an error. Default: one and the same
   * @returns the delay in milliseconds
   */
  addRateLimited(key: string, options?: { priority?: Priority; reason?: string }): number;
  /** Ends the key's back-off: the next failure starts from baseDelay again. */
  forget(key: string): void;
  /** How often the key was added with back-off since it was last forgotten. */
  failures(key: string): number;
  /**
   * The next key, when one is ready. The caller must call `done(key)`.
   *
   * @returns undefined when the queue is shut down and holds no ready key
   * @throws the signal's reason when it is aborted while waiting
   */
  get(signal?: AbortSignal): Promise<QueueItem | undefined>;
  /** The next key if one is ready now; like `get`, without waiting. */
  tryGet(): QueueItem | undefined;
  /** Ends the processing of a key; what was added meanwhile becomes ready. Ignored for a key that is not processed. */
  done(key: string): void;
  /** Drops a key that waits (not one being processed) and its back-off, e.g. because its object is gone. */
  remove(key: string): void;
  /** Keys ready to be handed out. */
  readonly length: number;
  /** What is held for keys that wait; for a while also for ones that were removed. */
  readonly slots: number;
  /** Keys being processed. */
  readonly processing: number;
  /** Keys that wait for their time. */
  readonly delayed: number;
  /**
   * Stops intake; drops delayed keys and, with `discard`, ready ones. Resolves when nothing is ready or being processed.
   * Calling it again returns the same end.
   */
  shutDown(options?: { discard?: boolean }): Promise<void>;
  readonly isShutDown: boolean;
}

type Place = "ready" | "delayed" | "processing";

interface Entry {
  readonly key: string;
  priority: Priority;
  place: Place;
  /** Monotonic time from which it may be handed out; while processing, undefined means not added again. */
  readyAt: number | undefined;
  /** When processing began. */
  startedAt: number;
  /** Entries in a heap are invalidated, not searched: a stamp that differs means the heap's copy is old. */
  stamp: number;
}

interface Slot {
  readonly entry: Entry;
  readonly stamp: number;
  readonly order: number;
}

interface Waiter {
  settle(item: QueueItem | undefined): void;
}

/** Creates an empty {@link WorkQueue}. */
export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new PriorityWorkQueue(options);
}

class PriorityWorkQueue implements WorkQueue {
  readonly #clock: Clock;
  readonly #backOff: BackOff;
  readonly #observer: QueueObserver;
  readonly #entries = new Map<string, Entry>();
  readonly #ready: readonly { heap: LazyHeap<Slot>; turns: Turns }[];
  readonly #delayed: LazyHeap<Slot>;
  readonly #waiters = new Set<Waiter>();
  #counts: Record<Place, number> = { ready: 0, delayed: 0, processing: 0 };
  #sequence = 0;
  #timer: { timer: Timer; at: number } | undefined;
  #drain: { promise: Promise<void>; resolve: () => void } | undefined;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#backOff = createBackOff(options);
    this.#observer = options.observer ?? {};
    const earlier = (a: Slot, b: Slot): boolean =>
      a.order === b.order ? a.stamp < b.stamp : a.order < b.order;
    this.#ready = Object.values(priorities).map(() => ({
      heap: new LazyHeap<Slot>(earlier, isValid),
      turns: createTurns(),
    }));
    this.#delayed = new LazyHeap<Slot>(earlier, isValid);
  }

  get length(): number {
    this.#promote();
    return this.#counts.ready;
  }

  get slots(): number {
    return this.#ready.reduce((sum, { heap }) => sum + heap.size, this.#delayed.size);
  }

  get processing(): number {
    return this.#counts.processing;
  }

  get delayed(): number {
    this.#promote();
    return this.#counts.delayed;
  }

  get isShutDown(): boolean {
    return this.#drain !== undefined;
  }

  add(key: string, options: AddOptions = {}): void {
    if (this.isShutDown) return;
    const now = this.#clock.monotonic();
    const priority = options.priority ?? priorities.resync;
    const readyAt = now + Math.max(0, options.after ?? 0);
    this.#observer.added?.(priority);
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#insert(key, priority, readyAt, now);
    else this.#merge(entry, priority, readyAt, now);
    this.#promote();
    this.#dispatch();
  }

  addRateLimited(key: string, options: { priority?: Priority; reason?: string } = {}): number {
    const { reason = "", ...added } = options;
    const delay = this.#backOff.next(key, reason);
    this.#observer.retried?.();
    this.add(key, { ...added, after: delay });
    return delay;
  }

  forget(key: string): void {
    this.#backOff.forget(key);
  }

  failures(key: string): number {
    return this.#backOff.failures(key);
  }

  get(signal?: AbortSignal): Promise<QueueItem | undefined> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const item = this.tryGet();
    if (item !== undefined || this.isShutDown) return Promise.resolve(item);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        settle: (next) => {
          signal?.removeEventListener("abort", abort);
          resolve(next);
        },
      };
      const abort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  tryGet(): QueueItem | undefined {
    this.#promote();
    for (const { heap, turns } of this.#ready.toReversed()) {
      const slot = heap.pop();
      if (slot === undefined) continue;
      turns.took(slot.order);
      return this.#handOut(slot.entry);
    }
    return undefined;
  }

  done(key: string): void {
    const entry = this.#entries.get(key);
    if (entry?.place !== "processing") return;
    const now = this.#clock.monotonic();
    this.#observer.done?.(key, now - entry.startedAt);
    this.#counts.processing--;
    if (entry.readyAt === undefined || (this.isShutDown && entry.readyAt > now)) this.#entries.delete(key);
    else this.#place(entry, entry.readyAt, now);
    this.#promote();
    this.#dispatch();
    this.#settleDrain();
  }

  remove(key: string): void {
    this.#backOff.forget(key);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry.place === "processing") {
      entry.readyAt = undefined;
      return;
    }
    this.#discard(entry);
    this.#settleDrain();
  }

  shutDown(options: { discard?: boolean } = {}): Promise<void> {
    if (this.#drain === undefined) {
      this.#promote();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drain = { promise, resolve };
      this.#timer?.timer.cancel();
      this.#timer = undefined;
    }
    for (const entry of this.#entries.values()) {
      if (entry.place === "delayed" || (entry.place === "ready" && options.discard === true)) {
        this.#discard(entry);
      } else if (entry.place === "processing" && options.discard === true) {
        entry.readyAt = undefined;
      }
    }
    for (const waiter of this.#waiters) waiter.settle(undefined);
    this.#waiters.clear();
    this.#settleDrain();
    return this.#drain.promise;
  }

  #insert(key: string, priority: Priority, readyAt: number, now: number): void {
    const entry: Entry = { key, priority, place: "ready", readyAt, startedAt: 0, stamp: 0 };
    this.#entries.set(key, entry);
    this.#place(entry, readyAt, now);
  }

  #merge(entry: Entry, priority: Priority, readyAt: number, now: number): void {
    const raised = priority > entry.priority;
    const earliest = Math.min(entry.readyAt ?? Number.POSITIVE_INFINITY, readyAt);
    if (entry.place === "processing") {
      // What it was handed out with is spent: only adds since then count.
      entry.priority = entry.readyAt === undefined || raised ? priority : entry.priority;
      entry.readyAt = earliest;
      return;
    }
    // A ready entry keeps its turn unless it moves to another class.
    if (!raised && earliest === entry.readyAt) return;
    this.#counts[entry.place]--;
    if (raised) entry.priority = priority;
    this.#place(entry, earliest, now);
  }

  #place(entry: Entry, readyAt: number, now: number): void {
    entry.stamp = ++this.#sequence;
    entry.readyAt = readyAt;
    if (readyAt > now) {
      entry.place = "delayed";
      this.#delayed.push({ entry, stamp: entry.stamp, order: readyAt });
      this.#schedule();
    } else {
      entry.place = "ready";
      const { heap, turns } = this.#classOf(entry.priority);
      heap.push({ entry, stamp: entry.stamp, order: turns.next(namespaceOf(entry.key)) });
    }
    this.#counts[entry.place]++;
  }

  #classOf(priority: Priority): { heap: LazyHeap<Slot>; turns: Turns } {
    const found = this.#ready[priority];
    if (found === undefined) throw new RangeError(`there is no priority ${priority}`);
    return found;
  }

  #discard(entry: Entry): void {
    this.#counts[entry.place]--;
    entry.stamp = ++this.#sequence;
    this.#entries.delete(entry.key);
  }

  #handOut(entry: Entry): QueueItem {
    const now = this.#clock.monotonic();
    const item = Object.freeze({
      key: entry.key,
      priority: entry.priority,
      waited: now - (entry.readyAt ?? now),
    });
    this.#counts.ready--;
    this.#counts.processing++;
    entry.place = "processing";
    entry.readyAt = undefined;
    entry.startedAt = now;
    this.#observer.handedOut?.(item);
    return item;
  }

  /** Moves what has become due from delayed to ready. */
  #promote(): void {
    const now = this.#clock.monotonic();
    for (let slot = this.#delayed.peek(); slot !== undefined && slot.order <= now;) {
      this.#delayed.pop();
      this.#counts.delayed--;
      this.#place(slot.entry, slot.order, now);
      slot = this.#delayed.peek();
    }
  }

  #dispatch(): void {
    for (const waiter of this.#waiters) {
      const item = this.tryGet();
      if (item === undefined) return;
      this.#waiters.delete(waiter);
      waiter.settle(item);
    }
  }

  #schedule(): void {
    const next = this.#delayed.peek();
    if (next === undefined || this.isShutDown) return;
    if (this.#timer !== undefined && this.#timer.at <= next.order) return;
    this.#timer?.timer.cancel();
    // Rounded up: a timer that fires a fraction early would find nothing due and spin.
    const wait = Math.ceil(Math.max(0, next.order - this.#clock.monotonic()));
    const timer = this.#clock.setTimer(wait, () => {
      this.#timer = undefined;
      this.#promote();
      this.#dispatch();
      this.#schedule();
    });
    this.#timer = { timer, at: next.order };
  }

  #settleDrain(): void {
    if (this.#counts.ready === 0 && this.#counts.processing === 0) this.#drain?.resolve();
  }
}

/** Keys are `<namespace>/<name>`; those of cluster-wide objects share one turn. */
function namespaceOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf("/")));
}

function isValid({ entry, stamp }: Slot): boolean {
  return entry.stamp === stamp && entry.place !== "processing";
}
