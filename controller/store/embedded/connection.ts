/** Connections to the file of a store. */
import { DatabaseSync } from "node:sqlite";

/**
 * Opens a file of SQLite in such a way that nothing is written anywhere but beside it: what SQLite would put into a
 * temporary directory may be Secrets, and there may be no directory that can be written.
 */
export function openConnection(path: string, options: { readOnly?: boolean } = {}): DatabaseSync {
  const connection = new DatabaseSync(path, options);
  connection.exec("PRAGMA temp_store=MEMORY");
  return connection;
}
