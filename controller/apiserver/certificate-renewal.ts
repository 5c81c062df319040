/** A server may run for longer than its certificate is good: it looks every day whether it needs another one. */
import type { Clock } from "../runtime/clock.ts";

const DAY = 86_400_000;

export interface DailyRenewal {
  /** Looks no more; resolves when nothing is being written any more. */
  stop: () => Promise<void>;
}

/**
 * Calls `renew` once a day, one at a time.
 * @param onError gets what it failed with; the next day it is tried again
 */
export function renewDaily(
  clock: Clock,
  renew: () => Promise<void>,
  onError: (error: unknown) => void,
): DailyRenewal {
  let last = Promise.resolve();
  const look = (): void => {
    timer = clock.setTimer(DAY, look);
    last = last.then(renew).catch(onError);
  };
  let timer = clock.setTimer(DAY, look);
  return {
    stop: () => {
      timer.cancel();
      return last;
    },
  };
}
