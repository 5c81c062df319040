/** Where the controller's own log goes: a file beside the store, so that the terminal stays for people. */
import { appendFileSync, existsSync, renameSync, statSync } from "node:fs";
import type { LogDestination } from "../../runtime/log.ts";

/** At start a larger file is moved aside, so that one old and one new file are all there ever is. */
const LARGEST = 16 * 1024 * 1024;

/**
 * JSON lines to a file (mode 0600), or to standard error for `-`.
 * @throws Error of the file system when the file cannot be written
 */
export function logDestination(path: string, standardError: (line: string) => void): LogDestination {
  if (path === "-") return { write: (line) => standardError(line.replace(/\n$/, "")) };
  if (existsSync(path) && statSync(path).size > LARGEST) renameSync(path, `${path}.1`);
  return { write: (line) => appendFileSync(path, line, { mode: 0o600 }) };
}
