/** The output of `git ls-tree -rz` as files that may be manifests. */
import { mayHoldManifests } from "../directory.ts";
import { MAX_FILES, MAX_FOLDER_DEPTH, MAX_PATH_BYTES } from "../read/limits.ts";
import type { SourceError } from "../read/manifest-types.ts";
import { fileFormat, isIgnoredName } from "../read/read-file.ts";
import type { TreeFile } from "../source-tree.ts";
import { FlaresmithError } from "../../runtime/errors.ts";

/**
 * Reads a recursive listing. Symbolic links, submodules and names that no file system should be given are refused, each
 * by itself; what is hidden or no manifest is passed over.
 *
 * @throws FlaresmithError SOURCE_NOT_READABLE beyond the limit of files
 */
export function parseTree(output: Buffer): { files: TreeFile[]; errors: SourceError[] } {
  const files: TreeFile[] = [];
  const errors: SourceError[] = [];
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let start = 0;
  for (let end = output.indexOf(0, start); end !== -1; end = output.indexOf(0, start)) {
    const entry = output.subarray(start, end);
    start = end + 1;
    const tab = entry.indexOf(9);
    const [mode = "", , id = ""] = entry.subarray(0, tab).toString("latin1").split(" ");
    const raw = entry.subarray(tab + 1);
    let path: string;
    try {
      path = decoder.decode(raw);
    } catch {
      errors.push({ file: shown(raw.toString("latin1")), message: "the path is not UTF-8; rename the file" });
      continue;
    }
    const fault = pathFault(path, raw.byteLength);
    if (fault !== undefined) {
      errors.push({ file: shown(path), message: fault });
      continue;
    }
    const fate = fateOf(path, mode);
    if (fate === "take") files.push({ path, id });
    else if (fate !== "pass") errors.push({ file: path, message: fate });
  }
  if (files.length > MAX_FILES) {
    throw new FlaresmithError({
      code: "SOURCE_NOT_READABLE",
      field: "spec.path",
      message: `there are more than ${MAX_FILES} manifest files`,
      hint: "Name a narrower folder in spec.path, or divide the tree among several Sources.",
    });
  }
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), errors };
}

function pathFault(path: string, bytes: number): string | undefined {
  if (bytes > MAX_PATH_BYTES) return `the path is longer than ${MAX_PATH_BYTES} bytes; shorten it`;
  // oxlint-disable-next-line no-control-regex -- such names are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return "the path contains control characters; rename the file";
  const parts = path.split("/");
  if (parts.length > MAX_FOLDER_DEPTH)
    return `folders are nested more than ${MAX_FOLDER_DEPTH} deep; flatten them`;
  const odd = parts.find(
    (part) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git",
  );
  return odd === undefined ? undefined : `a path may not contain ${JSON.stringify(odd)}; rename the file`;
}

function fateOf(path: string, mode: string): string {
  const parts = path.split("/");
  if (parts.some(isIgnoredName)) return "pass";
  if (mode === "160000")
    return "submodules are not read; make a Source for the repository, or commit the files here";
  if (mode === "120000") {
    return mayHoldManifests(parts.at(-1) ?? "")
      ? "symbolic links are not followed; commit the file itself"
      : "pass";
  }
  if (fileFormat(path) === undefined) return "pass";
  return mode === "100644" || mode === "100755" || mode === "100664"
    ? "take"
    : `mode ${mode} is no regular file; commit a plain file`;
}

function shown(path: string): string {
  const plain = path.replace(/\p{Cc}/gu, "\uFFFD");
  return plain.length <= 200 ? plain : `${plain.slice(0, 200)}…`;
}
