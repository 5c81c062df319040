/** Work that writes the clone or the keys of a Source, and what it means when the disk does not take it. */
import { FlaresmithError } from "../../runtime/errors.ts";

const OWNER = "Let the controller's user own and write the data directory.";
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", "Free space on the disk of the data directory."],
  ["EDQUOT", "Free space, or raise the quota, on the disk of the data directory."],
  ["EROFS", "Mount the disk of the data directory so that it can be written."],
  ["EACCES", OWNER],
  ["EPERM", OWNER],
]);
const REMEDY = "Check the data directory: the controller's user writes folders and files below it.";

/**
 * Work continues by itself when the disk lets it: nothing about the Source has to change.
 *
 * @param url of the repository, without credentials
 * @throws FlaresmithError SOURCE_GIT_FAILED in place of an error of the file system; whatever else `work` throws
 */
export async function onDisk<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw new FlaresmithError({
      code: "SOURCE_GIT_FAILED",
      message: `the clone of ${url} cannot be kept in the data directory (${code})`,
      hint: REMEDIES.get(code) ?? REMEDY,
      cause: error,
    });
  }
}

function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof FlaresmithError) return undefined;
  return "syscall" in error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
