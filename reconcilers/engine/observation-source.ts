/**
 * Observation is shared: one listing serves every resource it covers, in every object that asks within its freshness.
 * A listing that failed serves nobody, and is asked for again by the next who needs it (law 1).
 */
import type { Clock } from "../../controller/runtime/clock.ts";

interface Cached {
  /** Monotonic milliseconds at which the read began: what it shows is at least as new. */
  startedAt: number;
  value: Promise<unknown>;
}

/** One for each provider identity; Connections of one identity share it. */
export interface ObservationSource {
  /** A value whose read began less than `maxAge` milliseconds ago, be it still under way; else a new one. */
  shared<Value>(key: string, maxAge: number, load: () => Promise<Value>): Promise<Value>;
}

export function createObservationSource(clock: Clock): ObservationSource {
  const cache = new Map<string, Cached>();
  return {
    shared: <Value>(key: string, maxAge: number, load: () => Promise<Value>): Promise<Value> => {
      const known = cache.get(key);
      if (known && clock.monotonic() - known.startedAt < maxAge) return known.value as Promise<Value>;
      const entry: Cached = { startedAt: clock.monotonic(), value: Promise.resolve() };
      const value = load().catch((error: unknown) => {
        if (cache.get(key) === entry) cache.delete(key);
        throw error;
      });
      entry.value = value;
      cache.set(key, entry);
      return value;
    },
  };
}
