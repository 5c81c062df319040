import { randomBytes, randomUUID } from "node:crypto";
import type { Clock, Random } from "../clock.ts";

/** The real clock of this machine. Timers do not keep the process alive by themselves. */
export function systemClock(): Clock {
  const setTimer: Clock["setTimer"] = (milliseconds, callback) => {
    const timer = setTimeout(callback, Math.min(milliseconds, 2 ** 31 - 1));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  };
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimer,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
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
  };
}

/** Cryptographically strong randomness. */
export function systemRandom(): Random {
  return {
    next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
    hex: (bytes) => randomBytes(bytes).toString("hex"),
    uuid: () => randomUUID(),
  };
}
