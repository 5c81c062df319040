/** What went wrong, as one line and what to do about it; never a stack. */
import { FlaresmithError, errorText, publicCode } from "../runtime/errors.ts";
import { ApiError } from "../store/resource-client.ts";
import { DataDirectoryLockedError, StoreUnusableError } from "../store/embedded/index.ts";
import type { Terminal } from "./terminal.ts";

/** The exit codes of every command; `diff` and `leaks` use 1 for what they found and 2 for every failure. */
export const exitCodes = Object.freeze({ ok: 0, failed: 1, usage: 2 });

/** A command cannot go on, and the person who typed it can do something about it. */
export class CommandError extends Error {
  readonly hint: string | undefined;
  readonly exitCode: number;

  /** @param options.exitCode default 1 */
  constructor(
    message: string,
    options: { hint?: string | undefined; exitCode?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CommandError";
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** An error as people and programs read it. */
interface Failure {
  code: string;
  message: string;
  hint?: string;
}

/** What to do about an error of the file system. */
const systemHints: Readonly<Record<string, string>> = Object.freeze({
  ENOSPC: "The disk is full: make room on it, then do the same again.",
  EDQUOT: "The quota of this user is used up: make room, then do the same again.",
  EFBIG: "A limit on the size of files is reached (ulimit -f): raise it, then do the same again.",
  EIO: "The disk or the terminal is gone or broken: do the same again where it can be written.",
  EROFS: "The file system is mounted read-only: choose another directory, or mount it read-write.",
  ENOENT: "Nothing is there: make the directory that is missing, or choose another path.",
  EEXIST: "Something else has that name: choose another path, or move it away.",
  ENOTDIR: "A file is where a directory is needed: choose another path, or move it away.",
  EACCES: "This user may not do that: correct owner and mode, or choose another path.",
  EPERM: "This user may not do that: correct owner and mode, or choose another path.",
});

/** Puts anything thrown into words; what is not ours is classified first. */
function failureOf(thrown: unknown): Failure {
  if (thrown instanceof CommandError) {
    return {
      code: "COMMAND_FAILED",
      message: thrown.message,
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
    };
  }
  if (thrown instanceof DataDirectoryLockedError)
    return { code: "DATA_DIRECTORY_LOCKED", message: thrown.message };
  if (thrown instanceof StoreUnusableError)
    return { code: "STORE_UNUSABLE", message: thrown.message, hint: thrown.hint };
  if (thrown instanceof ApiError) {
    const causes = thrown.causes.filter(({ message }) => !thrown.message.includes(message));
    const details = causes.map(({ field, message }) =>
      field === undefined ? message : `${field}: ${message}`,
    );
    return { code: thrown.reason, message: [thrown.message, ...details].join("; ") };
  }
  if (thrown instanceof FlaresmithError)
    return { code: publicCode(thrown), message: thrown.message, hint: thrown.hint };
  const system = thrown as NodeJS.ErrnoException | undefined;
  if (thrown instanceof Error && typeof system?.code === "string" && system.syscall !== undefined) {
    const hint = systemHints[system.code];
    return { code: system.code, message: errorText(thrown), ...(hint === undefined ? {} : { hint }) };
  }
  return {
    code: "INTERNAL_ERROR",
    message: errorText(thrown),
    hint: "This is a defect of flaresmith: please report it with what you typed.",
  };
}

/**
 * Writes a failure to standard error: text as `error: … / hint: …`, with `-o json` one JSON object.
 * @returns the exit code
 */
export function reportFailure(thrown: unknown, terminal: Terminal, output: "text" | "json"): number {
  const failure = failureOf(thrown);
  if (output === "json") terminal.error(JSON.stringify({ error: failure }));
  else {
    terminal.error(`error: ${failure.message}`);
    if (failure.hint !== undefined && !failure.message.includes(failure.hint))
      terminal.error(`hint: ${failure.hint}`);
  }
  return thrown instanceof CommandError ? thrown.exitCode : exitCodes.failed;
}
