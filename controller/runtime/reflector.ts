/**
 * Keeps a copy of all objects of one type current: list, then watch, for as long as it runs. A state machine with a typed
 * next step; the signal is looked at after every wait. What it learns goes into a target, which keeps it.
 *
 * @see https://github.com/kubernetes/client-go/blob/master/tools/cache/reflector.go
 */
import type { KubernetesObject, ResourceClient, ResourceType, WatchEvent } from "../store/resource-client.ts";
import type { Clock, Random, Timer } from "./clock.ts";
import { errorText } from "./errors.ts";
import type { TimeSlice } from "./time-slice.ts";
import type { Tracker } from "./tracker.ts";
import { afterList, afterWatch, isExpired, refusesInitialEvents } from "./watch-recovery.ts";
import type { Recovery, RestartReason } from "./watch-recovery.ts";

/** A complete listing in the making; nobody sees it before it is committed. */
export interface Listing<T extends KubernetesObject> {
  readonly size: number;
  add(object: T): void;
  remove(object: T): void;
  /** Takes the listing over at once, and tells what differs from before. */
  commit(): Promise<void>;
}

/** Who keeps what is learned. */
export interface ReflectorTarget<T extends KubernetesObject> {
  begin(): Listing<T>;
  /** One object as it is now. */
  put(object: T): void;
  /** An object that is gone, in its last state. */
  remove(object: T): void;
}

export interface ReflectorOptions<T extends KubernetesObject> {
  client: ResourceClient;
  type: ResourceType;
  target: ReflectorTarget<T>;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  /** Shared by all that should not hold the event loop together. */
  slice: TimeSlice;
  scope: { namespace?: string; labelSelector?: string; fieldSelector?: string };
  /** Objects per page of a listing. */
  pageSize: number;
  /** Let the server send what exists by watch, where it does. */
  streaming: boolean;
}

export interface Reflector {
  /** Runs until the signal is aborted, then resolves. Never throws. Call once. */
  run(signal: AbortSignal): Promise<void>;
  /** Monotonic milliseconds of the last event, bookmark or listing; of the start of `run` before the first. */
  readonly heardAt: number | undefined;
  /** The revision up to which everything is known. */
  readonly revision: string | undefined;
  /** What the last listing or watch failed with; undefined when nothing did since it succeeded. */
  readonly problem: string | undefined;
}

type Step =
  | { readonly kind: "list" }
  /** Without a revision: from what exists. */
  | { readonly kind: "watch"; readonly revision: string | undefined }
  | { readonly kind: "wait"; readonly recovery: Recovery };

/** client-go: 800 ms doubling to 30 s, reset after two minutes of health. */
const FIRST_DELAY = 800;
const LONGEST_DELAY = 30_000;
const HEALTHY = 120_000;
/** client-go asks for watches of 5 to 10 minutes, spread so that they do not end together. */
const SHORTEST_WATCH_SECONDS = 300;
/** What a server may be late with ending a watch. */
const GRACE = 30_000;
/** kube-apiserver sends a bookmark a minute; who sent one and is then silent for so long is not there any more. */
const BOOKMARK_PATIENCE = 180_000;
/** A server that takes a watch with initial events begins to send them at once. */
const INITIAL_PATIENCE = 60_000;
/** client-go: a watch that ends sooner, without an event, is a sign of trouble. */
const VERY_SHORT = 1_000;

class Silence extends Error {}

/** Creates a reflector; nothing is asked before {@link Reflector.run}. */
export function createReflector<T extends KubernetesObject>(options: ReflectorOptions<T>): Reflector {
  return new WatchingReflector(options);
}

class WatchingReflector<T extends KubernetesObject> implements Reflector {
  readonly #options: ReflectorOptions<T>;
  #streaming: boolean;
  #revision: string | undefined;
  /** The last revision is of no use for a listing: ask for the newest. */
  #newest = true;
  #heardAt: number | undefined;
  /** A listing is under way: what exists is not known yet, or not any more. */
  #filling = false;
  #delays = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  #failingSince: number | undefined;
  /** Of listings and watches apart: who may list may still not watch, and one that succeeds says nothing of the other. */
  readonly #problems = new Map<Step["kind"], string>();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#streaming = options.streaming;
  }

  get heardAt(): number | undefined {
    return this.#heardAt;
  }

  get revision(): string | undefined {
    return this.#revision;
  }

  get problem(): string | undefined {
    return this.#problems.values().next().value;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#heardAt = this.#options.clock.monotonic();
    let step: Step = this.#beginning();
    while (!signal.aborted) {
      try {
        step = await this.#take(step, signal);
      } catch (error) {
        if (signal.aborted) return;
        step = this.#afterFailure(step, error);
      }
    }
  }

  #beginning(): Step {
    return this.#streaming ? { kind: "watch", revision: undefined } : { kind: "list" };
  }

  #take(step: Step, signal: AbortSignal): Promise<Step> {
    switch (step.kind) {
      case "list":
        return this.#list(signal);
      case "watch":
        return this.#watch(step.revision, signal);
      case "wait":
        return this.#wait(step.recovery, signal);
    }
  }

  async #wait({ asked = 0, next, reason }: Recovery, signal: AbortSignal): Promise<Step> {
    const backOff = this.#nextDelay();
    // The first 410 is nobody's trouble: what was missed is found by listing, now. Only a row of them is paced.
    const isFirst = reason === "expired" && this.#delays === 1;
    if (!isFirst) await this.#options.clock.sleep(Math.max(asked, backOff), signal);
    return next === "watch" ? { kind: "watch", revision: this.#revision } : this.#beginning();
  }

  #afterFailure(step: Step, error: unknown): Step {
    const { clock } = this.#options;
    this.#failingSince ??= clock.monotonic();
    if (step.kind === "watch" && this.#filling && (refusesInitialEvents(error) || error instanceof Silence)) {
      this.#streaming = false;
      return this.#restart("no initial events", { kind: "list" });
    }
    if (isExpired(error)) this.#newest = true;
    else this.#report(step, error);
    const recovery = this.#filling
      ? afterList(error)
      : afterWatch(error, clock.monotonic() - this.#failingSince);
    return this.#restart(recovery.reason, { kind: "wait", recovery });
  }

  /** Says once what is wrong, and again when it is something else, or was well in between. */
  #report({ kind: step }: Step, error: unknown): void {
    const { tracker, type } = this.#options;
    const problem = errorText(error);
    if (problem !== this.#problems.get(step))
      tracker.log.warn("a kind cannot be listed or watched; trying again", { kind: type.kind, step, error });
    this.#problems.set(step, problem);
  }

  #restart(reason: RestartReason, step: Step): Step {
    this.#options.tracker.cacheRestarted(this.#options.type.kind, reason);
    return step;
  }

  #nextDelay(): number {
    const now = this.#options.clock.monotonic();
    if (now - this.#failedAt > HEALTHY) this.#delays = 0;
    this.#failedAt = now;
    const cap = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#delays);
    this.#delays++;
    return Math.ceil(cap * (1 - this.#options.random.next()));
  }

  #heard(step: Step["kind"], revision?: string): void {
    this.#problems.delete(step);
    this.#heardAt = this.#options.clock.monotonic();
    this.#failingSince = undefined;
    if (revision !== undefined && revision !== "") this.#revision = revision;
  }

  #begin(): Listing<T> {
    this.#filling = true;
    return this.#options.target.begin();
  }

  /** Reads all pages, then takes them over at once. */
  async #list(signal: AbortSignal): Promise<Step> {
    const { client, pageSize, scope, slice, type } = this.#options;
    const began = this.#options.clock.monotonic();
    const notOlder = this.#newest || this.#revision === undefined ? {} : { resourceVersion: this.#revision };
    const listing = this.#begin();
    let page = await client.list<T>(type, { ...scope, ...notOlder, limit: pageSize }, signal);
    for (;;) {
      for (const object of page.items) {
        listing.add(object);
        if (slice.isOver) await slice.pause();
      }
      const { continue: next } = page;
      if (next === undefined || next === "") break;
      signal.throwIfAborted();
      page = await client.list<T>(type, { ...scope, limit: pageSize, continue: next }, signal);
    }
    return this.#commit(listing, { step: "list", revision: page.resourceVersion, began, signal });
  }

  async #commit(
    listing: Listing<T>,
    end: { step: Step["kind"]; began: number; revision: string; signal: AbortSignal },
  ): Promise<Step> {
    const { clock, tracker, type } = this.#options;
    const { began, revision, signal, step } = end;
    signal.throwIfAborted();
    const items = listing.size;
    await listing.commit();
    this.#filling = false;
    this.#newest = false;
    this.#heard(step, revision);
    tracker.cacheListed(type.kind, { items, milliseconds: clock.monotonic() - began });
    return { kind: "watch", revision };
  }

  /** Follows changes from a revision; without one, what exists comes first. */
  async #watch(from: string | undefined, signal: AbortSignal): Promise<Step> {
    const { client, clock, random, scope, slice, target, type } = this.#options;
    const began = clock.monotonic();
    const timeoutSeconds = SHORTEST_WATCH_SECONDS + Math.floor(random.next() * (SHORTEST_WATCH_SECONDS + 1));
    const longest = timeoutSeconds * 1000 + GRACE;
    const ended = new AbortController();
    const abort = (): void => ended.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const watchdog = createWatchdog(clock, () => ended.abort(new Silence("nothing was heard")));
    watchdog.expect(from === undefined ? INITIAL_PATIENCE : longest);
    let listing = from === undefined ? this.#begin() : undefined;
    let heard = 0;
    try {
      const start = from === undefined ? { sendInitialEvents: true } : { resourceVersion: from };
      const options = { ...scope, ...start, allowBookmarks: true, timeoutSeconds };
      for await (const event of client.watch<T>(type, options, ended.signal)) {
        heard++;
        watchdog.heard();
        if (event.type === "BOOKMARK") {
          if (listing !== undefined && event.initialEventsEnd === true) {
            await this.#commit(listing, { step: "watch", revision: event.resourceVersion, began, signal });
            listing = undefined;
          }
          watchdog.expect(Math.min(longest, BOOKMARK_PATIENCE));
        }
        if (listing === undefined) this.#keep(event, target);
        else if (event.type !== "BOOKMARK") fill(listing, event);
        if (slice.isOver) await slice.pause();
        if (ended.signal.aborted) break;
      }
    } finally {
      watchdog.stop();
      signal.removeEventListener("abort", abort);
    }
    signal.throwIfAborted();
    if (listing !== undefined) throw new Silence("what exists was not sent to its end");
    const next: Step = { kind: "watch", revision: this.#revision };
    if (ended.signal.aborted) return this.#restart("silent", next);
    if (heard > 0 || clock.monotonic() - began >= VERY_SHORT) return this.#restart("ended", next);
    const recovery: Recovery = { reason: "ended at once", next: "watch" };
    return this.#restart(recovery.reason, { kind: "wait", recovery });
  }

  #keep(event: WatchEvent<T>, target: ReflectorTarget<T>): void {
    if (event.type === "BOOKMARK") {
      this.#heard("watch", event.resourceVersion);
      return;
    }
    if (event.type === "DELETED") target.remove(event.object);
    else target.put(event.object);
    this.#heard("watch", event.object.metadata.resourceVersion);
  }
}

function fill<T extends KubernetesObject>(
  listing: Listing<T>,
  event: Exclude<WatchEvent<T>, { type: "BOOKMARK" }>,
): void {
  if (event.type === "DELETED") listing.remove(event.object);
  else listing.add(event.object);
}

/** Barks when nothing is heard for as long as expected. One timer, however much is heard. */
function createWatchdog(
  clock: Clock,
  bark: () => void,
): { heard(): void; expect(patience: number): void; stop(): void } {
  let heardAt = clock.monotonic();
  let patience = 0;
  let timer: Timer | undefined;
  const arm = (): void => {
    timer?.cancel();
    // Rounded up: a timer that fires a fraction early would be armed again at once, and spin.
    timer = clock.setTimer(Math.ceil(Math.max(0, heardAt + patience - clock.monotonic())), () => {
      if (clock.monotonic() - heardAt >= patience) bark();
      else arm();
    });
  };
  return {
    heard: () => {
      heardAt = clock.monotonic();
    },
    expect: (milliseconds) => {
      if (milliseconds === patience) return;
      patience = milliseconds;
      arm();
    },
    stop: () => timer?.cancel(),
  };
}
