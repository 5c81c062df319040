/**
 * core/v1 Events, aggregated as client-go does: the same event about the same object raises a count, a flood of similar
 * ones becomes one combined event, and an object that has much to say is limited. Recording is synchronous and cheap;
 * one loop writes. Names are a function of what is said, so that a restart goes on counting.
 */
import { isApiError } from "../store/resource-client.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../store/resource-client.ts";
import { timestamp } from "./clock.ts";
import type { Clock, Timer } from "./clock.ts";
import { hashOf } from "./hash.ts";

/** core/v1 Event as the API serves it. */
export const eventType: ResourceType = Object.freeze({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
});

export interface EventInput {
  readonly type: "Normal" | "Warning";
  /** CamelCase, past tense: `CreatedExternalResource`. */
  readonly reason: string;
  /** Deterministic, so that repetitions are recognised; at most 1024 characters are kept. */
  readonly message: string;
}

export interface EventRecorder {
  /** Notes an event about an object; it is written later. Never throws, never waits. */
  record(object: KubernetesObject, event: EventInput): void;
  /**
   * Writes what is recorded until the signal is aborted; then writes what is left, within two seconds and for as long as
   * the store takes it, and resolves. A manager runs this while it runs; running it twice is harmless.
   */
  run(client: ResourceClient, signal: AbortSignal): Promise<void>;
  /** Resolves when everything recorded so far is written or given up; needs `run`. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  clock: Clock;
  /** Who reports, e.g. `flaresmith`. */
  component: string;
  redact: (text: string) => string;
  /** Told the reason when an event is not written: `limited`, `overflow` or `refused`. */
  dropped?: (reason: string) => void;
}

interface Pending {
  readonly name: string;
  readonly object: KubernetesObject;
  readonly event: EventInput;
  readonly first: string;
  last: string;
  count: number;
}

/** When a loop ends. */
interface Ends {
  /** Aborted when nothing is waited for any more. */
  readonly stopping: AbortSignal;
  /** Aborted when nothing is written any more. */
  readonly over: AbortSignal;
}

/** client-go: EventAggregatorByReason folds after 10 different messages within 10 minutes. */
const similarLimit = 10;
const similarWindow = 600_000;
/** client-go: EventSourceObjectSpamFilter allows 25 at once and one more every 5 minutes. */
const spamBurst = 25;
const spamRefill = 300_000;
const maxPending = 1000;
const maxTracked = 4096;
const maxMessageLength = 1024;
const writeAttempts = 12;
const retryDelay = 10_000;
/** Milliseconds for what is left when the process stops: the lease is released after that, and all within 30 s. */
const lastWrites = 2_000;

/** Creates a recorder; nothing is written before {@link EventRecorder.run}. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new QueuedEventRecorder(options);
}

class QueuedEventRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #similar = new Map<string, { messages: Set<string>; since: number }>();
  readonly #budgets = new Map<string, { tokens: number; at: number }>();
  readonly #waiting = new Set<() => void>();
  #idle: { promise: Promise<void>; resolve: () => void } | undefined;
  /** Events that a loop took and has not written yet. */
  #writing = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(object: KubernetesObject, input: EventInput): void {
    const subject = `${object.kind}/${object.metadata.namespace ?? ""}/${object.metadata.name}/${object.metadata.uid ?? ""}`;
    if (!this.#withinBudget(subject)) {
      this.#options.dropped?.("limited");
      return;
    }
    const event = this.#aggregate(subject, {
      ...input,
      message: this.#options.redact(input.message).slice(0, maxMessageLength),
    });
    const name = `${object.metadata.name.slice(0, 220)}.${hashOf([subject, event]).slice(0, 16)}`;
    const now = timestamp(this.#options.clock);
    const known = this.#pending.get(name);
    if (known !== undefined) {
      known.count++;
      known.last = now;
      return;
    }
    if (this.#pending.size >= maxPending) {
      this.#options.dropped?.("overflow");
      return;
    }
    this.#pending.set(name, { name, object, event, first: now, last: now, count: 1 });
    this.#wakeAll();
  }

  async run(client: ResourceClient, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const over = new AbortController();
    let timer: Timer | undefined;
    const stop = (): void => {
      timer = clock.setTimer(lastWrites, () => over.abort(new Error("the process ends")));
      this.#wakeAll();
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const ends = { stopping: signal, over: over.signal };
    try {
      while (!signal.aborted) {
        const next = this.#take();
        if (next === undefined) await this.#recorded();
        else await this.#writeTaken(client, next, ends);
      }
      while (!over.signal.aborted) {
        const next = this.#take();
        // A store that does not answer about one will not about the others.
        if (next === undefined || !(await this.#writeTaken(client, next, ends))) return;
      }
    } finally {
      timer?.cancel();
      signal.removeEventListener("abort", stop);
    }
  }

  flush(): Promise<void> {
    if (this.#pending.size === 0 && this.#writing === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  #take(): Pending | undefined {
    const next = this.#pending.values().next().value;
    if (next === undefined) return undefined;
    this.#pending.delete(next.name);
    this.#writing++;
    return next;
  }

  /** @returns whether the store answered */
  async #writeTaken(client: ResourceClient, taken: Pending, ends: Ends): Promise<boolean> {
    const answered = await this.#write(client, taken, ends);
    this.#writing--;
    if (this.#pending.size === 0 && this.#writing === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    return answered;
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async #recorded(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    await promise;
  }

  async #write(client: ResourceClient, pending: Pending, { over, stopping }: Ends): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await writeEvent(client, pending, this.#options.component, over);
        return true;
      } catch (error) {
        const refused = isRefusal(error);
        if (attempt >= writeAttempts || stopping.aborted || refused) {
          this.#options.dropped?.("refused");
          return refused;
        }
      }
      // An abort ends the wait; the loop then makes its last attempt.
      await this.#options.clock.sleep(retryDelay, stopping).catch(() => undefined);
    }
  }

  #aggregate(subject: string, event: EventInput): EventInput {
    const key = `${subject}/${event.type}/${event.reason}`;
    const now = this.#options.clock.monotonic();
    const known = this.#similar.get(key);
    const group =
      known !== undefined && now - known.since <= similarWindow
        ? known
        : { messages: new Set<string>(), since: now };
    group.messages.add(event.message);
    remember(this.#similar, key, group);
    if (group.messages.size <= similarLimit) return event;
    group.messages.delete(event.message);
    return { ...event, message: `(combined from similar events) ${event.reason}` };
  }

  #withinBudget(subject: string): boolean {
    const now = this.#options.clock.monotonic();
    const known = this.#budgets.get(subject) ?? { tokens: spamBurst, at: now };
    const tokens = Math.min(spamBurst, known.tokens + (now - known.at) / spamRefill);
    remember(this.#budgets, subject, { tokens: Math.max(0, tokens >= 1 ? tokens - 1 : tokens), at: now });
    return tokens >= 1;
  }
}

/** Keeps the most recently used entries. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next().value;
  if (map.size > maxTracked && oldest !== undefined) map.delete(oldest);
}

/** What the API will refuse again however often it is asked, e.g. because the namespace is being deleted. */
function isRefusal(error: unknown): boolean {
  return ["Forbidden", "Invalid", "BadRequest", "NotFound", "Unauthorized"].some((reason) =>
    isApiError(error, reason),
  );
}

async function writeEvent(
  client: ResourceClient,
  pending: Pending,
  component: string,
  signal: AbortSignal,
): Promise<void> {
  const { object, event, name } = pending;
  const namespace = object.metadata.namespace ?? "default";
  const { uid, resourceVersion } = object.metadata;
  try {
    const created = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name: object.metadata.name,
        ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      type: event.type,
      reason: event.reason,
      message: event.message,
      source: { component },
      firstTimestamp: pending.first,
      lastTimestamp: pending.last,
      count: pending.count,
      reportingComponent: component,
      reportingInstance: component,
    };
    await client.create(eventType, created, {}, signal);
  } catch (error) {
    if (!isApiError(error, "AlreadyExists")) throw error;
    const known = await client.get(eventType, { namespace, name }, signal);
    const count = typeof known["count"] === "number" ? known["count"] : 1;
    await client.patch(
      eventType,
      { namespace, name },
      { type: "merge", body: { count: count + pending.count, lastTimestamp: pending.last } },
      {},
      signal,
    );
  }
}
