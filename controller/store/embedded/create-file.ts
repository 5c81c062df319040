/** A new file of the store, which is either complete under its name or not there at all, whenever the process dies. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
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
 * Makes the file with mode 0600, because Secrets lie in it. It was read back and found whole when it gets its name.
 * @param content what it holds from the start
 * @param options.isCopy the content is that of another file, to which more may have been written since
 * @throws StoreUnusableError when it cannot be written
 */
export function createFile(path: string, content: FileContent, options: { isCopy: boolean }): void {
  const unfinished = `${path}.new`;
  const removeAll = (): void => {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${unfinished}${suffix}`, { force: true });
  };
  try {
    removeAll();
    // Made here, not by SQLite, so that it never exists with wider permissions.
    closeSync(openSync(unfinished, "wx", 0o600));
    fillFile(unfinished, content, options);
    readBack(path, unfinished);
    renameSync(unfinished, path);
    syncDirectory(dirname(path));
  } catch (error) {
    removeAll();
    throw explain(path, error);
  }
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
