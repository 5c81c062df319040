/** Commands wait for a rate limit, where a controller's worker hands the object back to its queue. */
import type { Clock } from "../../../controller/runtime/clock.ts";
import type { FlaresmithError } from "../../../controller/runtime/errors.ts";
import { toFlaresmithError } from "../pass.ts";

/** Milliseconds that one limit is waited for: Cloudflare's blocks for five minutes. */
const LONGEST = 600_000;
/** Milliseconds that a command waits at least: a budget that refills call by call would be asked for each of them. */
const LEAST = 10_000;
/** Milliseconds after which a command waits for nothing more. */
const IN_ALL = 1_800_000;

export interface Patience {
  /**
   * Waits until the provider may be asked again.
   * @returns false when none of the errors is a rate limit, or none that is worth waiting for
   * @throws the signal's reason
   */
  waitFor(errors: readonly FlaresmithError[]): Promise<boolean>;
  /** Runs an action again after each rate limit that it ran into. @throws what the action throws */
  patiently<Result>(action: () => Promise<Result>): Promise<Result>;
}

/** The patience of one command. @param options.progress told how long a wait is, for people */
export function createPatience(options: {
  clock: Clock;
  progress: (text: string) => void;
  signal: AbortSignal;
}): Patience {
  const { clock, progress, signal } = options;
  const end = clock.monotonic() + IN_ALL;
  const waitFor: Patience["waitFor"] = async (errors) => {
    const limited = errors.filter(({ class: kind, until }) => kind === "rateLimited" && until !== undefined);
    const wait = Math.max(LEAST, ...limited.map(({ until = 0 }) => until - clock.now()));
    if (limited.length === 0 || wait > LONGEST || clock.monotonic() + wait > end) return false;
    progress(`waiting ${Math.ceil(wait / 1000)} s: ${limited[0]?.message ?? ""}`);
    await clock.sleep(wait, signal);
    return true;
  };
  return {
    waitFor,
    patiently: async (action) => {
      for (;;) {
        try {
          return await action();
        } catch (thrown) {
          signal.throwIfAborted();
          const error = toFlaresmithError(thrown);
          if (!(await waitFor([error]))) throw error;
        }
      }
    },
  };
}
