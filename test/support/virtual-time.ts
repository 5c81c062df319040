/** One virtual time for controller and sandbox: it stands still while anything can run, then jumps to what is due next. */
import type { Clock } from "../../controller/runtime/clock.ts";
import type { SandboxClock } from "../../sandbox/core/clock.ts";

export interface VirtualTime {
  controller: Clock;
  sandbox: SandboxClock;
  /** Lets everything run that needs no time. */
  drain(): Promise<void>;
  /** Jumps to the next timer, at most `most` milliseconds ahead. @returns false when nothing is due by then */
  step(most: number): boolean;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Makes the controller's wall clock jump by so much, as NTP or a resumed machine does; nothing else notices. */
  jumpWall(milliseconds: number): void;
}

interface Due {
  at: number;
  order: number;
  run: () => void;
}

/** @param start milliseconds since the epoch. Default 2026-01-01T00:00:00Z */
export function virtualTime(start = 1_767_225_600_000): VirtualTime {
  let now = start;
  let skew = 0;
  let order = 0;
  let due: Due[] = [];
  const set = (milliseconds: number, run: () => void): { cancel(): void } => {
    const entry = { at: now + Math.max(0, milliseconds), order: (order += 1), run };
    due.push(entry);
    return { cancel: () => void (due = due.filter((other) => other !== entry)) };
  };
  const sleep = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const abort = (): void => {
        timer.cancel();
        reject(signal?.reason as Error);
      };
      const timer = set(milliseconds, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      signal?.addEventListener("abort", abort, { once: true });
    });
  const moveTo = (moment: number): void => {
    now = moment;
    const ready = due.filter((entry) => entry.at <= now).toSorted((a, b) => a.at - b.at || a.order - b.order);
    due = due.filter((entry) => entry.at > now);
    for (const entry of ready) entry.run();
  };
  return {
    now: () => now,
    jumpWall: (milliseconds) => {
      skew += milliseconds;
    },
    controller: { now: () => now + skew, monotonic: () => now - start, setTimer: set, sleep },
    sandbox: { now: () => now, sleep, advance: (milliseconds) => moveTo(now + milliseconds) },
    // One turn is enough: nothing that a controller or a sandbox awaits needs more than microtasks, which end before it.
    drain: () => new Promise((resolve) => setImmediate(resolve)),
    step: (most) => {
      const next = Math.min(...due.map((entry) => entry.at));
      if (!Number.isFinite(next) || next > now + most) return false;
      moveTo(Math.max(now, next));
      return true;
    },
  };
}
