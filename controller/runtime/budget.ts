/**
 * Token buckets by a provider's published limits, of which only a share is used. The budget never refuses what it can
 * start within a short pacing delay; beyond that it says when, and the work queue waits instead of a worker.
 */
import type { Clock } from "./clock.ts";

/** A published limit: so many requests within so many milliseconds. */
export interface PublishedLimit {
  readonly requests: number;
  readonly per: number;
  /** How many may go at once. Default: all of `requests`. */
  readonly burst?: number | undefined;
}

export interface Budget {
  /**
   * Takes `cost` requests from every limit.
   *
   * @param longest longest acceptable delay in milliseconds
   * @returns the delay in milliseconds until the request may start; with `granted: false` nothing was taken
   */
  take(cost: number, longest: number): { readonly granted: boolean; readonly delay: number };
  /** Whether as much may be asked as of a new one. */
  readonly atRest: boolean;
  /** Sets the part of the limits that may be used, in (0, 1]. */
  setShare(share: number): void;
}

interface Bucket {
  readonly limit: PublishedLimit;
  tokens: number;
}

/** @param options.share part of the limits that may be used. Default 0.8 */
export function createBudget(options: {
  clock: Clock;
  limits: readonly PublishedLimit[];
  share?: number | undefined;
}): Budget {
  const { clock } = options;
  let share = options.share ?? 0.8;
  let updated = clock.monotonic();
  const capacity = ({ requests, burst }: PublishedLimit): number => Math.max(1, (burst ?? requests) * share);
  const rate = ({ requests, per }: PublishedLimit): number => (requests * share) / per;
  const buckets: Bucket[] = options.limits.map((limit) => ({ limit, tokens: capacity(limit) }));
  const refill = (): void => {
    const now = clock.monotonic();
    for (const bucket of buckets) {
      bucket.tokens = Math.min(capacity(bucket.limit), bucket.tokens + (now - updated) * rate(bucket.limit));
    }
    updated = now;
  };
  return {
    take: (cost, longest) => {
      refill();
      const delays = buckets.map(({ limit, tokens }) => (tokens >= cost ? 0 : (cost - tokens) / rate(limit)));
      const delay = Math.ceil(Math.max(0, ...delays));
      if (delay > longest) return { granted: false, delay };
      // Tokens may go below zero: the requests that wait have already taken theirs, in order.
      for (const bucket of buckets) bucket.tokens -= cost;
      return { granted: true, delay };
    },
    get atRest() {
      refill();
      return buckets.every(({ limit, tokens }) => tokens >= capacity(limit));
    },
    setShare: (next) => {
      refill();
      share = next;
      refill();
    },
  };
}
