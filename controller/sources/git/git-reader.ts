/** A branch of a git repository as a source: a bare, shallow clone, read by object id. There never is a work tree. */
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { FlaresmithError, isFlaresmithError } from "../../runtime/errors.ts";
import type { GitResult, GitRunner } from "../../runtime/adapters/run-git.ts";
import { relativePath } from "../confine.ts";
import { MAX_FILE_BYTES, MAX_TOTAL_BYTES } from "../read/limits.ts";
import type { SourceTree } from "../source-tree.ts";
import { tooMuch } from "../too-much.ts";
import type { PreparedCredentials } from "./credentials.ts";
import { gitError, isDamaged } from "./git-errors.ts";
import type { GitUrl } from "./git-url.ts";
import { branchRef } from "./git-url.ts";
import { createTreeParser } from "./parse-tree.ts";

const MiB = 1024 * 1024;
const NETWORK_TIMEOUT = 120_000;
const LOCAL_TIMEOUT = 60_000;
const LISTING_BYTES = 64 * MiB;
/** Bytes of a clone. What a host sends is not known before it is here. */
const CLONE_BYTES = 1024 * MiB;
/** Bytes that git may ask for at once: an object that small packs unfold to is no manifest. */
const ALLOCATION = "256m";
/** Contents that are read with one process. */
const CONTENT_BYTES = 16 * MiB;
const HEAD = "refs/flaresmith/head";
const COMMIT = /^[0-9a-f]{40}$/;
/** Stands for a blob beyond the limit: large enough to be refused, never fetched into memory. */
const TOO_LARGE = new Uint8Array(MAX_FILE_BYTES + 1);

/** Settings of every run: nothing of the machine's or the repository's own configuration decides what is executed. */
const CONFIG: readonly (readonly [string, string])[] = [
  ["protocol.allow", "never"],
  ["protocol.https.allow", "always"],
  ["protocol.ssh.allow", "always"],
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.askPass", ""],
  ["credential.helper", ""],
  ["http.followRedirects", "false"],
  ["http.lowSpeedLimit", "100"],
  ["http.lowSpeedTime", "60"],
  ["fetch.recurseSubmodules", "false"],
  ["transfer.bundleURI", "false"],
  // What is fetched stays one file, whose growth can be watched; what is large passes through without being held.
  ["fetch.unpackLimit", "1"],
  ["core.bigFileThreshold", "1m"],
  ["gc.autoDetach", "false"],
  ["init.defaultBranch", "main"],
];

export interface GitReader {
  /**
   * Lists a branch as it is now; costs one request when it did not move.
   * @throws FlaresmithError SOURCE_GIT_FAILED, SOURCE_GIT_AUTH_FAILED, SOURCE_NOT_READABLE
   */
  list(
    options: { url: GitUrl; branch: string; path: string; credentials: PreparedCredentials },
    signal: AbortSignal,
  ): Promise<SourceTree>;
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
  return {
    dispose: async () => {
      last = undefined;
      await rm(options.directory, { recursive: true, force: true });
    },
    list: async ({ url, branch, path, credentials }, signal) => {
      const ref = branchRef(branch);
      const folder = relativePath(path);
      const clone = new Clone(options, url, credentials);
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
        load: (ids, abort) => clone.contents(ids, abort),
      };
      last = { key, url: url.url, commit: fetched, tree };
      return tree;
    },
  };
}

class Clone {
  readonly #options: GitReaderOptions;
  readonly #url: GitUrl;
  readonly #credentials: PreparedCredentials;

  constructor(options: GitReaderOptions, url: GitUrl, credentials: PreparedCredentials) {
    this.#options = options;
    this.#url = url;
    this.#credentials = credentials;
  }

  /** The commit that the branch points to at the remote. */
  async tip(ref: string, signal: AbortSignal): Promise<string> {
    await this.#ensure(signal);
    const result = await this.#remote("ls-remote", ["--", this.#url.url, ref], signal);
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
    let result = await this.#fetchOnce(ref, signal).catch(async (error: unknown) => {
      // Whoever ended it left its half behind.
      await rm(this.#options.directory, { recursive: true, force: true });
      throw error;
    });
    if (result.code !== 0 && isDamaged(result)) {
      await this.#discard(signal);
      result = await this.#fetchOnce(ref, signal);
    }
    if (result.code !== 0) throw this.#failure("fetch", result);
    // It may have come faster than anybody looked.
    const tooLarge = await this.#guard();
    if (tooLarge !== undefined) await rm(this.#options.directory, { recursive: true, force: true });
    if (tooLarge !== undefined) throw tooLarge;
    return this.#head(signal);
  }

  /** The commit that was fetched. Git writes it to a file of its own; where it keeps refs elsewhere, it is asked. */
  async #head(signal: AbortSignal): Promise<string> {
    const text = await readFile(join(this.#options.directory, HEAD), "latin1").catch(() => "");
    if (COMMIT.test(text.trim())) return text.trim();
    const head = await this.#local(["rev-parse", "--verify", `${HEAD}^{commit}`], signal);
    if (head.code !== 0) throw this.#failure("rev-parse", head);
    return head.stdout.toString("utf8").trim();
  }

  /** Drops what only older commits need. */
  async tidy(signal: AbortSignal): Promise<void> {
    await this.#local(["gc", "--auto", "--quiet", "--prune=now"], signal);
  }

  #fetchOnce(ref: string, signal: AbortSignal): Promise<GitResult> {
    const flags = [
      "--depth=1",
      "--no-tags",
      "--force",
      "--quiet",
      "--no-write-fetch-head",
      "--no-recurse-submodules",
      "--no-auto-maintenance",
    ];
    return this.#remote("fetch", [...flags, "--", this.#url.url, `+${ref}:${HEAD}`], signal);
  }

  /** Whether a fetch brings more than a clone may have. */
  async #guard(): Promise<FlaresmithError | undefined> {
    const packs = join(this.#options.directory, "objects", "pack");
    const names = await readdir(packs).catch(() => []);
    const sizes = await Promise.all(
      names.map((name) =>
        stat(join(packs, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    const { cloneBytes = CLONE_BYTES } = this.#options;
    if (sizes.reduce((sum, size) => sum + size, 0) <= cloneBytes) return undefined;
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
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const result = await this.#local(["init", "--bare", "--quiet", "--template=", "."], signal);
    if (result.code !== 0) throw this.#failure("init", result);
  }

  async #discard(signal: AbortSignal): Promise<void> {
    await rm(this.#options.directory, { recursive: true, force: true });
    await this.#ensure(signal);
  }

  async #has(commit: string, signal: AbortSignal): Promise<boolean> {
    const result = await this.#local(["rev-parse", "--verify", "--quiet", `${HEAD}^{commit}`], signal);
    return result.code === 0 && result.stdout.toString("utf8").trim() === commit;
  }

  async files(commit: string, folder: string, path: string, signal: AbortSignal): Promise<Buffer> {
    const result = await this.#local(
      ["ls-tree", "-rz", "--full-tree", `${commit}:${folder}`],
      signal,
      LISTING_BYTES,
    );
    if (result.code === 0) return result.stdout;
    if (
      /[Nn]ot a valid object name|not a tree object|does not exist|exists on disk|invalid object name/.test(
        result.stderr,
      )
    ) {
      throw new FlaresmithError({
        code: "SOURCE_NOT_READABLE",
        field: "spec.path",
        message: `there is no folder ${JSON.stringify(path)} in ${this.#url.url} at ${commit}`,
        hint: "Commit the folder, or correct spec.path.",
      });
    }
    throw await this.#broken("ls-tree", result);
  }

  async contents(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>> {
    const few = await this.#readFew(ids, signal);
    if (few !== undefined) return few;
    const found = new Map<string, Uint8Array>();
    const sizes = await this.#sizes(ids, signal);
    let batch: string[] = [];
    let bytes = 0;
    for (const [id, size] of sizes) {
      if (size > MAX_FILE_BYTES) {
        found.set(id, TOO_LARGE);
        continue;
      }
      if (bytes + size > CONTENT_BYTES && batch.length > 0) {
        await this.#read(batch, found, signal);
        [batch, bytes] = [[], 0];
      }
      batch.push(id);
      bytes += size;
    }
    if (batch.length > 0) await this.#read(batch, found, signal);
    return found;
  }

  /**
   * Each process costs time in which nothing else happens, so a few files are read without asking for their sizes first.
   * Undefined when they may be, or are, too much for that.
   */
  async #readFew(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
    if (ids.length * MAX_FILE_BYTES > CONTENT_BYTES) return undefined;
    const found = new Map<string, Uint8Array>();
    try {
      await this.#read(ids, found, signal);
      return found;
    } catch (error) {
      if (isFlaresmithError(error, "SOURCE_GIT_FAILED") && error.class === "terminal") return undefined;
      throw error;
    }
  }

  async #sizes(ids: readonly string[], signal: AbortSignal): Promise<Map<string, number>> {
    const format = "--batch-check=%(objectname) %(objecttype) %(objectsize)";
    const result = await this.#local(["cat-file", format], signal, LISTING_BYTES, `${ids.join("\n")}\n`);
    if (result.code !== 0) throw await this.#broken("cat-file", result);
    const sizes = new Map<string, number>();
    let total = 0;
    for (const line of result.stdout.toString("latin1").split("\n")) {
      const [id = "", type, size] = line.split(" ");
      if (type !== "blob") continue;
      sizes.set(id, Number(size));
      if (Number(size) <= MAX_FILE_BYTES) total += Number(size);
    }
    if (sizes.size < new Set(ids).size) throw await this.#broken("cat-file", result);
    if (total <= MAX_TOTAL_BYTES) return sizes;
    throw tooMuch(`the manifest files hold more than ${MAX_TOTAL_BYTES / MiB} MiB`);
  }

  async #read(ids: readonly string[], found: Map<string, Uint8Array>, signal: AbortSignal): Promise<void> {
    const limit = CONTENT_BYTES + MAX_FILE_BYTES + ids.length * 128;
    const result = await this.#local(["cat-file", "--batch"], signal, limit, `${ids.join("\n")}\n`);
    if (result.code !== 0) throw await this.#broken("cat-file", result);
    const { stdout } = result;
    let at = 0;
    while (at < stdout.byteLength) {
      const end = stdout.indexOf(10, at);
      const [id = "", type, size] = stdout.subarray(at, end).toString("latin1").split(" ");
      const length = Number(size);
      if (end === -1 || type !== "blob" || !Number.isSafeInteger(length))
        throw await this.#broken("cat-file", result);
      found.set(id, stdout.subarray(end + 1, end + 1 + length));
      at = end + 1 + length + 1;
    }
  }

  /** The clone cannot be read: it is made anew next time. */
  async #broken(command: string, result: GitResult): Promise<FlaresmithError> {
    await rm(this.#options.directory, { recursive: true, force: true });
    return this.#failure(command, result);
  }

  #failure(command: string, result: GitResult): FlaresmithError {
    return gitError({ command, url: this.#url.url, result, redact: (text) => this.#options.redact(text) });
  }

  #remote(command: string, args: readonly string[], signal: AbortSignal): Promise<GitResult> {
    const { config, env } = this.#credentials;
    const { protocol, resolved } = this.#url;
    const reach: (readonly [string, string])[] = [
      ...(protocol === "file" ? [["protocol.file.allow", "always"] as const] : []),
      ...(resolved === undefined ? [] : [["http.curloptResolve", resolved] as const]),
    ];
    // Exactly the directory that was looked at, and not what git finds near it.
    const strict = protocol === "file" ? ["--upload-pack=git-upload-pack --strict"] : [];
    return this.#git(
      [command, ...strict, ...args],
      {
        config: [...reach, ...config],
        env,
        timeout: NETWORK_TIMEOUT,
        maxOutput: 4 * MiB,
        guard: () => this.#guard(),
      },
      signal,
    );
  }

  #local(args: readonly string[], signal: AbortSignal, maxOutput = MiB, input?: string): Promise<GitResult> {
    return this.#git(args, { config: [], env: {}, timeout: LOCAL_TIMEOUT, maxOutput, input }, signal);
  }

  #git(
    args: readonly string[],
    options: {
      config: readonly (readonly [string, string])[];
      env: Readonly<Record<string, string>>;
      timeout: number;
      maxOutput: number;
      input?: string | undefined;
      guard?: () => Promise<Error | undefined>;
    },
    signal: AbortSignal,
  ): Promise<GitResult> {
    const { directory } = this.#options;
    const { timeout, maxOutput, input, guard } = options;
    const config = [...CONFIG, ...options.config];
    const env: Record<string, string> = {
      LC_ALL: "C",
      // Without these, files in a home directory (.gitconfig, .netrc) would have a say.
      HOME: "/nonexistent",
      XDG_CONFIG_HOME: "/nonexistent",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_ATTR_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      GIT_ASKPASS: "",
      SSH_ASKPASS: "",
      GIT_PROTOCOL_FROM_USER: "0",
      GIT_OPTIONAL_LOCKS: "0",
      GIT_NO_REPLACE_OBJECTS: "1",
      GIT_NO_LAZY_FETCH: "1",
      GIT_ALLOC_LIMIT: ALLOCATION,
      GIT_DIR: ".",
      GIT_CONFIG_COUNT: String(config.length),
      ...options.env,
    };
    for (const [index, [key, value]] of config.entries()) {
      env[`GIT_CONFIG_KEY_${index}`] = key;
      env[`GIT_CONFIG_VALUE_${index}`] = value;
    }
    return this.#options.run({ args, cwd: directory, env, timeout, maxOutput, input, guard }, signal);
  }
}
