/** What a command is doing at the moment: one line that is redrawn where somebody watches, plain lines elsewhere. */
import type { Terminal } from "./terminal.ts";
import { clipped, printable } from "./terminal.ts";

export interface ActivityLine {
  show(text: string): void;
  /** Takes the line away, before anything else is written. */
  clear(): void;
}

/** @param terminal undefined: nothing is shown, e.g. beside JSON */
export function activityLine(
  terminal: Terminal | undefined,
  redact: (text: string) => string = (text) => text,
): ActivityLine {
  let drawn = false;
  const clear = (): void => {
    if (drawn) terminal?.raw("\r\u001b[K");
    drawn = false;
  };
  return {
    clear,
    show: (text) => {
      if (terminal === undefined) return;
      if (!terminal.interactive) {
        terminal.error(redact(text));
        return;
      }
      terminal.raw(`\r\u001b[K${clipped(printable(redact(text)), terminal.columns - 1)}`);
      drawn = true;
    },
  };
}
