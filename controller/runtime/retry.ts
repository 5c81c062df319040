/** Short retries inside a reconcile. Beyond them the work queue's back-off takes over, so that no worker is held. */
import type { Clock, Random } from "./clock.ts";

export interface RetryOptions {
  clock: Clock;
  random: Random;
  /** Attempts in all, the first included. Default 5 */
  attempts?: number | undefined;
  /** Cap of the first wait in milliseconds; doubles. Default 100 */
  baseDelay?: number | undefined;
  /** Largest cap of a wait in milliseconds. Default 1600 */
  maxDelay?: number | undefined;
}

/**
 * The wait before an attempt, with full jitter: uniform in [0, cap).
 *
 * @param attempt the attempt that failed, from 1
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function retryDelay(
  attempt: number,
  options: Pick<RetryOptions, "random" | "baseDelay" | "maxDelay">,
): number {
  const cap = Math.min(options.maxDelay ?? 1600, (options.baseDelay ?? 100) * 2 ** (attempt - 1));
  return Math.floor(options.random.next() * cap);
}

/**
 * Runs until an attempt succeeds, fails in a way that must not be repeated, or attempts are used up.
 *
 * @param run gets the number of the attempt, from 1
 * @param isRetryable whether the error proves that repeating is safe and sensible
 * @throws the last error; the signal's reason when aborted while waiting
 */
export async function withRetries<Result>(
  options: RetryOptions & { isRetryable: (error: unknown) => boolean },
  run: (attempt: number) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const attempts = options.attempts ?? 5;
  for (let attempt = 1; ; attempt++) {
    try {
      return await run(attempt);
    } catch (error) {
      if (attempt >= attempts || signal?.aborted === true || !options.isRetryable(error)) throw error;
    }
    await options.clock.sleep(retryDelay(attempt, options), signal);
  }
}
