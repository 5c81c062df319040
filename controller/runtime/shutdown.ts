/** An orderly end: what was started last stops first, all of it within one deadline, and always to the end of the list. */
import type { Clock } from "./clock.ts";
import { DeadlineExceeded, withDeadline } from "./deadline.ts";
import type { Tracker } from "./tracker.ts";

export interface Shutdown {
  /** Aborted as soon as the shutdown begins. */
  readonly signal: AbortSignal;
  /** Registers how to stop something that was just started; it is stopped at once when the shutdown has begun. */
  register(name: string, stop: (signal: AbortSignal) => Promise<void> | void): void;
  /**
   * Starts something that takes a while, and registers how to stop it. A shutdown that begins meanwhile waits for it, so
   * that what it stands on is stopped after it.
   *
   * @throws the reason of the shutdown when that has begun; what `begin` throws
   */
  start<Started>(
    name: string,
    begin: () => Promise<Started>,
    stop: (started: Started, signal: AbortSignal) => Promise<void> | void,
  ): Promise<Started>;
  /**
   * Stops everything, once; later calls get the same end.
   *
   * @returns whether everything stopped by itself and in time
   */
  run(reason: string): Promise<{ readonly clean: boolean }>;
}

interface Part {
  readonly name: string;
  readonly stop: (signal: AbortSignal) => Promise<void> | void;
}

/** @param options.grace milliseconds for everything together. Default 30,000 */
export function createShutdown(options: {
  clock: Clock;
  tracker: Tracker;
  grace?: number | undefined;
}): Shutdown {
  const { clock, tracker, grace = 30_000 } = options;
  const controller = new AbortController();
  const parts: Part[] = [];
  const late: Promise<boolean>[] = [];
  let began: number | undefined;
  let ending: Promise<{ readonly clean: boolean }> | undefined;
  const stopPart = async ({ name, stop }: Part, since: number): Promise<boolean> => {
    const milliseconds = Math.max(0, grace - (clock.monotonic() - since));
    try {
      await withDeadline({ clock, milliseconds }, async (signal) => stop(signal));
      return true;
    } catch (error) {
      const tooLate = error instanceof DeadlineExceeded;
      tracker.log.warn(tooLate ? "did not stop in time" : "failed while stopping", { part: name, error });
      return false;
    }
  };
  const stopAll = async (reason: string): Promise<{ readonly clean: boolean }> => {
    const since = (began = clock.monotonic());
    tracker.log.info("shutting down", { reason });
    controller.abort(new Error(reason));
    let clean = true;
    for (const part of parts.toReversed()) clean = (await stopPart(part, since)) && clean;
    for (const stopped of late) clean = (await stopped) && clean;
    return { clean };
  };
  const register: Shutdown["register"] = (name, stop) => {
    const part = { name, stop };
    if (began === undefined) parts.push(part);
    else late.push(stopPart(part, began));
  };
  return {
    signal: controller.signal,
    register,
    start: async (name, begin, stop) => {
      controller.signal.throwIfAborted();
      const starting = begin();
      register(name, async (signal) => {
        const [outcome] = await Promise.allSettled([starting]);
        if (outcome.status === "fulfilled") await stop(outcome.value, signal);
      });
      const started = await starting;
      controller.signal.throwIfAborted();
      return started;
    },
    run: (reason) => (ending ??= stopAll(reason)),
  };
}
