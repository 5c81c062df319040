/** Runs tasks of one key one after another, in order of arrival; tasks of different keys do not wait for each other. */
export interface KeyedSerializer {
  /** @throws what the task throws; the signal's reason when aborted before the task began */
  run<Result>(key: string, task: () => Promise<Result>, signal?: AbortSignal): Promise<Result>;
  /** Keys with a task that runs or waits. */
  readonly size: number;
}

/** Creates an idle {@link KeyedSerializer}. */
export function createKeyedSerializer(): KeyedSerializer {
  const tails = new Map<string, Promise<void>>();
  return {
    run: async (key, task, signal) => {
      signal?.throwIfAborted();
      const before = tails.get(key);
      const { promise: done, resolve } = Promise.withResolvers<void>();
      // Whoever comes next waits for those before us too, also when we give up waiting.
      const tail = before === undefined ? done : before.then(() => done);
      tails.set(key, tail);
      try {
        if (before !== undefined) await orAborted(before, signal);
        return await task();
      } finally {
        resolve();
        if (tails.get(key) === tail) tails.delete(key);
      }
    },
    get size() {
      return tails.size;
    },
  };
}

async function orAborted(waited: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return waited;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([waited, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
