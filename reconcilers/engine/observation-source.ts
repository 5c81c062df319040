/**
 * Observation is shared: one listing serves every resource it covers, in every object that asks within its freshness.
 * A listing that failed serves nobody, and is asked for again by the next who needs it (law 1).
 */
import type { Clock } from "../../controller/runtime/clock.ts";

interface Cached {
  /** Monotonic milliseconds at which the read began: what it shows is at least as new. */
  startedAt: number;
  /** Removals that had been sent by then. */
  removals: number;
  value: Promise<unknown>;
}

/** One for each provider identity; Connections of one identity share it. */
export interface ObservationSource {
  /** A value whose read began less than `maxAge` milliseconds ago, be it still under way; else a new one. */
  shared<Value>(key: string, maxAge: number, load: () => Promise<Value>): Promise<Value>;
  /**
   * Something is removed through this identity: what was read before shows it still, and serves nobody any more. Whoever
   * makes the same thing anew would take it for somebody else's, or for its own.
   */
  removed(): void;
}

/** Milliseconds after which an observation is dropped, whatever age its reader would take: projects and previews come and go. */
const LONGEST = 24 * 3_600_000;

export function createObservationSource(clock: Clock): ObservationSource {
  const cache = new Map<string, Cached>();
  let sweptAt = clock.monotonic();
  let removals = 0;
  const sweep = (): void => {
    const now = clock.monotonic();
    if (now - sweptAt < LONGEST / 24) return;
    sweptAt = now;
    for (const [key, { startedAt }] of cache) if (now - startedAt >= LONGEST) cache.delete(key);
  };
  return {
    shared: <Value>(key: string, maxAge: number, load: () => Promise<Value>): Promise<Value> => {
      const known = cache.get(key);
      const isYoung = known !== undefined && clock.monotonic() - known.startedAt < maxAge;
      if (isYoung && known.removals === removals) return known.value as Promise<Value>;
      sweep();
      const entry: Cached = { startedAt: clock.monotonic(), removals, value: Promise.resolve() };
      const value = load().catch((error: unknown) => {
        if (cache.get(key) === entry) cache.delete(key);
        throw error;
      });
      entry.value = value;
      cache.set(key, entry);
      return value;
    },
    removed: () => void removals++,
  };
}
