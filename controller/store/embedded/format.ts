/** What the file of the store is made of. */
import { crc32 } from "node:zlib";

/** Marks the file as ours (`PRAGMA application_id`): "FSMT" in ASCII. */
export const APPLICATION_ID = 0x46534d54;

/**
 * Format of the tables (`PRAGMA user_version`).
 * 1: objects, and meta with `revision`. 2: meta also has `digest`, and `session` while a process holds the file.
 */
export const FORMAT = 2;

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

/** The row of an object, without what is only indexed. */
export function rowOf({ typeKey, namespace, name, revision, writtenAt, text }: Row): Row {
  return { typeKey, namespace, name, revision, writtenAt, text };
}

/** What one write does to one place; no `next` removes what is there. */
export interface RowChange {
  previous?: Row;
  next?: Row;
}

/**
 * What a row adds to the digest of the whole, a sum that a commit can keep up to date. SQLite guards the structure of its
 * pages, not that they all are of one moment: an old page, or a -wal of another copy, is found by the sum alone.
 */
export function digestOf({ typeKey, namespace, name, revision, writtenAt, text }: Row): number {
  return crc32(`${typeKey}\0${namespace}\0${name}\0${revision}\0${writtenAt}\0${text}`);
}

/** Keys of the table `meta`. */
export const meta = Object.freeze({
  /** The last revision that was committed. */
  revision: "revision",
  /** Sum of {@link digestOf} over all rows. */
  digest: "digest",
  /** There while a process has the file open: then the last writes may be in the -wal alone. */
  session: "session",
  /** There in a copy that was never opened: what was written after it was made is unknown. */
  copy: "copy",
  /** Room was tried out. */
  probe: "probe",
});
