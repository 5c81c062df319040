import type { SourceError } from "./read/manifest-types.ts";
import type { FileFormat } from "./read/read-file.ts";

/** One manifest file at a revision. The same object in two listings is the same content at the same path. */
export interface TreeFile {
  /** Relative to the source's path, with '/'. */
  readonly path: string;
  /** Hash of the content: equal ids, equal bytes. */
  readonly id: string;
  /** How its content is read, by its name. */
  readonly format: FileFormat;
}

/** The manifest files of a source at one moment, in order of path. */
export interface SourceTree {
  /** `<branch>@sha1:<commit>` or `dir@sha256:<hash>`. */
  readonly revision: string;
  readonly files: readonly TreeFile[];
  /** What could not be taken into the listing, such as symbolic links. */
  readonly errors: readonly SourceError[];
  /** Why the listing may miss something that is there; nothing is deleted because of such a listing. */
  readonly incomplete?: string;
  /**
   * Contents by id. What vanished since the listing is left out.
   * @throws FlaresmithError SOURCE_GIT_FAILED, SOURCE_NOT_READABLE
   */
  load(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>>;
}
