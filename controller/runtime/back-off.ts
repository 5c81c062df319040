/** Exponential back-off with full jitter, by key and by reason. Says how long to wait; waits for nobody. */
import type { Random } from "./clock.ts";

export interface BackOffOptions {
  random: Random;
  /** Cap of the first delay in milliseconds. Default 5 (client-go). */
  baseDelay?: number | undefined;
  /** Largest cap of a delay in milliseconds. Default 1,000,000 (client-go: 1000 s). */
  maxDelay?: number | undefined;
}

export interface BackOff {
  /**
   * Milliseconds to wait before the next attempt: uniform in (0, cap], cap doubling from baseDelay to maxDelay with each
   * call for this reason since the last `forget`. Reasons count apart: what waited for long and then meets an accident is
   * not held back as if it had met it all the time.
   */
  next(key: string, reason: string): number;
  /** How often the key was held back since it was last forgotten, for whatever reason. */
  failures(key: string): number;
  /** The next failure of the key starts from baseDelay again. */
  forget(key: string): void;
}

/** Creates a back-off that knows no key. */
export function createBackOff(options: BackOffOptions): BackOff {
  const { baseDelay = 5, maxDelay = 1_000_000, random } = options;
  const byKey = new Map<string, Map<string, number>>();
  return {
    next: (key, reason) => {
      const counts = byKey.get(key) ?? new Map<string, number>();
      const failures = counts.get(reason) ?? 0;
      byKey.set(key, counts.set(reason, failures + 1));
      return Math.min(maxDelay, baseDelay * 2 ** Math.min(failures, 60)) * (1 - random.next());
    },
    failures: (key) => [...(byKey.get(key)?.values() ?? [])].reduce((sum, count) => sum + count, 0),
    forget: (key) => void byKey.delete(key),
  };
}
