/**
 * The folders and files that a walk met, looked at again when it is over: only where all are as they were did it see one
 * state of the tree. What moves from a folder that is still to come to one that was listed is in neither.
 */
import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Places that are looked at together. */
const BATCH = 64;

interface Place {
  readonly path: string;
  readonly fingerprint: string;
  /** Of a folder. */
  readonly folder?: {
    readonly identity: string;
    /** Kept where the folder changed so recently that its times may not show that it changes again. */
    readonly names: string | undefined;
  };
}

/** What is no longer as the walk met it. */
interface Recheck {
  /** One place that changed or went. */
  readonly changed: string | undefined;
  /** Whether what was read at a path is not known to have been there: it, or a folder above it, is something else now. */
  readonly isLost: (path: string) => boolean;
}

export interface ListedPlaces {
  /** @param stats from before its names were read */
  folder(path: string, stats: BigIntStats, names: readonly Buffer[]): void;
  /** @param fingerprint of the file that was opened */
  file(path: string, fingerprint: string): void;
  recheck(signal: AbortSignal): Promise<Recheck>;
}

/** What is different when a file or folder was changed, or another took its place. */
export function fingerprintOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/**
 * @param root real path of the tree; places are below it, `""` is itself
 * @param isSettled whether something was changed so long ago that its times would show another change
 */
export function createListedPlaces(root: string, isSettled: (stats: BigIntStats) => boolean): ListedPlaces {
  const places: Place[] = [];
  const lost = new Set<string>();
  let changed: string | undefined;
  const look = async ({ path, fingerprint, folder }: Place): Promise<void> => {
    const full = join(root, path);
    const stats = await lstat(full, { bigint: true }).catch(() => undefined);
    const isSame = stats !== undefined && fingerprintOf(stats) === fingerprint;
    if (isSame && (folder?.names === undefined || folder.names === (await namesIn(full)))) return;
    changed ??= path;
    if (folder === undefined ? !isSame : stats === undefined || identityOf(stats) !== folder.identity)
      lost.add(path);
  };
  return {
    folder: (path, stats, names) => {
      const kept = isSettled(stats) ? undefined : joined(names);
      places.push({
        path,
        fingerprint: fingerprintOf(stats),
        folder: { identity: identityOf(stats), names: kept },
      });
    },
    file: (path, fingerprint) => void places.push({ path, fingerprint }),
    recheck: async (signal) => {
      for (let start = 0; start < places.length; start += BATCH) {
        signal.throwIfAborted();
        await Promise.all(places.slice(start, start + BATCH).map((place) => look(place)));
      }
      return {
        changed,
        isLost: (path) => lost.size > 0 && [path, ...foldersOf(path)].some((one) => lost.has(one)),
      };
    },
  };
}

/** A link has an inode of its own. */
function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

async function namesIn(folder: string): Promise<string> {
  return joined(await readdir(folder, { encoding: "buffer" }).catch(() => []));
}

function joined(names: readonly Buffer[]): string {
  // Each byte a character: names need not be UTF-8. No name has a slash.
  return names
    .map((name) => name.toString("latin1"))
    .toSorted()
    .join("/");
}

/** The folders above a path, up to the root. */
function foldersOf(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, index) => parts.slice(0, index).join("/"));
}
