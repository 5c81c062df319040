/** Where the controller's own log goes: a file beside the store, so that the terminal stays for people. */
import { appendFileSync, existsSync, renameSync, statSync } from "node:fs";
import { errorText } from "../../runtime/errors.ts";
import type { LogDestination } from "../../runtime/log.ts";

/** At start a larger file is moved aside, so that one old and one new file are all there ever is. */
const LARGEST = 16 * 1024 * 1024;

/**
 * JSON lines to a file (mode 0600), or to standard error for `-`. A line that cannot be written is lost and never breaks
 * what it tells of: standard error says so once, and the log says how many once it takes lines again.
 * @throws Error of the file system when the file cannot be written from the start
 */
export function logDestination(path: string, standardError: (line: string) => void): LogDestination {
  if (path === "-") return { write: (line) => standardError(line.replace(/\n$/, "")) };
  if (existsSync(path) && statSync(path).size > LARGEST) renameSync(path, `${path}.1`);
  const append = (line: string): void => appendFileSync(path, line, { mode: 0o600 });
  append("");
  let lost = 0;
  return {
    write: (line) => {
      try {
        if (lost > 0)
          append(`${JSON.stringify({ level: "warn", message: "lines before this one are lost", lost })}\n`);
        lost = 0;
        append(line);
      } catch (error) {
        lost += 1;
        if (lost > 1) return;
        standardError(
          `the log ${path} cannot be written (${errorText(error)}): its lines are lost until it can be`,
        );
      }
    },
  };
}
