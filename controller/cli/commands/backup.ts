/** `flaresmith backup`: the whole store in one file. `flaresmith restore`: a data directory begins with such a file. */
import { chmodSync, copyFileSync, existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { BACKUP_PATH } from "../../apiserver/backup-response.ts";
import type { BackupHeader } from "../../apiserver/backup-response.ts";
import {
  DataDirectoryLockedError,
  copyStore,
  createStore,
  lockDataDirectory,
} from "../../store/embedded/index.ts";
import type { StoreContent, StoredRow } from "../../store/embedded/index.ts";
import { readLines } from "../../store/cluster/lines.ts";
import { isApiError } from "../../store/resource-client.ts";
import { CommandError, exitCodes } from "../failure.ts";
import { withServer } from "../running-server.ts";
import type { ServerOptions } from "../running-server.ts";
import type { Terminal } from "../terminal.ts";
import type { CommandEnvironment } from "../environment.ts";

export interface BackupOptions extends ServerOptions {
  output: "text" | "json";
}

export interface RestoreOptions {
  dataDir: string;
  output: "text" | "json";
}

interface Saved {
  objects: number;
  revision: number;
}

/**
 * Saves the store of a server that runs, or that of a data directory on which none does.
 * @throws CommandError when the file exists, or there is no store; StoreUnusableError when it is damaged
 */
export async function backup(
  file: string,
  options: BackupOptions,
  environment: CommandEnvironment,
): Promise<number> {
  const { terminal } = environment;
  const target = resolve(file);
  if (existsSync(target)) {
    throw new CommandError(`${target} exists`, {
      hint: "Name a file that does not: nothing is overwritten.",
    });
  }
  const saved =
    (options.kubeconfig === undefined ? saveAtRest(options, target) : undefined) ??
    (await saveRunning(options, environment, target));
  if (options.output === "json") terminal.line(JSON.stringify({ file: target, ...saved }));
  else {
    terminal.line(
      `Saved ${saved.objects} objects to ${target}. It holds Secrets as they are: keep it as you keep them.`,
    );
  }
  return exitCodes.ok;
}

/** Undefined when a server runs on the data directory. */
function saveAtRest({ dataDir }: ServerOptions, target: string): Saved | undefined {
  const directory = resolve(dataDir);
  const store = join(directory, "store.db");
  if (!existsSync(store)) {
    throw new CommandError(`there is no store in ${directory}`, {
      hint: "Name the data directory of flaresmith up with --data-dir, or a server with --kubeconfig.",
    });
  }
  let lock: ReturnType<typeof lockDataDirectory>;
  try {
    lock = lockDataDirectory(directory);
  } catch (error) {
    if (error instanceof DataDirectoryLockedError) return undefined;
    throw error;
  }
  try {
    return copyStore(store, target);
  } finally {
    lock.release();
  }
}

function saveRunning(
  options: ServerOptions,
  environment: CommandEnvironment,
  target: string,
): Promise<Saved> {
  return withServer(options, environment, async (server) => {
    let body: AsyncIterable<Uint8Array>;
    try {
      body = await server.open(BACKUP_PATH);
    } catch (error) {
      if (!isApiError(error, "NotFound")) throw error;
      throw new CommandError("the server has no store to give away", {
        hint: "Only what flaresmith up runs on can be saved; in a cluster the objects lie in etcd.",
        cause: error,
      });
    }
    return createStore(target, await contentOf(body));
  });
}

async function contentOf(body: AsyncIterable<Uint8Array>): Promise<StoreContent> {
  let header: BackupHeader | undefined;
  const rows: StoredRow[] = [];
  for await (const line of readLines(body)) {
    if (header === undefined) header = JSON.parse(line) as BackupHeader;
    else rows.push(JSON.parse(line) as StoredRow);
  }
  if (header === undefined || rows.length !== header.rows) {
    throw new CommandError("the answer of the server broke off, and nothing was saved", {
      hint: "Do the same again.",
    });
  }
  return { rows, revision: header.revision };
}

/**
 * Puts a saved store into a data directory that has none.
 * @throws CommandError when there is one, or the file does not exist; StoreUnusableError when it is not sound
 */
export function restore(file: string, options: RestoreOptions, { terminal }: { terminal: Terminal }): number {
  const source = resolve(file);
  const directory = resolve(options.dataDir);
  if (!existsSync(source)) {
    throw new CommandError(`${source} does not exist`, { hint: "Name a file that flaresmith backup wrote." });
  }
  const lock = lockDataDirectory(directory);
  try {
    const store = join(directory, "store.db");
    const present = [store, `${store}-wal`].find((path) => existsSync(path));
    if (present !== undefined) {
      throw new CommandError(`${present} exists`, {
        hint: "Move it away first, with what belongs to it (-wal), and keep it: nothing is overwritten.",
      });
    }
    const { objects, revision } = restoreInto(store, source);
    if (options.output === "json") terminal.line(JSON.stringify({ store, objects, revision }));
    else terminal.line(`Restored ${objects} objects to ${store}. Start flaresmith up as before.`);
    return exitCodes.ok;
  } finally {
    lock.release();
  }
}

/** The file may lie where nothing can be written, and reading a store needs room beside it. */
function restoreInto(store: string, source: string): Saved {
  const scratch = `${store}.restoring`;
  const removeScratch = (): void => {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${scratch}${suffix}`, { force: true });
  };
  try {
    removeScratch();
    for (const suffix of ["", "-wal"]) {
      if (!existsSync(`${source}${suffix}`)) continue;
      copyFileSync(`${source}${suffix}`, `${scratch}${suffix}`);
      chmodSync(`${scratch}${suffix}`, 0o600);
    }
    return copyStore(scratch, store, { named: source, last: "optional", isOwn: true });
  } finally {
    removeScratch();
  }
}
