/** The listing of whatever a Source names: a directory or a git repository. */
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { FlaresmithError } from "../runtime/errors.ts";
import { confineDirectory, relativePath } from "./confine.ts";
import type { SourceMemory } from "./source-memory.ts";
import type { SourceObject } from "./source-object.ts";
import type { SourceTree } from "./source-tree.ts";

export interface FetchTreeOptions {
  readonly source: SourceObject;
  readonly memory: SourceMemory;
  /** Directories below which `spec.directory` and `file://` may lie. */
  readonly allowedDirectories: readonly string[];
}

/**
 * Lists a directory Source.
 *
 * @returns the listing, and the real path to watch
 * @throws FlaresmithError SOURCE_NOT_READABLE
 */
export async function fetchDirectory(
  options: FetchTreeOptions & { readonly directory: string },
  signal: AbortSignal,
): Promise<{ tree: SourceTree; root: string }> {
  const { source, memory, allowedDirectories: allowed, directory } = options;
  const base = await confineDirectory({ directory, allowed, field: "spec.directory" });
  const path = relativePath(source.spec.path);
  const root =
    path === ""
      ? base
      : await confineDirectory({ directory: join(base, path), allowed: [base], field: "spec.path" });
  // The path may be a link inside the directory; links below it are refused one by one.
  if (path !== "" && root !== join(await realpath(base), path)) {
    throw new FlaresmithError({
      code: "SOURCE_NOT_READABLE",
      field: "spec.path",
      message: `${JSON.stringify(source.spec.path)} leads through a symbolic link`,
      hint: "Name the folder itself; symbolic links are not followed.",
    });
  }
  return { tree: await memory.directory.list(root, signal), root };
}
