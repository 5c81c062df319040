/** A store as a whole in another file. */
import { createFile } from "./create-file.ts";
import type { FileContent } from "./create-file.ts";
import { inspect, isPresent } from "./inspect.ts";
import type { FoundStore } from "./inspect.ts";
import { StoreUnusableError } from "./unusable.ts";

/** How much a copy holds. */
export interface Copied {
  objects: number;
  revision: number;
}

/**
 * Makes a store that holds what it is given. Whoever opens it counts revisions on from far above what the original can
 * have reached since.
 * @param options.isOwn see `createFile`. Default false
 * @throws StoreUnusableError when it cannot be written, or something has its name
 */
export function createStore(
  path: string,
  content: FileContent,
  { isOwn = false }: { isOwn?: boolean } = {},
): Copied {
  createFile(path, content, { isCopy: true, isOwn });
  return { objects: content.rows.length, revision: content.revision };
}

/**
 * Copies a store that nobody has open; the original is not changed.
 * @param options.named how messages call the original. Default: its path
 * @param options.last `optional` also takes one whose last writes are lost
 * @param options.isOwn see `createFile`. Default false
 * @throws StoreUnusableError when it is not sound, or the copy cannot be written
 */
export function copyStore(
  from: string,
  to: string,
  options: { named?: string; last?: "required" | "optional"; isOwn?: boolean } = {},
): Copied {
  const { isOwn = false, named = from, last = "required" } = options;
  const { objects, revision } = original(from, named, last);
  return createStore(to, { rows: objects, revision }, { isOwn });
}

function original(from: string, named: string, last: "required" | "optional"): FoundStore {
  try {
    if (!isPresent(from)) throw new Error(`${from} does not exist`);
    return inspect(from, { last });
  } catch (error) {
    if (!(error instanceof StoreUnusableError) || named === from) throw error;
    throw new StoreUnusableError({
      message: error.message.replaceAll(from, named),
      hint: `Nothing was changed. Restore another backup.`,
      cause: error,
    });
  }
}
