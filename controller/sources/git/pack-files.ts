/** The packs of a clone, as files. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

const folderOf = (clone: string): string => join(clone, "objects", "pack");

/** What git writes before it is a pack. */
const HALF = /^tmp_/;

/** Bytes of all packs of a clone, finished or not. */
export async function packBytes(clone: string): Promise<number> {
  const folder = folderOf(clone);
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Removes what a fetch that broke off left; git itself keeps it for weeks. Only while no fetch runs. */
export async function removeHalfPacks(clone: string): Promise<void> {
  const folder = folderOf(clone);
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names.filter((name) => HALF.test(name)).map((name) => rm(join(folder, name), { force: true })),
  );
}
