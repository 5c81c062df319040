/**
 * What all Connections of one identity at one provider share, because the provider counts them as one: breaker, rate
 * limit gate, budget, concurrency, serialisation and ETags.
 */
import PQueue from "p-queue";
import { createBreaker } from "./breaker.ts";
import type { Breaker, BreakerState } from "./breaker.ts";
import { createBudget } from "./budget.ts";
import type { Budget, PublishedLimit } from "./budget.ts";
import type { Clock } from "./clock.ts";
import { createEtagCache } from "./etag-cache.ts";
import type { EtagCache } from "./etag-cache.ts";
import { createKeyedSerializer } from "./keyed-serializer.ts";
import type { KeyedSerializer } from "./keyed-serializer.ts";
import type { Tracker } from "./tracker.ts";

/** Closed while the provider wants no more calls. */
interface RateGate {
  /** Wall clock (ms) until which no call may be made; undefined when open. */
  readonly closedUntil: number | undefined;
  /** Closes the gate; the latest of several moments counts. */
  close(until: number): void;
  /**
   * The provider said "too many" without saying until when: waits `base`, doubling while that goes on, up to 15 minutes.
   * While the gate is closed it is the answer to a call from before, and says nothing new.
   */
  closeWithBackOff(base: number): void;
  /** A call was answered normally: the next back-off starts from its base. */
  answered(): void;
  /** Open, and no back-off goes on. */
  readonly atRest: boolean;
}

export interface ProviderIdentity {
  readonly provider: string;
  /** Who the provider says the credentials are. */
  readonly identity: string;
  readonly breaker: Breaker;
  readonly gate: RateGate;
  readonly budget: Budget;
  readonly queue: PQueue;
  readonly serializer: KeyedSerializer;
  readonly etags: EtagCache;
  /** The part of the published limits in use. */
  readonly share: number;
}

export interface IdentityOptions {
  provider: string;
  identity: string;
  /** `<namespace>/<name>` of the Connection that asks. */
  connection: string;
  /** The part of the provider's limits this Connection may use; the smallest of an identity's Connections counts. Default 0.8 */
  share?: number | undefined;
  /** Published limits. Default: none. */
  limits?: readonly PublishedLimit[] | undefined;
  /** Requests at the same time. Default 10 */
  concurrency?: number | undefined;
  /** Bytes of answers kept for conditional requests. Default 64 MiB */
  etagBytes?: number | undefined;
}

export interface ProviderIdentities {
  /** The identity's shared state, made when it is first asked for; limits and concurrency are those of the first. */
  of(options: IdentityOptions): ProviderIdentity;
  /**
   * A Connection is gone or has other credentials: its share no longer counts. An identity that has none left is forgotten
   * as soon as that allows nothing that was not allowed before.
   */
  release(options: { provider: string; identity: string; connection: string }): void;
  all(): readonly ProviderIdentity[];
}

/** Hears that a breaker changed its state or a gate closed, and which Connections say so in their status. */
export type IdentityListener = (identity: ProviderIdentity, connections: readonly string[]) => void;

export function createProviderIdentities(options: {
  clock: Clock;
  tracker: Tracker;
  onChange?: IdentityListener | undefined;
}): ProviderIdentities {
  const known = new Map<string, { identity: SharedIdentity; shares: Map<string, number> }>();
  const keyOf = ({ provider, identity }: { provider: string; identity: string }): string =>
    `${provider}/${identity}`;
  const apply = ({ identity, shares }: { identity: SharedIdentity; shares: Map<string, number> }): void => {
    if (shares.size > 0) identity.setShare(Math.min(...shares.values()));
    else identity.etags.clear();
  };
  const forgetUnused = (): void => {
    for (const [key, { identity, shares }] of known)
      if (shares.size === 0 && identity.atRest) known.delete(key);
  };
  const made = (wanted: IdentityOptions): { identity: SharedIdentity; shares: Map<string, number> } => {
    const shares = new Map<string, number>();
    const onChange = (identity: ProviderIdentity): void => options.onChange?.(identity, [...shares.keys()]);
    return { identity: new SharedIdentity(wanted, { ...options, onChange }), shares };
  };
  return {
    of: (wanted) => {
      const key = keyOf(wanted);
      const entry = known.get(key) ?? made(wanted);
      known.set(key, entry);
      entry.shares.set(wanted.connection, wanted.share ?? 0.8);
      apply(entry);
      forgetUnused();
      return entry.identity;
    },
    release: (gone) => {
      const entry = known.get(keyOf(gone));
      entry?.shares.delete(gone.connection);
      if (entry !== undefined) apply(entry);
      forgetUnused();
    },
    all: () => [...known.values()].map(({ identity }) => identity),
  };
}

class SharedIdentity implements ProviderIdentity {
  readonly provider: string;
  readonly identity: string;
  readonly breaker: Breaker;
  readonly gate: RateGate;
  readonly budget: Budget;
  readonly queue: PQueue;
  readonly serializer: KeyedSerializer = createKeyedSerializer();
  readonly etags: EtagCache;
  #share: number;

  constructor(
    wanted: IdentityOptions,
    options: { clock: Clock; tracker: Tracker; onChange: (identity: ProviderIdentity) => void },
  ) {
    const { clock, tracker } = options;
    this.provider = wanted.provider;
    this.identity = wanted.identity;
    this.#share = wanted.share ?? 0.8;
    const changed = (): void => options.onChange(this);
    this.breaker = createBreaker({
      clock,
      onChange: (state: BreakerState) => {
        if (state === "open") tracker.breakerOpened(wanted.provider);
        if (state !== "halfOpen") {
          tracker.log.warn("circuit breaker", {
            provider: wanted.provider,
            identity: wanted.identity,
            state,
          });
        }
        changed();
      },
    });
    this.gate = createRateGate(clock, changed);
    this.budget = createBudget({ clock, limits: wanted.limits ?? [], share: this.#share });
    this.queue = new PQueue({ concurrency: wanted.concurrency ?? 10 });
    this.etags = createEtagCache({ maxBytes: wanted.etagBytes });
  }

  get share(): number {
    return this.#share;
  }

  /** Whether a new one in its place would let through and hold back the same. */
  get atRest(): boolean {
    const idle = this.queue.size === 0 && this.queue.pending === 0 && this.serializer.size === 0;
    return idle && this.breaker.atRest && this.gate.atRest && this.budget.atRest;
  }

  setShare(share: number): void {
    if (share === this.#share) return;
    this.#share = share;
    this.budget.setShare(share);
  }
}

const longestBackOff = 900_000;

function createRateGate(clock: Clock, changed: () => void): RateGate {
  // Kept on the monotonic clock: a jump of the wall clock neither opens nor extends the gate.
  let opensAt = Number.NEGATIVE_INFINITY;
  let repeated = 0;
  const closeFor = (milliseconds: number): void => {
    const next = clock.monotonic() + milliseconds;
    if (next <= opensAt) return;
    opensAt = next;
    changed();
  };
  const left = (): number => opensAt - clock.monotonic();
  return {
    get closedUntil() {
      return left() > 0 ? clock.now() + left() : undefined;
    },
    close: (until) => closeFor(until - clock.now()),
    closeWithBackOff: (base) => {
      if (left() > 0) return;
      closeFor(Math.min(longestBackOff, base * 2 ** Math.min(repeated, 10)));
      repeated++;
    },
    answered: () => {
      repeated = 0;
    },
    get atRest() {
      return left() <= (repeated === 0 ? 0 : -longestBackOff);
    },
  };
}
