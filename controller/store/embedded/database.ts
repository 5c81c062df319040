/** The file behind the store: one table of serialised objects and the revision, in SQLite. */
import { chmodSync, closeSync, existsSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";

/** Marks the file as ours (`PRAGMA application_id`): "FSMT" in ASCII. */
const APPLICATION_ID = 0x46534d54;
/** Format of the tables (`PRAGMA user_version`). */
const FORMAT = 1;

/** One stored object as the database keeps it. */
export interface Row {
  typeKey: string;
  namespace: string;
  name: string;
  revision: number;
  /** Wall time of the last write in milliseconds. */
  writtenAt: number;
  text: string;
}

/** A row to write, or the place of one to remove. */
export type RowChange = Row | { typeKey: string; namespace: string; name: string; removed: true };

/** The store cannot be opened; the message says which file, why and what to do. */
export class StoreUnusableError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StoreUnusableError";
  }
}

function explain(path: string, error: unknown): StoreUnusableError {
  const text = error instanceof Error ? error.message : String(error);
  if (/locked|busy/i.test(text)) {
    return new StoreUnusableError(
      `The store ${path} is in use by another process: stop that one first, or use another --data-dir.`,
      error,
    );
  }
  if (/not a database|malformed|corrupt|JSON/i.test(text)) {
    return new StoreUnusableError(
      `The store ${path} is damaged (${text}). Move the file and its -wal file away and start again: objects come back from their sources, and what exists at the providers is recognised by its marks; Secrets made with kubectl have to be made again. Or restore the files from a backup.`,
      error,
    );
  }
  return new StoreUnusableError(`The store ${path} cannot be opened: ${text}.`, error);
}

/** One open database. Nothing else may write to the file: it is held with an exclusive lock until {@link close}. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #setMeta: StatementSync;
  readonly path: string;

  /**
   * Opens or creates the file, with mode 0600 because Secrets lie in it.
   * @param onOpen given the connection, e.g. to limit its size
   * @throws StoreUnusableError in use, damaged, of a newer format, or not ours
   */
  constructor(path: string, onOpen: (connection: DatabaseSync) => void = () => undefined) {
    this.path = path;
    try {
      // Created here, not by SQLite, so that it never exists with wider permissions.
      if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
      chmodSync(path, 0o600);
      this.#db = new DatabaseSync(path);
      this.#db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
      this.#prepareTables();
      this.#put = this.#db.prepare(
        "INSERT INTO objects(type, namespace, name, revision, written, text) VALUES(?,?,?,?,?,?) " +
          "ON CONFLICT(type, namespace, name) DO UPDATE SET revision=excluded.revision, written=excluded.written, text=excluded.text",
      );
      this.#remove = this.#db.prepare("DELETE FROM objects WHERE type=? AND namespace=? AND name=?");
      this.#setMeta = this.#db.prepare(
        "INSERT INTO meta(key, value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
      );
      onOpen(this.#db);
    } catch (error) {
      throw error instanceof StoreUnusableError ? error : explain(path, error);
    }
  }

  #prepareTables(): void {
    const format = Number(this.#db.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
    const application = Number(this.#db.prepare("PRAGMA application_id").get()?.["application_id"] ?? 0);
    const tables = Number(this.#db.prepare("SELECT count(*) AS n FROM sqlite_master").get()?.["n"] ?? 0);
    if (tables > 0 && application !== APPLICATION_ID) {
      throw new StoreUnusableError(
        `${this.path} is a SQLite database of another program: use another --data-dir.`,
      );
    }
    if (format > FORMAT) {
      throw new StoreUnusableError(
        `The store ${this.path} was written by a newer version of Flaresmith (format ${format}, this version knows ${FORMAT}): start that version, or use another --data-dir.`,
      );
    }
    this.#db.exec(`BEGIN IMMEDIATE;
      PRAGMA application_id=${APPLICATION_ID};
      PRAGMA user_version=${FORMAT};
      CREATE TABLE IF NOT EXISTS objects(
        type TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
        revision INTEGER NOT NULL, written INTEGER NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY(type, namespace, name));
      CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
      COMMIT;`);
    const check = this.#db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
    if (check !== "ok") throw new Error(`malformed: ${String(check)}`);
  }

  /** The last revision that was committed, 0 for a new file. */
  revision(): number {
    const row = this.#db.prepare("SELECT value FROM meta WHERE key='revision'").get();
    return row === undefined ? 0 : Number(row["value"]);
  }

  /**
   * Every stored object, oldest write first.
   * @throws StoreUnusableError when the file turns out damaged
   */
  *rows(): Generator<Row> {
    try {
      const statement = this.#db.prepare(
        "SELECT type, namespace, name, revision, written, text FROM objects ORDER BY revision",
      );
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
    } catch (error) {
      throw explain(this.path, error);
    }
  }

  /** Writes everything in one transaction; when it returns, all of it survives a crash. @throws when nothing was written */
  commit(changes: readonly RowChange[], revision: number): void {
    this.#transaction(() => {
      for (const change of changes) {
        if ("removed" in change) this.#remove.run(change.typeKey, change.namespace, change.name);
        else
          this.#put.run(
            change.typeKey,
            change.namespace,
            change.name,
            change.revision,
            change.writtenAt,
            change.text,
          );
      }
      this.#setMeta.run("revision", String(revision));
    });
  }

  /** Finds out whether that many bytes could be written, by writing them. @throws when they could not */
  probe(bytes: number): void {
    this.#transaction(() => this.#setMeta.run("probe", "x".repeat(bytes)));
    this.#transaction(() => this.#db.exec("DELETE FROM meta WHERE key='probe'"));
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

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
