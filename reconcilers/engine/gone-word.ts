/** How a person names, in `flaresmith.dev/confirm-gone`, something that only he can know to be gone. */
import type { InventoryEntry } from "./resource.ts";

/**
 * The id; the nonce of what was asked for without an answer, so that nobody learned its id. A name would be no such word:
 * another thing may have it tomorrow.
 */
export function goneWord(entry: InventoryEntry): string | undefined {
  return entry.id ?? (entry.state === "creating" ? entry.nonce : undefined);
}

/** Whether a person said that it is gone. */
export function isSaidGone(entry: InventoryEntry | undefined, words: ReadonlySet<string>): boolean {
  const word = entry && goneWord(entry);
  return word !== undefined && words.has(word);
}
