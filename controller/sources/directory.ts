/** A directory tree as a source: what is in it now, read without following links. */
import { constants } from "node:fs";
import type { BigIntStats, Dirent } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../runtime/clock.ts";
import { FlaresmithError } from "../runtime/errors.ts";
import { sha256 } from "../runtime/hash.ts";
import { createErrorList } from "./error-list.ts";
import { createListedPlaces, fingerprintOf } from "./listed-places.ts";
import type { ListedPlaces } from "./listed-places.ts";
import { decodePath, NOT_UTF8, pathFault, shownPath } from "./read/check-path.ts";
import { MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES } from "./read/limits.ts";
import { fileFormat, isIgnoredName } from "./read/read-file.ts";
import type { FileFormat } from "./read/read-file.ts";
import { readAtMost } from "./read-at-most.ts";
import type { SourceTree, TreeFile } from "./source-tree.ts";
import { tooMuch } from "./too-much.ts";

/** What is remembered of a file so that it need not be read again; as git's index does it. */
interface Seen {
  readonly fingerprint: string;
  readonly id: string;
  readonly bytes: number;
}

/** What changed this recently may change again without its times showing it. Milliseconds. */
const RACY = 2000;

/** Reads one directory again and again; remembers hashes of files that did not change. */
export interface DirectoryReader {
  /**
   * @param root a real path that may be read (see `confineDirectory`)
   * @throws FlaresmithError SOURCE_NOT_READABLE when the root cannot be listed, or limits of the whole are passed
   */
  list(root: string, signal: AbortSignal): Promise<SourceTree>;
}

/** @param options.clock tells files that were changed just now, whose times prove nothing yet */
export function createDirectoryReader(options: { clock: Clock }): DirectoryReader {
  let seen: ReadonlyMap<string, Seen> = new Map();
  return {
    list: async (root, signal) => {
      const walk = new Walk(root, seen, options.clock.now(), signal);
      const tree = await walk.run();
      seen = walk.seen;
      return tree;
    },
  };
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

class Walk {
  readonly seen = new Map<string, Seen>();
  readonly #root: string;
  readonly #before: ReadonlyMap<string, Seen>;
  readonly #now: number;
  readonly #signal: AbortSignal;
  readonly #places: ListedPlaces;
  #files: TreeFile[] = [];
  readonly #paths = new Map<string, string>();
  readonly #contents = new Map<string, Uint8Array>();
  readonly #errors = createErrorList();
  #bytes = 0;
  #incomplete: string | undefined;

  constructor(root: string, before: ReadonlyMap<string, Seen>, now: number, signal: AbortSignal) {
    this.#root = root;
    this.#before = before;
    this.#now = now;
    this.#signal = signal;
    this.#places = createListedPlaces(root, (stats) => this.#isSettled(stats));
  }

  async run(): Promise<SourceTree> {
    await this.#folder("");
    const { changed, isLost } = await this.#places.recheck(this.#signal);
    if (changed !== undefined) this.#vanished(changed);
    this.#files = this.#files.filter(({ path }) => !isLost(path));
    const text = this.#files.map(({ path, id }) => `${path}\0${id}\n`).join("");
    const errors = this.#errors.all().filter(({ file }) => !isLost(file));
    const faults = errors.map(({ file, message }) => `${file}\0${message}\n`).join("");
    return {
      revision: `dir@sha256:${sha256(text + faults)}`,
      files: this.#files,
      errors,
      ...(this.#incomplete === undefined ? {} : { incomplete: this.#incomplete }),
      load: (ids, signal) => this.#load(ids, signal),
    };
  }

  async #folder(folder: string): Promise<void> {
    this.#signal.throwIfAborted();
    const full = join(this.#root, folder);
    let entries: Dirent<Buffer>[];
    try {
      const stats = await lstat(full, { bigint: true });
      if (!stats.isDirectory()) return this.#vanished(folder);
      // Names are bytes; decoded by the library, those that are no UTF-8 would name nothing.
      entries = await readdir(full, { withFileTypes: true, encoding: "buffer" });
      this.#places.folder(
        folder,
        stats,
        entries.map(({ name }) => name),
      );
    } catch (error) {
      this.#unreadable(folder, error);
      return;
    }
    entries.sort((a, b) => Buffer.compare(a.name, b.name));
    for (const entry of entries) {
      const name = decodePath(entry.name);
      const prefix = folder === "" ? "" : `${folder}/`;
      if (name === undefined) {
        this.#errors.add({ file: prefix + shownPath(entry.name.toString("latin1")), message: NOT_UTF8 });
        continue;
      }
      if (isIgnoredName(name)) continue;
      const path = prefix + name;
      const fault = pathFault(path);
      if (fault !== undefined) this.#errors.add({ file: shownPath(path), message: fault });
      else if (entry.isSymbolicLink()) {
        if (mayHoldManifests(name)) {
          this.#errors.add({
            file: path,
            message: "symbolic links are not followed; put the file or folder itself here",
          });
        }
      } else if (entry.isDirectory()) await this.#folder(path);
      else {
        const format = fileFormat(name);
        if (format !== undefined) await this.#file(path, entry, format);
      }
    }
  }

  async #file(path: string, entry: Dirent<Buffer>, format: FileFormat): Promise<void> {
    if (!entry.isFile()) {
      this.#errors.add({
        file: path,
        message: "this is no regular file (a socket, pipe or device); remove it",
      });
      return;
    }
    if (this.#files.length >= MAX_FILES) {
      throw tooMuch(`there are more than ${MAX_FILES} manifest files`);
    }
    let file: FileHandle | undefined;
    try {
      // O_NONBLOCK: a pipe that took the file's place must not hold us.
      file = await open(
        join(this.#root, path),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      );
      await this.#take(path, file, format);
    } catch (error) {
      if (error instanceof FlaresmithError) throw error;
      this.#unreadable(path, error);
    } finally {
      await file?.close();
    }
  }

  async #take(path: string, file: FileHandle, format: FileFormat): Promise<void> {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) return this.#vanished(path);
    if (stats.size > BigInt(MAX_FILE_BYTES)) {
      this.#errors.add({
        file: path,
        message: `the file is larger than ${MAX_FILE_BYTES / 1024} KiB; split it`,
      });
      return;
    }
    this.#bytes += Number(stats.size);
    if (this.#bytes > MAX_TOTAL_BYTES) {
      throw tooMuch(`the manifest files hold more than ${MAX_TOTAL_BYTES / 1024 / 1024} MiB`);
    }
    const fingerprint = fingerprintOf(stats);
    this.#places.file(path, fingerprint);
    const known = this.#before.get(path);
    if (known?.fingerprint === fingerprint) {
      this.#add(path, known.id, format);
      this.seen.set(path, known);
      return;
    }
    const bytes = await readAtMost(file, MAX_FILE_BYTES);
    const after = await file.stat({ bigint: true });
    // Written while it was read: half of a manifest can be a manifest too.
    if (fingerprintOf(after) !== fingerprint || BigInt(bytes.byteLength) !== after.size)
      return this.#vanished(path);
    const id = sha256(bytes);
    this.#contents.set(id, bytes);
    this.#add(path, id, format);
    if (this.#isSettled(after)) this.seen.set(path, { fingerprint, id, bytes: bytes.byteLength });
  }

  #isSettled({ ctimeMs, mtimeMs }: BigIntStats): boolean {
    return this.#now - Number(mtimeMs) > RACY && this.#now - Number(ctimeMs) > RACY;
  }

  #add(path: string, id: string, format: FileFormat): void {
    this.#files.push({ path, id, format });
    this.#paths.set(id, path);
  }

  #vanished(path: string): void {
    this.#incomplete ??= `${path === "" ? "the directory" : path} changed while it was read`;
  }

  #unreadable(path: string, error: unknown): void {
    const code = codeOf(error);
    if (path === "") {
      throw new FlaresmithError({
        code: "SOURCE_NOT_READABLE",
        message: `the directory cannot be listed (${code})`,
        hint: "Let the controller's user read the directory.",
        cause: error,
      });
    }
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") this.#vanished(path);
    else if (code === "EACCES" || code === "EPERM") {
      this.#errors.add({
        file: path,
        message: "permission to read it is missing; let the controller's user read it",
      });
    } else
      this.#errors.add({
        file: path,
        message: `it cannot be read (${code === "" ? "unknown error" : code})`,
      });
  }

  async #load(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    for (const id of ids) {
      signal.throwIfAborted();
      const bytes = this.#contents.get(id) ?? (await this.#again(id));
      if (bytes !== undefined) found.set(id, bytes);
    }
    return found;
  }

  /** The content of a file whose hash was remembered, if it still has it. */
  async #again(id: string): Promise<Uint8Array | undefined> {
    const path = this.#paths.get(id);
    if (path === undefined) return undefined;
    let file: FileHandle | undefined;
    try {
      file = await open(
        join(this.#root, path),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      );
      const bytes = await readAtMost(file, MAX_FILE_BYTES);
      return sha256(bytes) === id ? bytes : undefined;
    } catch {
      return undefined;
    } finally {
      await file?.close();
    }
  }
}

/** Links whose name says that they are something else, such as `README.md`, are passed over like any such file. */
export function mayHoldManifests(name: string): boolean {
  return fileFormat(name) !== undefined || !/\.[A-Za-z0-9]+$/.test(name);
}
