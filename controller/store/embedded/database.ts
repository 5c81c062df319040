/** The file behind the store, open for writing: one table of serialised objects and the revision, in SQLite. */
import { chmodSync, closeSync, openSync, rmSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { openConnection } from "./connection.ts";
import { FORMAT, digestOf, meta } from "./format.ts";
import type { RowChange } from "./format.ts";
import type { FoundStore } from "./inspect.ts";
import { explain } from "./unusable.ts";

/**
 * How far the revision of a copy is moved on when it is opened, so that nothing that the original gave out after the
 * copy was made is given out again. etcd advises the same number for the same reason.
 *
 * @see https://etcd.io/docs/v3.6/op-guide/recovery/#restoring-with-revision-bump
 */
const COPY_REVISIONS = 1_000_000_000;

export interface DatabaseOptions {
  path: string;
  /** What {@link inspect} found in it. */
  found: Omit<FoundStore, "objects">;
  /** Given the connection, e.g. to limit its size. */
  onOpen?: ((connection: DatabaseSync) => void) | undefined;
}

/** One open database. Nothing else may write to the file: it is held with an exclusive lock until {@link close}. */
export class Database {
  readonly path: string;
  /** The revision to count on from. */
  readonly revision: number;
  readonly #db: DatabaseSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #setMeta: StatementSync;
  readonly #unsetMeta: StatementSync;
  #digest: number;

  /** @throws StoreUnusableError when it is in use or cannot be written */
  constructor({ path, found, onOpen }: DatabaseOptions) {
    this.path = path;
    this.revision = found.revision + (found.isCopy ? COPY_REVISIONS : 0);
    this.#digest = found.digest;
    let db: DatabaseSync | undefined;
    try {
      chmodSync(path, 0o600);
      db = openConnection(path);
      this.#db = db;
      db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
      this.#put = db.prepare(
        "INSERT INTO objects(type, namespace, name, revision, written, text) VALUES(?,?,?,?,?,?) " +
          "ON CONFLICT(type, namespace, name) DO UPDATE SET revision=excluded.revision, written=excluded.written, text=excluded.text",
      );
      this.#remove = db.prepare("DELETE FROM objects WHERE type=? AND namespace=? AND name=?");
      this.#setMeta = db.prepare(
        "INSERT INTO meta(key, value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
      );
      this.#unsetMeta = db.prepare("DELETE FROM meta WHERE key=?");
      this.#begin();
      onOpen?.(db);
    } catch (error) {
      db?.close();
      throw explain(path, error);
    }
  }

  /** Brings an older format up to date, and notes in the file itself that from now on its log belongs to it. */
  #begin(): void {
    this.#transaction(() => {
      this.#db.exec(`PRAGMA user_version=${FORMAT}`);
      this.#setMeta.run(meta.digest, String(this.#digest));
      this.#setMeta.run(meta.revision, String(this.revision));
      this.#setMeta.run(meta.session, "1");
      this.#unsetMeta.run(meta.copy);
    });
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    // Left by those who only read; this connection keeps its index in memory.
    rmSync(`${this.path}-shm`, { force: true });
  }

  /** Writes everything in one transaction; when it returns, all of it survives a crash. @throws when nothing was written */
  commit(changes: readonly RowChange[], revision: number): void {
    let digest = this.#digest;
    this.#transaction(() => {
      for (const { previous, next } of changes) {
        if (previous !== undefined) digest -= digestOf(previous);
        if (next !== undefined) {
          digest += digestOf(next);
          const { typeKey, namespace, name, writtenAt, text } = next;
          this.#put.run(typeKey, namespace, name, next.revision, writtenAt, text);
        } else if (previous !== undefined) {
          this.#remove.run(previous.typeKey, previous.namespace, previous.name);
        }
      }
      this.#setMeta.run(meta.digest, String(digest));
      this.#setMeta.run(meta.revision, String(revision));
    });
    this.#digest = digest;
  }

  /** Finds out whether that many bytes could be written, by writing them. @throws when they could not */
  probe(bytes: number): void {
    this.#transaction(() => this.#setMeta.run(meta.probe, "x".repeat(bytes)));
    this.#transaction(() => this.#unsetMeta.run(meta.probe));
  }

  /** Brings everything into the one file. One that cannot be written any more is left with its log beside it. */
  close(): void {
    if (!this.#db.isOpen) return;
    try {
      this.#transaction(() => this.#unsetMeta.run(meta.session));
    } catch {
      this.abandon();
      return;
    }
    this.#db.close();
  }

  /** Closes without a word to the file. */
  abandon(): void {
    this.#db.close();
    // SQLite may have emptied and removed the log all the same; without it the next start would miss it.
    touch(`${this.path}-wal`);
  }

  #transaction(run: () => void): void {
    this.#undo();
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      run();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#undo();
      throw error;
    }
  }

  /** SQLite undoes some transactions that fail by itself, and others not; one that cannot be undone now is left to the next. */
  #undo(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch {
      // The error that led here says more.
    }
  }
}

function touch(path: string): void {
  try {
    closeSync(openSync(path, "a", 0o600));
  } catch {
    // Then the next start says that it is missing, which is the truth.
  }
}
