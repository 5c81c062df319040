import type { Clock, Random, Timer } from "../clock.ts";

/** A clock that only moves when told. Wall and monotonic time advance together; `setWall` lets the wall jump. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward by `milliseconds`: every timer that falls due fires in order, at its own time, and all promises
   * settle in between.
   */
  advance(milliseconds: number): Promise<void>;
  /** Lets all promises settle without moving time. */
  settle(): Promise<void>;
  /** Makes the wall clock jump (as NTP does); timers and monotonic time are not touched. */
  setWall(now: number): void;
  /** Timers that are set. */
  readonly pendingTimers: number;
}

interface PendingTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Lets everything that is queued in the process run: microtasks, and continuations they queue. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** @param start wall time in milliseconds since the epoch. Default 2026-01-01T00:00:00Z. */
export function virtualClock(start = Date.UTC(2026, 0, 1)): VirtualClock {
  const timers = new Set<PendingTimer>();
  let elapsed = 0;
  let wall = start;
  let order = 0;
  const next = (end: number): PendingTimer | undefined => {
    let first: PendingTimer | undefined;
    for (const timer of timers) {
      if (timer.at > end) continue;
      if (
        first === undefined ||
        timer.at < first.at ||
        (timer.at === first.at && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  };
  const moveTo = (at: number): void => {
    wall += Math.max(0, at - elapsed);
    elapsed = Math.max(elapsed, at);
  };
  const setTimer = (milliseconds: number, callback: () => void): Timer => {
    const timer = { at: elapsed + Math.max(0, milliseconds), order: order++, callback };
    timers.add(timer);
    return { cancel: () => void timers.delete(timer) };
  };
  return {
    now: () => wall,
    monotonic: () => elapsed,
    setTimer,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason as Error);
          return;
        }
        const abort = (): void => {
          timer.cancel();
          reject(signal?.reason as Error);
        };
        const timer = setTimer(milliseconds, () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        });
        signal?.addEventListener("abort", abort, { once: true });
      }),
    advance: async (milliseconds) => {
      const end = elapsed + milliseconds;
      await settle();
      for (let timer = next(end); timer !== undefined; timer = next(end)) {
        timers.delete(timer);
        moveTo(timer.at);
        timer.callback();
        await settle();
      }
      moveTo(end);
      await settle();
    },
    settle,
    setWall: (now) => {
      wall = now;
    },
    get pendingTimers() {
      return timers.size;
    },
  };
}

/**
 * Repeatable chance (mulberry32): equal seeds give equal sequences. Not for secrets.
 *
 * @param seed any 32-bit integer. Default 1.
 */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const hex = (bytes: number): string =>
    Array.from({ length: bytes }, () =>
      Math.floor(next() * 256)
        .toString(16)
        .padStart(2, "0"),
    ).join("");
  const uuid = (): string => {
    const text = hex(16);
    const variant = "89ab".charAt(Math.floor(next() * 4));
    return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-${variant}${text.slice(17, 20)}-${text.slice(20)}`;
  };
  return { next, hex, uuid };
}
