/** Where the clone of a Source lies, and the keys that reach its repository; both below the data directory. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../runtime/hash.ts";
import type { SourceObject } from "./source-object.ts";

const FOLDER = "git";
const OURS = /^([0-9a-f]{32})\.(git|ssh)$/;

/** A Source that is made again under its name has another place. */
export function clonePlace(
  dataDirectory: string,
  { metadata }: SourceObject,
): { readonly clone: string; readonly keys: string } {
  const place = join(dataDirectory, FOLDER, stemOf(metadata));
  return { clone: `${place}.git`, keys: `${place}.ssh` };
}

/**
 * Removes the clones of Sources that went while no controller ran, and keys that one left when it was killed. Only while
 * no git of this process runs.
 *
 * @param sources all that there are; asked when it is known what lies there
 * @throws Error of the file system; what could be removed is gone then
 */
export async function sweepClones(
  dataDirectory: string,
  sources: () => readonly SourceObject[],
): Promise<void> {
  const folder = join(dataDirectory, FOLDER);
  const names = await readdir(folder).catch(() => []);
  const needed = new Set(
    sources()
      .filter(({ metadata, spec }) => metadata.deletionTimestamp === undefined && spec.git !== undefined)
      .map(({ metadata }) => stemOf(metadata)),
  );
  const left = names.filter((name) => {
    const [, stem = "", kind] = OURS.exec(name) ?? [];
    return kind === "ssh" || (kind === "git" && !needed.has(stem));
  });
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

function stemOf({ name, namespace = "", uid = "" }: SourceObject["metadata"]): string {
  return sha256(`${namespace}/${name}/${uid}`).slice(0, 32);
}
