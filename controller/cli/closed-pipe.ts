/** A stream of a program that others read through a pipe. */
interface Output {
  on(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * Lets a reader go away (`flaresmith crds | head`): what is still written to it is lost, and the command ends as it would
 * have ended. Without this the process dies of EPIPE and shows a stack trace.
 * @throws every other error of the stream, as if nobody listened
 */
export function allowClosedPipe(output: Output): void {
  output.on("error", (error) => {
    if (!("code" in error && error.code === "EPIPE")) throw error;
  });
}
