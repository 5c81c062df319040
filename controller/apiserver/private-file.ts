/** Files that only their owner may read. */
import { chmod, open, readFile, rename } from "node:fs/promises";

/** The text of a file; undefined when it does not exist. @throws the error of the file system otherwise */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Replaces a file in one step, mode 0600, on the disk before the promise resolves. */
export async function writePrivate(path: string, text: string): Promise<void> {
  const partial = `${path}.partial`;
  const file = await open(partial, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  // A file left over by an earlier crash keeps its own mode.
  await chmod(partial, 0o600);
  await rename(partial, path);
}
