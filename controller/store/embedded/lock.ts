/** One process per data directory. */
import { accessSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The directory is in use; the message names the holder and the remedy. */
export class DataDirectoryLockedError extends Error {
  /** Process id of the holder, when it could be read. */
  readonly pid: number | undefined;

  constructor(directory: string, pid: number | undefined, option: string) {
    const holder = pid === undefined ? "another process" : `process ${pid}`;
    super(
      `The directory ${directory} is in use by ${holder}: stop it first, or choose another with ${option}.`,
    );
    this.name = "DataDirectoryLockedError";
    this.pid = pid;
  }
}

/** A held lock. */
export interface DataDirectoryLock {
  release(): void;
}

/**
 * Locks a data directory, which is made (mode 0700) when it is missing. The lock is one of the operating system, on a
 * SQLite file, so it ends with the process however that ends: nothing stale is left to clean up after kill -9.
 * @param option of the command line that chooses the directory, for the message; default `--data-dir`
 * @throws DataDirectoryLockedError when another process, or this one, holds it; Error of the file system when nothing can
 * be made in it
 */
export function lockDataDirectory(directory: string, option = "--data-dir"): DataDirectoryLock {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  // SQLite would only say that it is unable to.
  accessSync(directory, constants.R_OK | constants.W_OK);
  const holderFile = join(directory, "lock.pid");
  const db = new DatabaseSync(join(directory, "lock.db"), { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (error instanceof Error && /locked|busy/i.test(error.message)) {
      throw new DataDirectoryLockedError(directory, readPid(holderFile), option);
    }
    throw error;
  }
  writeFileSync(holderFile, `${process.pid}\n`, { mode: 0o600 });
  return {
    release() {
      if (!db.isOpen) return;
      rmSync(holderFile, { force: true });
      db.close();
    },
  };
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    // The holder has the lock and has not written its id yet.
    return undefined;
  }
}
