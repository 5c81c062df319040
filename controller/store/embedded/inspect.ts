/**
 * Reads and checks the file of a store without changing it: whatever is wrong, the files stay as they are, because they
 * are all that is left. A connection that may write would replay the -wal into the file, and remove it, before anybody
 * knew that the two belong together.
 */
import { accessSync, constants, existsSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { StoredObject } from "./collection.ts";
import { openConnection } from "./connection.ts";
import { APPLICATION_ID, FORMAT, digestOf, meta } from "./format.ts";
import type { Row } from "./format.ts";
import { indexObject, isStoredObject, parseObject } from "./state.ts";
import { damaged, explain, foreign, tooNew, withoutLog } from "./unusable.ts";
import type { StoreUnusableError } from "./unusable.ts";

/** What a sound file holds. */
export interface FoundStore {
  /** Oldest write first. */
  objects: readonly StoredObject[];
  revision: number;
  digest: number;
  /** It is a copy that was never opened. */
  isCopy: boolean;
}

/**
 * Whether there is a store at a path.
 * @throws StoreUnusableError for what cannot be one
 */
export function isPresent(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    if (existsSync(`${path}-wal`)) throw damaged(path, "it is gone, and its -wal file is there");
    return false;
  }
  if (!found.isFile()) throw foreign(path, found.isDirectory() ? "a directory" : "no regular file");
  // A store is never empty: it is made under another name and gets its own when it is complete.
  if (found.size === 0) throw damaged(path, "it is empty");
  return true;
}

/**
 * Reads a store that is there.
 * @param options.last the writes that only the -wal holds may be missing
 * @throws StoreUnusableError in use, damaged, not ours, of a newer format, not readable
 */
export function inspect(path: string, options: { last?: "required" | "optional" } = {}): FoundStore {
  const hadLog = existsSync(`${path}-wal`);
  const hadIndex = existsSync(`${path}-shm`);
  let db: DatabaseSync | undefined;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    db = openConnection(path, { readOnly: true });
    const found = read(db, path);
    if (found.session && !hadLog && options.last !== "optional") throw withoutLog(path);
    return found;
  } catch (error) {
    throw explain(path, error);
  } finally {
    db?.close();
    // SQLite makes both when it reads; an empty log would look like one that is there.
    if (!hadIndex) rmSync(`${path}-shm`, { force: true });
    if (!hadLog) rmSync(`${path}-wal`, { force: true });
  }
}

function read(db: DatabaseSync, path: string): FoundStore & { session: boolean } {
  const number = (sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0);
  if (number("PRAGMA application_id") !== APPLICATION_ID)
    throw foreign(path, "a SQLite database of another program");
  const format = number("PRAGMA user_version");
  if (format > FORMAT) throw tooNew(path, format, FORMAT);
  const check = db.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
  if (check !== "ok") throw damaged(path, oneLine(String(check)));
  const facts = new Map(
    db
      .prepare("SELECT key, value FROM meta")
      .all()
      .map((row) => [String(row["key"]), String(row["value"])] as const),
  );
  const revision = Number(facts.get(meta.revision) ?? 0);
  const objects: StoredObject[] = [];
  let digest = 0;
  for (const row of rowsOf(db)) {
    if (row.revision > revision) throw mixed(path, `${row.typeKey} "${row.name}" is newer than the whole`);
    digest += digestOf(row);
    objects.push(objectOf(row, path));
  }
  // Files of format 1 have none.
  const known = facts.get(meta.digest);
  if (known !== undefined && Number(known) !== digest) throw mixed(path, "its digest is another");
  // Here and not by SQLite, which would sort copies of the rows.
  objects.sort((left, right) => left.revision - right.revision);
  return { objects, revision, digest, isCopy: facts.has(meta.copy), session: facts.has(meta.session) };
}

/** SQLite's finding without its heading. */
function oneLine(text: string): string {
  return text
    .replace(/^\*\*\* in database main \*\*\*/, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

function mixed(path: string, how: string): StoreUnusableError {
  return damaged(path, `its parts are of different moments (${how}); its -wal file may be of another copy`);
}

/** Every row, in any order. */
function* rowsOf(db: DatabaseSync): Generator<Row> {
  const statement = db.prepare("SELECT type, namespace, name, revision, written, text FROM objects");
  for (const row of statement.iterate()) {
    yield {
      typeKey: String(row["type"]),
      namespace: String(row["namespace"]),
      name: String(row["name"]),
      revision: Number(row["revision"]),
      writtenAt: Number(row["written"]),
      text: String(row["text"]),
    };
  }
}

function objectOf({ typeKey, name, revision, writtenAt, text }: Row, path: string): StoredObject {
  let object: unknown;
  try {
    object = parseObject(text);
  } catch (error) {
    throw damaged(path, `${typeKey} "${name}" is no JSON`, error);
  }
  if (!isStoredObject(object)) throw damaged(path, `${typeKey} "${name}" is no object`);
  return indexObject(object, { typeKey, revision, text, ephemeral: false, writtenAt });
}
