/** A branch of a git repository as a source: a bare, shallow clone, read by object id. There never is a work tree. */
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { FlaresmithError } from "../../runtime/errors.ts";
import type { GitResult, GitRunner } from "../../runtime/adapters/run-git.ts";
import { relativePath } from "../confine.ts";
import type { SourceTree } from "../source-tree.ts";
import type { PreparedCredentials } from "./credentials.ts";
import { gitCommand, type GitCommand } from "./git-command.ts";
import { gitError, isDamaged } from "./git-errors.ts";
import type { GitUrl } from "./git-url.ts";
import { branchRef } from "./git-url.ts";
import { onDisk } from "./on-disk.ts";
import { packBytes, removeHalfPacks } from "./pack-files.ts";
import { createTreeParser } from "./parse-tree.ts";
import { readBlobs } from "./read-blobs.ts";

const MiB = 1024 * 1024;
const LISTING_BYTES = 64 * MiB;
/** Bytes of a clone. What a host sends is not known before it is here. */
const CLONE_BYTES = 1024 * MiB;
const HEAD = "refs/flaresmith/head";
const COMMIT = /^[0-9a-f]{40}$/;

interface Listing {
  readonly url: GitUrl;
  readonly branch: string;
  readonly path: string;
  readonly credentials: PreparedCredentials;
}

export interface GitReader {
  /**
   * Lists a branch as it is now; costs one request when it did not move.
   * @throws FlaresmithError SOURCE_GIT_FAILED, SOURCE_GIT_AUTH_FAILED, SOURCE_NOT_READABLE
   */
  list(listing: Listing, signal: AbortSignal): Promise<SourceTree>;
  /** Removes the clone; the next listing makes a new one. */
  dispose(): Promise<void>;
}

export interface GitReaderOptions {
  readonly run: GitRunner;
  /** The clone; belongs to this reader alone and may be removed at any time. */
  readonly directory: string;
  /** Takes secrets out of what git says. */
  redact(text: string): string;
  /** Bytes that the clone may have. Default 1 GiB */
  readonly cloneBytes?: number | undefined;
}

/** Nothing is written before the first listing. */
export function createGitReader(options: GitReaderOptions): GitReader {
  const parse = createTreeParser();
  let fetches = 0;
  let last: { key: string; url: string; commit: string; tree: SourceTree } | undefined;
  const forget = (): void => {
    last = undefined;
  };
  const list = async (
    { url, branch, path, credentials }: Listing,
    signal: AbortSignal,
  ): Promise<SourceTree> => {
    const ref = branchRef(branch);
    const folder = relativePath(path);
    const clone = new Clone(options, url, credentials, forget);
    const commit = await clone.tip(ref, signal);
    const key = JSON.stringify([url.url, branch, folder]);
    if (last?.key === key && last.commit === commit) return last.tree;
    // Old commits are dropped now and then; looking for them costs a process each time.
    if (fetches++ % 16 === 15) await clone.tidy(signal);
    const fetched =
      last?.url === url.url && last.commit === commit
        ? commit
        : await clone.fetch(ref, commit, last === undefined, signal);
    const { files, errors } = await parse(await clone.files(fetched, folder, path, signal));
    const tree: SourceTree = {
      revision: `${branch}@sha1:${fetched}`,
      files,
      errors,
      load: (ids, abort) => onDisk(url.url, () => clone.contents(ids, abort)),
    };
    last = { key, url: url.url, commit: fetched, tree };
    return tree;
  };
  return {
    dispose: async () => {
      forget();
      await rm(options.directory, { recursive: true, force: true });
    },
    list: (listing, signal) => onDisk(listing.url.url, () => list(listing, signal)),
  };
}

class Clone {
  readonly #options: GitReaderOptions;
  readonly #url: GitUrl;
  readonly #git: GitCommand;
  readonly #emptied: () => void;

  /** @param emptied hears that what was listed is no longer here */
  constructor(options: GitReaderOptions, url: GitUrl, credentials: PreparedCredentials, emptied: () => void) {
    this.#options = options;
    this.#url = url;
    this.#emptied = emptied;
    const { run, directory } = options;
    this.#git = gitCommand({ run, directory, url, credentials, guard: () => this.#guard() });
  }

  /** The commit that the branch points to at the remote. */
  async tip(ref: string, signal: AbortSignal): Promise<string> {
    await this.#ensure(signal);
    const result = await this.#git.remote("ls-remote", ["--", this.#url.url, ref], signal);
    if (result.code !== 0) throw this.#failure("ls-remote", result);
    const lines = result.stdout.toString("utf8").split("\n");
    const line = lines.find((candidate) => candidate.endsWith(`\t${ref}`));
    const commit = line?.slice(0, line.indexOf("\t")) ?? "";
    if (COMMIT.test(commit)) return commit;
    const branch = ref.slice("refs/heads/".length);
    throw new FlaresmithError({
      code: "SOURCE_NOT_READABLE",
      field: "spec.git.branch",
      message:
        commit === ""
          ? `there is no branch ${branch} at ${this.#url.url}`
          : `${this.#url.url} uses SHA-256 object names, which are not supported`,
      hint:
        commit === "" ? "Push the branch, or correct its name." : "Use a repository with SHA-1 object names.",
    });
  }

  /** Brings the branch's newest commit here, without history. After a restart it may be here already. */
  async fetch(ref: string, wanted: string, mayBeHere: boolean, signal: AbortSignal): Promise<string> {
    if (mayBeHere && (await this.#has(wanted, signal))) return wanted;
    let result = await this.#fetchOnce(ref, signal);
    if (result.code !== 0 && isDamaged(result)) {
      await this.#remove();
      await this.#ensure(signal);
      result = await this.#fetchOnce(ref, signal);
    }
    if (result.code !== 0) throw this.#failure("fetch", result);
    // It may have come faster than anybody looked.
    const tooLarge = await this.#guard();
    if (tooLarge === undefined) return this.#head(signal);
    await this.#remove();
    throw tooLarge;
  }

  /** The commit that was fetched. Git writes it to a file of its own; where it keeps refs elsewhere, it is asked. */
  async #head(signal: AbortSignal): Promise<string> {
    const text = await readFile(join(this.#options.directory, HEAD), "latin1").catch(() => "");
    if (COMMIT.test(text.trim())) return text.trim();
    const head = await this.#git.local(["rev-parse", "--verify", `${HEAD}^{commit}`], signal);
    if (head.code !== 0) throw this.#failure("rev-parse", head);
    return head.stdout.toString("utf8").trim();
  }

  /** Drops what only older commits need. */
  async tidy(signal: AbortSignal): Promise<void> {
    await this.#git.local(["gc", "--auto", "--quiet", "--prune=now"], signal);
  }

  async #fetchOnce(ref: string, signal: AbortSignal): Promise<GitResult> {
    const flags = [
      "--depth=1",
      "--no-tags",
      "--force",
      "--quiet",
      "--no-write-fetch-head",
      "--no-recurse-submodules",
      "--no-auto-maintenance",
    ];
    const args = [...flags, "--", this.#url.url, `+${ref}:${HEAD}`];
    let result: GitResult;
    try {
      result = await this.#git.remote("fetch", args, signal);
    } catch (error) {
      // Whoever ended it left its half behind.
      await this.#remove();
      throw error;
    }
    // They would count for what a clone may have, until no fetch fits any more.
    if (result.code !== 0) await removeHalfPacks(this.#options.directory);
    return result;
  }

  /** Whether a fetch brings more than a clone may have. */
  async #guard(): Promise<FlaresmithError | undefined> {
    const { cloneBytes = CLONE_BYTES, directory } = this.#options;
    if ((await packBytes(directory)) <= cloneBytes) return undefined;
    return new FlaresmithError({
      code: "SOURCE_GIT_FAILED",
      class: "terminal",
      field: "spec.git.url",
      message: `the newest commit of ${this.#url.url} is larger than ${cloneBytes / MiB} MiB`,
      hint: "Keep the manifests in a repository of their own.",
    });
  }

  async #ensure(signal: AbortSignal): Promise<void> {
    const { directory } = this.#options;
    const exists = await stat(join(directory, "HEAD")).then(
      () => true,
      () => false,
    );
    if (exists) return;
    this.#emptied();
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const result = await this.#git.local(["init", "--bare", "--quiet", "--template=", "."], signal);
    if (result.code !== 0) throw this.#failure("init", result);
  }

  async #remove(): Promise<void> {
    this.#emptied();
    await rm(this.#options.directory, { recursive: true, force: true });
  }

  async #has(commit: string, signal: AbortSignal): Promise<boolean> {
    const result = await this.#git.local(["rev-parse", "--verify", "--quiet", `${HEAD}^{commit}`], signal);
    return result.code === 0 && result.stdout.toString("utf8").trim() === commit;
  }

  async #hasTree(commit: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#git.local(["cat-file", "-e", `${commit}^{tree}`], signal)).code === 0;
  }

  async files(commit: string, folder: string, path: string, signal: AbortSignal): Promise<Buffer> {
    const result = await this.#git.local(["ls-tree", "-rz", "--full-tree", `${commit}:${folder}`], signal, {
      maxOutput: LISTING_BYTES,
    });
    if (result.code === 0) return result.stdout;
    const isMissing =
      /[Nn]ot a valid object name|not a tree object|does not exist|exists on disk|invalid object name/.test(
        result.stderr,
      );
    // Of a commit that is not here git says the same.
    if (isMissing && (await this.#hasTree(commit, signal))) {
      throw new FlaresmithError({
        code: "SOURCE_NOT_READABLE",
        field: "spec.path",
        message: `there is no folder ${JSON.stringify(path)} in ${this.#url.url} at ${commit}`,
        hint: "Commit the folder, or correct spec.path.",
      });
    }
    throw await this.#broken("ls-tree", result);
  }

  contents(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>> {
    const broken = (command: string, result: GitResult): Promise<Error> => this.#broken(command, result);
    return readBlobs({ git: this.#git, broken }, ids, signal);
  }

  /** The clone cannot be read: it is made anew next time. */
  async #broken(command: string, result: GitResult): Promise<FlaresmithError> {
    await this.#remove();
    return this.#failure(command, result);
  }

  #failure(command: string, result: GitResult): FlaresmithError {
    return gitError({ command, url: this.#url.url, result, redact: (text) => this.#options.redact(text) });
  }
}
