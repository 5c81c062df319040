/** Contents of files of a clone, by object id, within the limits of a source. */
import { isFlaresmithError } from "../../runtime/errors.ts";
import type { GitResult } from "../../runtime/adapters/run-git.ts";
import { MAX_FILE_BYTES, MAX_TOTAL_BYTES } from "../read/limits.ts";
import { tooMuch } from "../too-much.ts";
import type { GitCommand } from "./git-command.ts";

const MiB = 1024 * 1024;
/** Contents that are read with one process. */
const CONTENT_BYTES = 16 * MiB;
const SIZES_BYTES = 64 * MiB;
/** Stands for a blob beyond the limit: large enough to be refused, never fetched into memory. */
const TOO_LARGE = new Uint8Array(MAX_FILE_BYTES + 1);

/** Where blobs are read. */
export interface BlobReading {
  readonly git: GitCommand;
  /** What is thrown when git cannot read the clone. */
  readonly broken: (command: string, result: GitResult) => Promise<Error>;
}

/**
 * @param ids of blobs that are in the clone
 * @returns their bytes; for one beyond MAX_FILE_BYTES, something that is larger than that
 * @throws FlaresmithError when all of them together are more than a source may have, or the clone cannot be read
 */
export async function readBlobs(
  reading: BlobReading,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const few = await readFew(reading, ids, signal);
  if (few !== undefined) return few;
  const found = new Map<string, Uint8Array>();
  const sizes = await sizesOf(reading, ids, signal);
  let batch: string[] = [];
  let bytes = 0;
  for (const [id, size] of sizes) {
    if (size > MAX_FILE_BYTES) {
      found.set(id, TOO_LARGE);
      continue;
    }
    if (bytes + size > CONTENT_BYTES && batch.length > 0) {
      await readBatch(reading, batch, found, signal);
      [batch, bytes] = [[], 0];
    }
    batch.push(id);
    bytes += size;
  }
  if (batch.length > 0) await readBatch(reading, batch, found, signal);
  return found;
}

/**
 * Each process costs time in which nothing else happens, so a few files are read without asking for their sizes first.
 * Undefined when they may be, or are, too much for that.
 */
async function readFew(
  reading: BlobReading,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
  if (ids.length * MAX_FILE_BYTES > CONTENT_BYTES) return undefined;
  const found = new Map<string, Uint8Array>();
  try {
    await readBatch(reading, ids, found, signal);
    return found;
  } catch (error) {
    if (isFlaresmithError(error, "SOURCE_GIT_FAILED") && error.class === "terminal") return undefined;
    throw error;
  }
}

async function sizesOf(
  { git, broken }: BlobReading,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const format = "--batch-check=%(objectname) %(objecttype) %(objectsize)";
  const input = `${ids.join("\n")}\n`;
  const result = await git.local(["cat-file", format], signal, { maxOutput: SIZES_BYTES, input });
  if (result.code !== 0) throw await broken("cat-file", result);
  const sizes = new Map<string, number>();
  let total = 0;
  for (const line of result.stdout.toString("latin1").split("\n")) {
    const [id = "", type, size] = line.split(" ");
    if (type !== "blob") continue;
    sizes.set(id, Number(size));
    if (Number(size) <= MAX_FILE_BYTES) total += Number(size);
  }
  if (sizes.size < new Set(ids).size) throw await broken("cat-file", result);
  if (total <= MAX_TOTAL_BYTES) return sizes;
  throw tooMuch(`the manifest files hold more than ${MAX_TOTAL_BYTES / MiB} MiB`);
}

async function readBatch(
  { git, broken }: BlobReading,
  ids: readonly string[],
  found: Map<string, Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const maxOutput = CONTENT_BYTES + MAX_FILE_BYTES + ids.length * 128;
  const input = `${ids.join("\n")}\n`;
  const result = await git.local(["cat-file", "--batch"], signal, { maxOutput, input });
  if (result.code !== 0) throw await broken("cat-file", result);
  const { stdout } = result;
  let at = 0;
  while (at < stdout.byteLength) {
    const end = stdout.indexOf(10, at);
    const [id = "", type, size] = stdout.subarray(at, end).toString("latin1").split(" ");
    const length = Number(size);
    if (end === -1 || type !== "blob" || !Number.isSafeInteger(length))
      throw await broken("cat-file", result);
    found.set(id, stdout.subarray(end + 1, end + 1 + length));
    at = end + 1 + length + 1;
  }
}
