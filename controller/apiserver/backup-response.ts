/** The whole content of the store as JSON lines: what `flaresmith backup` saves while the server runs. */
import type { ApiStore } from "./api-store.ts";
import type { ListSending } from "./respond.ts";
import { stalledReader } from "./stalled-reader.ts";

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

/** Everything of one moment, as it lies in memory: a store whose file is full or damaged is saved like any other. */
export function backupResponse(store: ApiStore, sending: ListSending): Response {
  const { revision, rows } = store.snapshot();
  const header: BackupHeader = { revision, rows: rows.length };
  const encoder = new TextEncoder();
  const reader = stalledReader(sending.clock, sending.disconnect);
  let text = `${JSON.stringify(header)}\n`;
  let next = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader.read();
        await sending.yieldToLoop();
        while (next < rows.length && text.length < CHUNK) {
          text += `${JSON.stringify(rows[next])}\n`;
          next += 1;
        }
        if (text !== "") controller.enqueue(encoder.encode(text));
        text = "";
        if (next === rows.length) controller.close();
        else reader.sent();
      },
      cancel: () => reader.read(),
    },
    { highWaterMark: 1 },
  );
  return new Response(body, {
    headers: { "cache-control": "no-store", "content-type": "application/jsonl" },
  });
}
