/** An orderly end: what was started last stops first, all of it within one deadline, and always to the end of the list. */
import type { Clock } from "./clock.ts";
import { DeadlineExceeded, withDeadline } from "./deadline.ts";
import type { Tracker } from "./tracker.ts";

export interface Shutdown {
  /** Aborted as soon as the shutdown begins. */
  readonly signal: AbortSignal;
  /** Registers how to stop something that was just started. */
  register(name: string, stop: (signal: AbortSignal) => Promise<void> | void): void;
  /**
   * Stops everything, once; later calls get the same end.
   *
   * @returns whether everything stopped by itself and in time
   */
  run(reason: string): Promise<{ readonly clean: boolean }>;
}

/** @param options.grace milliseconds for everything together. Default 30,000 */
export function createShutdown(options: {
  clock: Clock;
  tracker: Tracker;
  grace?: number | undefined;
}): Shutdown {
  const { clock, tracker, grace = 30_000 } = options;
  const controller = new AbortController();
  const parts: { name: string; stop: (signal: AbortSignal) => Promise<void> | void }[] = [];
  let ending: Promise<{ readonly clean: boolean }> | undefined;
  const stopAll = async (reason: string): Promise<{ readonly clean: boolean }> => {
    const began = clock.monotonic();
    tracker.log.info("shutting down", { reason });
    controller.abort(new Error(reason));
    let clean = true;
    for (const { name, stop } of parts.toReversed()) {
      const milliseconds = Math.max(0, grace - (clock.monotonic() - began));
      try {
        await withDeadline({ clock, milliseconds }, async (signal) => stop(signal));
      } catch (error) {
        clean = false;
        const late = error instanceof DeadlineExceeded;
        tracker.log.warn(late ? "did not stop in time" : "failed while stopping", { part: name, error });
      }
    }
    return { clean };
  };
  return {
    signal: controller.signal,
    register: (name, stop) => void parts.push({ name, stop }),
    run: (reason) => (ending ??= stopAll(reason)),
  };
}
