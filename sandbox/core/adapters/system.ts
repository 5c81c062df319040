import type { SandboxClock } from "../clock.ts";

/** The sandbox's clock for a running process: real time plus whatever `advance` added. */
export function systemClock(): SandboxClock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const timer = setTimeout(resolve, milliseconds);
        signal?.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        });
      }),
    advance: (milliseconds) => {
      offset += milliseconds;
    },
  };
}
