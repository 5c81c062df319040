/** A new file of the store, which is either complete under its name or not there at all, whenever the process dies. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { openConnection } from "./connection.ts";
import { APPLICATION_ID, FORMAT, digestOf, meta } from "./format.ts";
import type { Row } from "./format.ts";
import { inspect } from "./inspect.ts";
import { StoreUnusableError, explain, unreadable } from "./unusable.ts";

export interface FileContent {
  rows: readonly Row[];
  /** The revision to count on from. */
  revision: number;
}

/**
 * Makes the file with mode 0600, because Secrets lie in it. It was read back and found whole when it gets its name, which
 * nothing else may have.
 * @param content what it holds from the start
 * @param options.isCopy the content is that of another file, to which more may have been written since
 * @param options.isOwn it is the store of a data directory, which nobody else makes meanwhile: what a process that died left
 *   half made is removed first. Elsewhere that may be another's, who is not done yet. Default: what is no copy
 * @throws StoreUnusableError when it cannot be written, or something has its name
 */
export function createFile(
  path: string,
  content: FileContent,
  { isCopy, isOwn = !isCopy }: { isCopy: boolean; isOwn?: boolean },
): void {
  let unfinished: string | undefined;
  try {
    if (isOwn) removeAbandoned(path);
    unfinished = createUnfinished(path);
    fillFile(unfinished, content, { isCopy });
    readBack(path, unfinished);
    giveName(unfinished, path, isOwn);
    syncDirectory(dirname(path));
  } catch (error) {
    if (unfinished !== undefined) removeWithCompanions(unfinished);
    throw explain(path, error);
  }
}

const UNFINISHED = ".unfinished-";
/** What SQLite puts beside a file. */
const COMPANIONS = ["-wal", "-shm", "-journal"] as const;

function removeWithCompanions(path: string): void {
  for (const suffix of ["", ...COMPANIONS]) rmSync(`${path}${suffix}`, { force: true });
}

/** An empty file with a name that nothing has: whoever makes the same at the same time gets another. */
function createUnfinished(path: string): string {
  for (let number = 1; ; number += 1) {
    const unfinished = `${path}${UNFINISHED}${number}`;
    if (COMPANIONS.some((suffix) => existsSync(`${unfinished}${suffix}`))) continue;
    try {
      // Made here, not by SQLite, so that it never exists with wider permissions.
      closeSync(openSync(unfinished, "wx", 0o600));
      return unfinished;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

function removeAbandoned(path: string): void {
  const prefix = `${basename(path)}${UNFINISHED}`;
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(prefix) && /^\d+(-wal|-shm|-journal)?$/.test(name.slice(prefix.length)))
      rmSync(join(dirname(path), name), { force: true });
  }
}

function giveName(unfinished: string, path: string, isOwn: boolean): void {
  if (existsSync(path)) throw taken(path);
  // In one step, so that a process that dies leaves nothing beside the store; nobody else takes the name meanwhile.
  if (isOwn) {
    renameSync(unfinished, path);
    return;
  }
  try {
    // A rename would take the name from whoever got it meanwhile.
    linkSync(unfinished, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw taken(path, error);
    if (!LINKLESS.has(code)) throw error;
    renameSync(unfinished, path);
    return;
  }
  rmSync(unfinished);
}

/** What file systems without links say: exFAT of a USB stick, some network shares. */
const LINKLESS: ReadonlySet<string | undefined> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

function taken(path: string, cause?: unknown): StoreUnusableError {
  return new StoreUnusableError({
    message: `${path} exists.`,
    hint: "Nothing was changed: nothing is overwritten. Choose another name, or move it away.",
    cause,
  });
}

/**
 * Fills it with a rollback journal, so that every page is in the file when COMMIT returns. With a log it would be brought
 * there by `close()`, which does not tell when that failed, and the disk would have to hold everything twice.
 */
function fillFile(path: string, { rows, revision }: FileContent, { isCopy }: { isCopy: boolean }): void {
  const db = openConnection(path);
  try {
    db.exec("PRAGMA synchronous=FULL");
    db.exec(`BEGIN IMMEDIATE;
      PRAGMA application_id=${APPLICATION_ID};
      PRAGMA user_version=${FORMAT};
      CREATE TABLE objects(
        type TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
        revision INTEGER NOT NULL, written INTEGER NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY(type, namespace, name));
      CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);`);
    const put = db.prepare(
      "INSERT INTO objects(type, namespace, name, revision, written, text) VALUES(?,?,?,?,?,?)",
    );
    const set = db.prepare("INSERT INTO meta(key, value) VALUES(?,?)");
    let digest = 0;
    for (const row of rows) {
      put.run(row.typeKey, row.namespace, row.name, row.revision, row.writtenAt, row.text);
      digest += digestOf(row);
    }
    set.run(meta.digest, String(digest));
    set.run(meta.revision, String(revision));
    if (isCopy) set.run(meta.copy, "1");
    db.exec("COMMIT");
    // Here and not at the next start: a process that dies while it is switched would leave a journal beside the store.
    db.exec("PRAGMA journal_mode=WAL");
  } finally {
    db.close();
  }
}

/** @throws StoreUnusableError when the disk did not keep what it was given */
function readBack(path: string, unfinished: string): void {
  try {
    inspect(unfinished);
  } catch (error) {
    if (!(error instanceof StoreUnusableError)) throw error;
    throw unreadable(path, error.message.replaceAll(unfinished, path), error);
  }
}

/** A name in a directory is durable only when the directory is. Not every system can do it; none needs it less. */
function syncDirectory(directory: string): void {
  let handle: number | undefined;
  try {
    handle = openSync(directory, "r");
    fsyncSync(handle);
  } catch {
    // Windows cannot.
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
