/** Paths of files, as file systems and git trees have them: any bytes. */
import { MAX_FOLDER_DEPTH, MAX_PATH_BYTES } from "./limits.ts";

/** A path or name as text; undefined when it is no UTF-8. */
export function decodePath(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What is said of a path that is no UTF-8. */
export const NOT_UTF8 = "the path is not UTF-8; rename the file";

/** Why a path with '/' is not taken, or undefined. */
export function pathFault(path: string): string | undefined {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    return `the path is longer than ${MAX_PATH_BYTES} bytes; shorten it`;
  // They would reach the terminal of whoever looks at the Source.
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(path)) return "the path contains control characters; rename the file";
  const parts = path.split("/");
  if (parts.length > MAX_FOLDER_DEPTH)
    return `folders are nested more than ${MAX_FOLDER_DEPTH} deep; flatten them`;
  const odd = parts.find(
    (part) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git",
  );
  return odd === undefined ? undefined : `a path may not contain ${JSON.stringify(odd)}; rename the file`;
}

/** A path in a form that can be shown. */
export function shownPath(path: string): string {
  const plain = path.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  return plain.length <= 200 ? plain : `${plain.slice(0, 200)}…`;
}
