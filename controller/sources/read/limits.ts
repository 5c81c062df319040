/** What a Source may cost. Everything beyond is refused with an error that names the limit; nothing is cut silently. */

/** Bytes of one YAML or JSON document. A parser needs about a millisecond for a kibibyte of hostile input. */
export const MAX_DOCUMENT_BYTES = 256 * 1024;
/** Bytes of one file. */
export const MAX_FILE_BYTES = 512 * 1024;
/** Collections inside each other. The deepest kind needs 9. */
export const MAX_DEPTH = 64;
/**
 * Tokens of one document: names, values, punctuation, white space, line ends. Some 2,000 lines. A parser's time grows with
 * tokens and not with bytes, so that this is what bounds how long one document can hold the event loop.
 */
export const MAX_TOKENS = 20_000;
/** Problems that one file reports; the rest is counted. */
export const MAX_PROBLEMS = 50;
/** Characters of a problem's field and of its message; both may quote what the file says. */
export const MAX_FIELD_LENGTH = 256;
export const MAX_MESSAGE_LENGTH = 1000;
/** Faults of one Source that are kept; of every further file only the first is, and the rest is counted. */
export const MAX_ERRORS = 1000;
/** Bytes of kinds, names and files of a Source's objects: its status lists them, and etcd takes 1.5 MiB for one object. */
export const MAX_INVENTORY_BYTES = 1024 * 1024;
/** Manifest files of one Source. */
export const MAX_FILES = 50_000;
/** Bytes of all manifest files of one Source. */
export const MAX_TOTAL_BYTES = 128 * 1024 * 1024;
/** Folders inside each other. */
export const MAX_FOLDER_DEPTH = 64;
/** Bytes of one path, as PATH_MAX on Linux. */
export const MAX_PATH_BYTES = 4096;
