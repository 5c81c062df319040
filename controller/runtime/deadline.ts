import type { Clock } from "./clock.ts";

/** Why a deadline's signal was aborted. */
export class DeadlineExceeded extends Error {
  readonly milliseconds: number;

  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds} ms`);
    this.name = "DeadlineExceeded";
    this.milliseconds = milliseconds;
  }
}

/**
 * Runs something with a deadline of its own. The result is awaited no longer than the deadline or the caller's signal,
 * even when what runs does not listen to its signal.
 *
 * @throws DeadlineExceeded after `milliseconds`; the signal's reason when the caller aborts
 */
export async function withDeadline<Result>(
  options: { clock: Clock; milliseconds: number },
  run: (signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  signal?.throwIfAborted();
  const { clock, milliseconds } = options;
  const controller = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    controller.abort(reason);
    reject(reason);
  };
  const abort = (): void => end(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const timer = clock.setTimer(milliseconds, () => end(new DeadlineExceeded(milliseconds)));
  const running = run(controller.signal);
  // The loser of the race may still fail later; nobody is left to hear it.
  running.catch(() => undefined);
  try {
    return await Promise.race([running, ended]);
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", abort);
  }
}
