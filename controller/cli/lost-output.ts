/** Output that cannot be written: a reader that goes away, a terminal that is closed, a disk that is full. */

/** A stream of the process that others read. */
interface Output {
  on(event: "error", listener: (error: Error) => void): unknown;
  write(text: string, taken: () => void): unknown;
}

/** The reader went away (`flaresmith crds | head`): it has all that it wanted. */
const CLOSED_PIPE = "EPIPE";
/** The terminal was closed under a process that goes on without it; no room on the disk that standard output leads to. */
const losses: ReadonlySet<unknown> = new Set(["EIO", "ENOSPC", "EDQUOT", "EFBIG"]);

/**
 * Lets output get lost: the command goes on and ends as it would have ended. Without this the process dies and shows a
 * stack trace.
 * @returns waits until everything was written or lost, and tells the first loss that its reader did not want
 * @throws every other error of the stream, as if nobody listened
 */
export function endureLosses(output: Output): () => Promise<Error | undefined> {
  let lost: Error | undefined;
  output.on("error", (error) => {
    const code = "code" in error ? error.code : undefined;
    if (code === CLOSED_PIPE) return;
    if (!losses.has(code)) throw error;
    lost ??= error;
  });
  return async () => {
    await new Promise<void>((resolve) => {
      output.write("", () => resolve());
    });
    return lost;
  };
}
