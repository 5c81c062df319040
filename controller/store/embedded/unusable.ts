/** Why a store cannot be opened, in words: which file, what is wrong with it, what to do. */
import { basename } from "node:path";

/** The store cannot be opened. Its files are as they were found. */
export class StoreUnusableError extends Error {
  /** What to do about it. */
  readonly hint: string;

  constructor(options: { message: string; hint: string; cause?: unknown }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "StoreUnusableError";
    this.hint = options.hint;
  }
}

const ANEW =
  "or start anew with the same --installation: objects come back from their Sources, and what exists at the providers is recognised by its markers; what was only made with kubectl, Secrets above all, is in a backup alone";

/** The file, or what belongs to it, is not what this program wrote. */
export function damaged(path: string, what: string, cause?: unknown): StoreUnusableError {
  const name = basename(path);
  return new StoreUnusableError({
    message: `The store ${path} is damaged: ${what}.`,
    hint: `Nothing was changed. Move ${name} and ${name}-wal away and keep them; then bring back a backup with flaresmith restore, ${ANEW}.`,
    cause,
  });
}

/** The last writes are missing. */
export function withoutLog(path: string): StoreUnusableError {
  const name = basename(path);
  return new StoreUnusableError({
    message: `The store ${path} was not closed in order, and its file ${name}-wal, which holds the last writes, is gone.`,
    hint: `Put ${name}-wal back. Where it is lost: move ${name} away, then bring back a backup, or that very file as it is, with flaresmith restore, ${ANEW}.`,
  });
}

function inUse(path: string, cause?: unknown): StoreUnusableError {
  return new StoreUnusableError({
    message: `The store ${path} is in use by another process.`,
    hint: "Stop that one first, or use another --data-dir.",
    cause,
  });
}

export function foreign(path: string, what: string): StoreUnusableError {
  return new StoreUnusableError({
    message: `${path} is ${what}.`,
    hint: "Nothing was changed. Use another --data-dir, or move it away.",
  });
}

export function tooNew(path: string, format: number, known: number): StoreUnusableError {
  return new StoreUnusableError({
    message: `The store ${path} was written by a newer version of Flaresmith (format ${format}, this version knows ${known}).`,
    hint: "Nothing was changed. Start that version, or use another --data-dir.",
  });
}

/** A file that was just written is not what was written. */
export function unreadable(path: string, found: string, cause?: unknown): StoreUnusableError {
  return new StoreUnusableError({
    message: `The store ${path} cannot be made, because what was written was read back otherwise: ${found}`,
    hint: "The file was removed again. Look after the disk, and whether there is room on it, or name another place.",
    cause,
  });
}

/** Result codes of SQLite. @see https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** Puts what opening or reading threw into words. */
export function explain(path: string, error: unknown): StoreUnusableError {
  if (error instanceof StoreUnusableError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  const primary = typeof code === "number" ? code & 0xff : undefined;
  if (primary === BUSY || primary === LOCKED) return inUse(path, error);
  if (primary === CORRUPT || primary === NOT_A_DATABASE) return damaged(path, text, error);
  return new StoreUnusableError({
    message: `The store ${path} cannot be opened: ${text}.`,
    hint: "Nothing was changed. Look after owner, mode and room of the data directory, or use another --data-dir.",
    cause: error,
  });
}
