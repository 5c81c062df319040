const POLL_MILLISECONDS = 50;
/** As long as it takes a busy machine, a minute of grace for what may have been created (law 2 of 005) included. */
const DEADLINE_MILLISECONDS = 200_000;

/**
 * Waits until there is something.
 * @param otherwise what to say when there is nothing for 200 s
 * @returns what came
 */
export async function until<T>(
  look: () => Promise<T | undefined> | T | undefined,
  otherwise: () => unknown,
): Promise<T> {
  const began = performance.now();
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() - began > DEADLINE_MILLISECONDS)
      throw new Error(`waited in vain: ${JSON.stringify(await otherwise(), null, 1)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}
