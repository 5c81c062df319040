/** Reading the database into memory at start. */
import { StoreUnusableError, type Database } from "./database.ts";
import { indexObject, isStoredObject, parseObject, type State } from "./state.ts";

/** Puts every stored object into the state. @throws StoreUnusableError for what is no object */
export function load(database: Database, state: State): void {
  for (const row of database.rows()) {
    let object: unknown;
    try {
      object = parseObject(row.text);
    } catch (error) {
      throw damaged(database.path, row.typeKey, row.name, error);
    }
    if (!isStoredObject(object)) throw damaged(database.path, row.typeKey, row.name);
    const { typeKey: key, revision, writtenAt, text } = row;
    state.load(indexObject(object, { typeKey: key, revision, text, ephemeral: false, writtenAt }));
  }
}

function damaged(path: string, key: string, name: string, cause?: unknown): StoreUnusableError {
  return new StoreUnusableError(
    `The store ${path} is damaged: ${key} "${name}" is not an object. Move the file and its -wal file away and start again: objects come back from their sources, and what exists at the providers is recognised by its marks.`,
    cause,
  );
}
