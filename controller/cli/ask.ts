/** Questions to the person at the terminal. */
import { createInterface } from "node:readline/promises";

/** Asks, and resolves with the line that was typed; an empty one when the input ended. */
export type Ask = (question: string) => Promise<string>;

interface Streams {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  stderr: NodeJS.WritableStream & { isTTY?: boolean };
}

/** Asks on standard error, which is no part of a result; undefined where no person reads or answers. */
export function createAsk({ stderr, stdin }: Streams): Ask | undefined {
  if (stdin.isTTY !== true || stderr.isTTY !== true) return undefined;
  return async (question) => {
    const lines = createInterface({ input: stdin, output: stderr });
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    try {
      // Ctrl-C is an answer as well: no.
      return await Promise.race([lines.question(question).catch(() => ""), closed]);
    } finally {
      lines.close();
    }
  };
}
