/** What a Source may cost. Everything beyond is refused with an error that names the limit; nothing is cut silently. */

/** Bytes of one YAML or JSON document. A parser needs about a millisecond for a kibibyte of hostile input. */
export const MAX_DOCUMENT_BYTES = 256 * 1024;
/** Bytes of one file. */
export const MAX_FILE_BYTES = 512 * 1024;
/** Collections inside each other. The deepest kind needs 9. */
export const MAX_DEPTH = 64;
/** Problems that one file reports; the rest is counted. */
export const MAX_PROBLEMS = 50;
/** Manifest files of one Source. */
export const MAX_FILES = 50_000;
/** Bytes of all manifest files of one Source. */
export const MAX_TOTAL_BYTES = 128 * 1024 * 1024;
/** Folders inside each other. */
export const MAX_FOLDER_DEPTH = 64;
/** Bytes of one path, as PATH_MAX on Linux. */
export const MAX_PATH_BYTES = 4096;
