/** Clock and chance for tests: time stands still unless moved, ids count up. */
import type { Clock, Random } from "../../controller/runtime/clock.ts";

/** A clock that stands still; its timers fire in the next turn of the event loop, whatever their delay. */
export function createTestClock(): Clock & { advance(milliseconds: number): void } {
  let now = Date.parse("2026-01-01T00:00:00Z");
  return {
    now: () => now,
    monotonic: () => now,
    setTimer(_, callback) {
      const immediate = setImmediate(callback);
      return { cancel: () => clearImmediate(immediate) };
    },
    sleep: () => Promise.resolve(),
    advance(milliseconds) {
      now += milliseconds;
    },
  };
}

/** Reproducible chance. */
export function createTestRandom(seed = 1): Random {
  let state = seed;
  let ids = 0;
  const next = (): number => {
    // Park and Miller's minimal standard generator.
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return {
    next,
    hex: (bytes) => Array.from({ length: bytes * 2 }, () => Math.floor(next() * 16).toString(16)).join(""),
    uuid: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, "0")}`,
  };
}
