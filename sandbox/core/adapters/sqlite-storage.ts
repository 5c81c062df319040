import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Collection, SandboxStorage } from "../storage.ts";

/**
 * Storage in one SQLite file, written through: a sandbox whose process is killed comes back with the world it had.
 * @param path the database file; created when missing, in an existing directory
 */
export function sqliteStorage(path: string): SandboxStorage & { close(): void } {
  // It holds tokens: the files SQLite puts beside it take over its mode.
  closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
  database.exec(
    "CREATE TABLE IF NOT EXISTS entry (position INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (collection, key))",
  );
  const upsert = database.prepare(
    "INSERT INTO entry (collection, key, value) VALUES (?, ?, ?) ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value",
  );
  const remove = database.prepare("DELETE FROM entry WHERE collection = ? AND key = ?");
  const load = database.prepare("SELECT key, value FROM entry WHERE collection = ? ORDER BY position");
  const caches = new Map<string, Map<string, string>>();
  return {
    collection: <Value>(name: string): Collection<Value> => {
      const known = caches.get(name);
      const cache =
        known ?? new Map(load.all(name).map((row) => [String(row["key"]), String(row["value"])] as const));
      caches.set(name, cache);
      const parse = (text: string): Value => JSON.parse(text) as Value;
      return {
        get: (key) => {
          const text = cache.get(key);
          return text === undefined ? undefined : parse(text);
        },
        set: (key, value) => {
          const text = JSON.stringify(value);
          upsert.run(name, key, text);
          cache.set(key, text);
        },
        delete: (key) => {
          remove.run(name, key);
          return cache.delete(key);
        },
        entries: () => [...cache].map(([key, text]) => [key, parse(text)]),
        values: () => [...cache.values()].map(parse),
      };
    },
    transaction: (run) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = run();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        database.exec("ROLLBACK");
        for (const [name, cache] of caches) {
          cache.clear();
          for (const row of load.all(name)) cache.set(String(row["key"]), String(row["value"]));
        }
        throw error;
      }
    },
    close: () => database.close(),
  };
}
