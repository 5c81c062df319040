/** Types whose objects are kept for a time only, such as Events. */
import type { Transaction } from "./transaction.ts";

/** Drops what is older than its type keeps it, of the types that the transaction wrote to. A dry run drops nothing. */
export function dropExpired(tx: Transaction): void {
  if (tx.dryRun) return;
  for (const key of tx.touched) {
    const retention = tx.definition(key)?.retention;
    if (retention === undefined) continue;
    const collection = tx.state.collection(key);
    for (;;) {
      const oldest = collection.oldest();
      if (oldest === undefined) break;
      if (collection.size <= retention.capacity && tx.now - oldest.writtenAt < retention.milliseconds) break;
      tx.remove(oldest);
    }
  }
}
