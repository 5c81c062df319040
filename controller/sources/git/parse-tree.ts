/** The output of `git ls-tree -rz` as files that may be manifests. */
import { mayHoldManifests } from "../directory.ts";
import { MAX_FILES, MAX_FOLDER_DEPTH, MAX_PATH_BYTES } from "../read/limits.ts";
import type { SourceError } from "../read/manifest-types.ts";
import { fileFormat, isIgnoredName } from "../read/read-file.ts";
import type { FileFormat } from "../read/read-file.ts";
import type { TreeFile } from "../source-tree.ts";
import { FlaresmithError } from "../../runtime/errors.ts";

/** What a path and mode mean; undefined for what is passed over. */
type Verdict = { readonly path: string; readonly format: FileFormat } | SourceError | undefined;

/** Reads listings of one repository; paths that the last listing had too are not looked at again. */
type TreeParser = (output: Buffer) => { files: TreeFile[]; errors: SourceError[] };

/**
 * Makes a reader of recursive listings. Symbolic links, submodules and names that no file system should be given are
 * refused, each by itself; what is hidden or no manifest is passed over.
 *
 * @returns a function that throws FlaresmithError SOURCE_NOT_READABLE beyond the limit of files
 */
export function createTreeParser(): TreeParser {
  let known = new Map<string, Verdict>();
  return (output) => {
    const next = new Map<string, Verdict>();
    const files: TreeFile[] = [];
    const errors: SourceError[] = [];
    for (const entry of output.toString("latin1").split("\0")) {
      const tab = entry.indexOf("\t");
      if (tab === -1) continue;
      const [mode = "", , id = ""] = entry.slice(0, tab).split(" ");
      const place = mode + entry.slice(tab);
      const verdict = known.has(place)
        ? known.get(place)
        : judge(mode, Buffer.from(entry.slice(tab + 1), "latin1"));
      next.set(place, verdict);
      if (verdict === undefined) continue;
      if ("message" in verdict) errors.push(verdict);
      else files.push({ path: verdict.path, id, format: verdict.format });
    }
    known = next;
    if (files.length > MAX_FILES) {
      throw new FlaresmithError({
        code: "SOURCE_NOT_READABLE",
        field: "spec.path",
        message: `there are more than ${MAX_FILES} manifest files`,
        hint: "Name a narrower folder in spec.path, or divide the tree among several Sources.",
      });
    }
    return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), errors };
  };
}

function judge(mode: string, raw: Buffer): Verdict {
  let path: string;
  try {
    path = new TextDecoder("utf-8", { fatal: true }).decode(raw);
  } catch {
    return { file: shown(raw.toString("latin1")), message: "the path is not UTF-8; rename the file" };
  }
  const fault = pathFault(path, raw.byteLength);
  if (fault !== undefined) return { file: shown(path), message: fault };
  const format = fileFormat(path);
  const fate = fateOf(path, mode, format);
  if (fate === "pass") return undefined;
  return fate === "take" && format !== undefined ? { path, format } : { file: path, message: fate };
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

function fateOf(path: string, mode: string, format: FileFormat | undefined): string {
  const parts = path.split("/");
  if (parts.some(isIgnoredName)) return "pass";
  if (mode === "160000")
    return "submodules are not read; make a Source for the repository, or commit the files here";
  if (mode === "120000") {
    return mayHoldManifests(parts.at(-1) ?? "")
      ? "symbolic links are not followed; commit the file itself"
      : "pass";
  }
  if (format === undefined) return "pass";
  return mode === "100644" || mode === "100755" || mode === "100664"
    ? "take"
    : `mode ${mode} is no regular file; commit a plain file`;
}

function shown(path: string): string {
  const plain = path.replace(/\p{Cc}/gu, "\uFFFD");
  return plain.length <= 200 ? plain : `${plain.slice(0, 200)}…`;
}
