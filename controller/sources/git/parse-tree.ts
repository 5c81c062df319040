/** The output of `git ls-tree -rz` as files that may be manifests. */
import { yieldToEventLoop } from "../../runtime/adapters/event-loop.ts";
import { mayHoldManifests } from "../directory.ts";
import { createErrorList } from "../error-list.ts";
import { decodePath, NOT_UTF8, pathFault, shownPath } from "../read/check-path.ts";
import { MAX_FILES } from "../read/limits.ts";
import type { SourceError } from "../read/manifest-types.ts";
import { fileFormat, isIgnoredName } from "../read/read-file.ts";
import type { FileFormat } from "../read/read-file.ts";
import type { TreeFile } from "../source-tree.ts";
import { tooMuch } from "../too-much.ts";

/** What a path and mode mean; undefined for what is passed over. */
type Verdict = { readonly path: string; readonly format: FileFormat } | SourceError | undefined;

/** Reads listings of one repository. What the last listing had too is the same object again. */
type TreeParser = (output: Buffer) => Promise<{ files: TreeFile[]; errors: SourceError[] }>;

/** Entries that are looked at before others have their turn. */
const TURN = 5000;

/**
 * Makes a reader of recursive listings. Symbolic links, submodules and names that no file system should be given are
 * refused, each by itself; what is hidden or no manifest is passed over.
 *
 * @returns a function that throws FlaresmithError SOURCE_NOT_READABLE beyond the limit of files
 */
export function createTreeParser(): TreeParser {
  let known = new Map<string, TreeFile>();
  return async (output) => {
    const next = new Map<string, TreeFile>();
    const files: TreeFile[] = [];
    const errors = createErrorList();
    let count = 0;
    for (let at = 0, end = output.indexOf(0); end !== -1; at = end + 1, end = output.indexOf(0, at)) {
      if ((count += 1) % TURN === 0) await yieldToEventLoop();
      const entry = output.toString("latin1", at, end);
      const tab = entry.indexOf("\t");
      if (tab === -1) continue;
      const [mode = "", , id = ""] = entry.slice(0, tab).split(" ");
      const place = mode + entry.slice(tab);
      const before = known.get(place);
      const verdict = before ?? judge(mode, output.subarray(at + tab + 1, end));
      if (verdict === undefined) continue;
      if ("message" in verdict) {
        errors.add(verdict);
        continue;
      }
      const file = before?.id === id ? before : { path: verdict.path, id, format: verdict.format };
      // A repository may hold far more than manifests: only these are worth the memory.
      next.set(place, file);
      if (files.push(file) > MAX_FILES) throw tooMuch(`there are more than ${MAX_FILES} manifest files`);
    }
    known = next;
    return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), errors: errors.all() };
  };
}

function judge(mode: string, raw: Buffer): Verdict {
  const path = decodePath(raw);
  if (path === undefined) return { file: shownPath(raw.toString("latin1")), message: NOT_UTF8 };
  const fault = pathFault(path);
  if (fault !== undefined) return { file: shownPath(path), message: fault };
  const format = fileFormat(path);
  const fate = fateOf(path, mode, format);
  if (fate === "pass") return undefined;
  return fate === "take" && format !== undefined ? { path, format } : { file: path, message: fate };
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
