import type { SandboxClock } from "./clock.ts";

/**
 * A clock that moves only when it is told to: tests and simulation.
 * @param start milliseconds since the epoch (default 2026-01-01T00:00:00Z)
 */
export function manualClock(start = 1_767_225_600_000): SandboxClock {
  let now = start;
  let sleepers: { due: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const sleeper = { due: now + milliseconds, wake: resolve };
        signal?.addEventListener("abort", () => {
          sleepers = sleepers.filter((candidate) => candidate !== sleeper);
          reject(signal.reason as Error);
        });
        if (milliseconds <= 0) resolve();
        else sleepers.push(sleeper);
      }),
    advance: (milliseconds) => {
      now += milliseconds;
      const due = sleepers
        .filter((sleeper) => sleeper.due <= now)
        .toSorted((left, right) => left.due - right.due);
      sleepers = sleepers.filter((sleeper) => sleeper.due > now);
      for (const sleeper of due) sleeper.wake();
    },
  };
}
