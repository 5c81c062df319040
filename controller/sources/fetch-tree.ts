/** The listing of whatever a Source names: a directory or a git repository. */
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { FlaresmithError } from "../runtime/errors.ts";
import { confineDirectory, relativePath } from "./confine.ts";
import type { SourceMemory } from "./source-memory.ts";
import type { SourceObject } from "./source-object.ts";
import type { SourceTree } from "./source-tree.ts";
import { systemResolver } from "../runtime/adapters/resolve-host.ts";
import type { HostResolver } from "../runtime/adapters/resolve-host.ts";
import type { GitRunner } from "../runtime/adapters/run-git.ts";
import { classifyError } from "../runtime/classify.ts";
import { ApiError } from "../store/resource-client.ts";
import { clonePlace } from "./clone-place.ts";
import { prepareCredentials } from "./git/credentials.ts";
import type { SecretData } from "./git/credentials.ts";
import { createGitReader } from "./git/git-reader.ts";
import { onDisk } from "./git/on-disk.ts";
import { checkGitUrl } from "./git/git-url.ts";

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

/** What reaching git repositories needs. */
export interface GitAccess {
  readonly run: GitRunner;
  /** Clones are below it. */
  readonly dataDirectory: string;
  /** Decoded data of a Secret; undefined when it does not exist. */
  secret(key: { namespace: string; name: string }): Promise<Readonly<Record<string, string>> | undefined>;
  /** Makes a value known as secret, so that it is taken out of everything that is said. */
  registerSecret(value: string): void;
  redact(text: string): string;
  /** Default: the system's resolver. */
  resolveHost?: HostResolver | undefined;
}

/**
 * Lists a git Source.
 *
 * @throws FlaresmithError SOURCE_*, SPEC_SECRET_*, and STORE_* where the Secret cannot be read
 */
export async function fetchGit(
  options: FetchTreeOptions & {
    readonly access: GitAccess;
    readonly git: NonNullable<SourceObject["spec"]["git"]>;
  },
  signal: AbortSignal,
): Promise<SourceTree> {
  const { access, git, source, memory, allowedDirectories } = options;
  const { namespace = "" } = source.metadata;
  const { resolveHost = systemResolver } = access;
  const url = await checkGitUrl(git.url, { directories: allowedDirectories, resolveHost });
  const { clone: directory, keys } = clonePlace(access.dataDirectory, source);
  memory.git ??= createGitReader({
    run: access.run,
    directory,
    redact: (text) => access.redact(text),
  });
  const secretName = git.secretRef?.name ?? "";
  const secret = secretName === "" ? undefined : await readSecret(access, { namespace, name: secretName });
  const credentials = await onDisk(url.url, () =>
    prepareCredentials({
      url,
      secret,
      secretName,
      directory: keys,
      registerSecret: (value) => access.registerSecret(value),
    }),
  );
  try {
    return await memory.git.list({ url, branch: git.branch, path: source.spec.path, credentials }, signal);
  } finally {
    await onDisk(url.url, () => credentials.dispose());
  }
}

async function readSecret(access: GitAccess, key: { namespace: string; name: string }): Promise<SecretData> {
  const data = await secretData(access, key);
  if (data === undefined) {
    throw new FlaresmithError({
      code: "SPEC_SECRET_MISSING",
      field: "spec.git.secretRef.name",
      message: `the Secret ${key.name} does not exist in namespace ${key.namespace}`,
    });
  }
  for (const name of ["token", "sshPrivateKey"])
    if (data[name] !== undefined) access.registerSecret(data[name].trim());
  return data;
}

/** @throws FlaresmithError where the API server refuses it: the error of the Source, whose field names it */
async function secretData(
  access: GitAccess,
  key: { namespace: string; name: string },
): Promise<SecretData | undefined> {
  try {
    return await access.secret(key);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { class: errorClass, code, hint, message } = classifyError(error);
    if (errorClass === "conflict") throw error;
    throw new FlaresmithError({
      code,
      field: "spec.git.secretRef.name",
      message: `the Secret ${key.name} cannot be read: ${message}`,
      hint,
      cause: error,
    });
  }
}
