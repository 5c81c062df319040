/** A new file of the store, which is either complete under its name or not there at all, whenever the process dies. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { APPLICATION_ID, FORMAT, digestOf, meta } from "./format.ts";
import type { Row } from "./format.ts";
import { explain } from "./unusable.ts";

export interface FileContent {
  rows: readonly Row[];
  revision: number;
}

/**
 * Makes the file with mode 0600, because Secrets lie in it.
 * @param copy what it holds from the start: then it is marked as a copy
 * @throws StoreUnusableError when it cannot be written
 */
export function createFile(path: string, copy?: FileContent): void {
  const unfinished = `${path}.new`;
  const removeAll = (): void => {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${unfinished}${suffix}`, { force: true });
  };
  try {
    removeAll();
    // Made here, not by SQLite, so that it never exists with wider permissions.
    closeSync(openSync(unfinished, "wx", 0o600));
    fillFile(unfinished, copy);
    renameSync(unfinished, path);
    syncDirectory(dirname(path));
  } catch (error) {
    removeAll();
    throw explain(path, error);
  }
}

function fillFile(path: string, copy: FileContent | undefined): void {
  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
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
    for (const row of copy?.rows ?? []) {
      put.run(row.typeKey, row.namespace, row.name, row.revision, row.writtenAt, row.text);
      digest += digestOf(row);
    }
    set.run(meta.digest, String(digest));
    set.run(meta.revision, String(copy?.revision ?? 0));
    if (copy !== undefined) set.run(meta.copy, "1");
    db.exec("COMMIT");
  } finally {
    // Brings everything into the file itself, on the disk, and removes the log.
    db.close();
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
