/** The whole content of the store as JSON lines: what `flaresmith backup` saves while the server runs. */
import type { ApiStore } from "./api-store.ts";

/** Where it is asked for. */
export const BACKUP_PATH = "/backup";

/** The first line; every other one is a row of the store. */
export interface BackupHeader {
  revision: number;
  /** How many lines follow: a stream that ends earlier broke off. */
  rows: number;
}

/** Characters that are gathered before a chunk is sent. */
const CHUNK = 64 * 1024;

/**
 * Everything of one moment, as it lies in memory: a store whose file is full or damaged is saved like any other.
 * @param yieldToLoop awaited between chunks, so that other work gets its turn
 */
export function backupResponse(store: ApiStore, yieldToLoop: () => Promise<void>): Response {
  const { revision, rows } = store.snapshot();
  const header: BackupHeader = { revision, rows: rows.length };
  const encoder = new TextEncoder();
  let text = `${JSON.stringify(header)}\n`;
  let next = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await yieldToLoop();
        while (next < rows.length && text.length < CHUNK) {
          text += `${JSON.stringify(rows[next])}\n`;
          next += 1;
        }
        if (text !== "") controller.enqueue(encoder.encode(text));
        text = "";
        if (next === rows.length) controller.close();
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, {
    headers: { "cache-control": "no-store", "content-type": "application/jsonl" },
  });
}
