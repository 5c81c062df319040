/** Manifests of a file or directory that a person names: `diff -f PATH`, `up --source PATH`. */
import { open, realpath, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Clock } from "../runtime/clock.ts";
import { FlaresmithError } from "../runtime/errors.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { collectManifests, createParsedFiles } from "./desired.ts";
import type { SourceError } from "./read/manifest-types.ts";
import { createDirectoryReader } from "./directory.ts";
import { sha256 } from "../runtime/hash.ts";
import { readAtMost } from "./read-at-most.ts";
import { MAX_FILE_BYTES } from "./read/limits.ts";
import { fileFormat } from "./read/read-file.ts";
import type { FileFormat } from "./read/read-file.ts";
import type { SourceTree } from "./source-tree.ts";

/** What a path declares. */
export interface ReadManifests {
  /** In order of application, each with its namespace set. */
  readonly objects: readonly {
    readonly object: KubernetesObject;
    readonly file: string;
    readonly line: number;
  }[];
  readonly errors: readonly SourceError[];
  /** About files that declare nothing although they could be taken for manifests. */
  readonly notes: readonly string[];
}

/**
 * Reads the manifests of one file or of a directory with its folders, by the same rules as a Source.
 *
 * @param options.namespace every object's namespace; objects that name another are refused. Default `default`
 * @throws FlaresmithError SOURCE_NOT_READABLE when the path does not exist or cannot be read
 */
export async function readManifests(
  path: string,
  options: { clock: Clock; namespace?: string | undefined },
  signal: AbortSignal,
): Promise<ReadManifests> {
  const tree = await treeOf(path, options.clock, signal);
  const parsed = createParsedFiles();
  const { objects, errors, notes } = await collectManifests(
    { tree, namespace: options.namespace ?? "default", parsed },
    signal,
  );
  const incomplete =
    tree.incomplete === undefined
      ? []
      : [{ file: path, message: `${tree.incomplete}; run the command again` }];
  return {
    objects: objects.map(({ object, file, line }) => ({ object, file, line })),
    errors: [...errors, ...incomplete],
    notes,
  };
}

async function treeOf(path: string, clock: Clock, signal: AbortSignal): Promise<SourceTree> {
  try {
    const real = await realpath(path);
    const stats = await stat(real);
    if (stats.isDirectory()) return await createDirectoryReader({ clock }).list(real, signal);
    const bytes = await contentOf(real);
    const id = sha256(bytes);
    const format = formatOf(path);
    return {
      revision: `file@sha256:${id}`,
      files: [{ path: basename(path), id, format }],
      errors: [],
      load: async () => new Map([[id, bytes]]),
    };
  } catch (error) {
    if (error instanceof FlaresmithError) throw error;
    signal.throwIfAborted();
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new FlaresmithError({
      code: "SOURCE_NOT_READABLE",
      message: `${path} ${missing ? "does not exist" : "cannot be read"}`,
      hint: "Name a file or directory of manifests.",
      cause: error,
    });
  }
}

/** May be a pipe: `diff -f <(command)`. */
async function contentOf(path: string): Promise<Buffer> {
  await using file = await open(path);
  return await readAtMost(file, MAX_FILE_BYTES);
}

/** A file that is named outright is read whatever its name is. */
function formatOf(path: string): FileFormat {
  return fileFormat(basename(path)) ?? "yaml";
}
