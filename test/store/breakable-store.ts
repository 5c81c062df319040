/** A store on a real file whose disk can be broken and mended, for the whole controller in virtual time. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { seededRandom } from "../../controller/runtime/adapters/virtual.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { EmbeddedStore, StoreHealth } from "../../controller/store/embedded/index.ts";
import { kinds } from "../../crds/index.ts";
import { virtualTime } from "../support/virtual-time.ts";
import type { VirtualTime } from "../support/virtual-time.ts";

/** What SQLite throws, as test/store/real-disk.test.ts and disk-full.test.ts see it. */
const breakages = {
  full: { errcode: 13, message: "database or disk is full" },
  failing: { errcode: 10, message: "disk I/O error" },
  damaged: { errcode: 11, message: "database disk image is malformed" },
} as const;

export interface BreakableStore {
  store: EmbeddedStore;
  time: VirtualTime;
  path: string;
  /** Transactions that were asked for, those that failed among them. */
  readonly commits: number;
  /** Every change of health, in order. */
  readonly heard: readonly StoreHealth[];
  /** From the commit with this number (from 0) on, each one fails. Default: from the next. */
  breakDisk(how: keyof typeof breakages, from?: number): void;
  mendDisk(): void;
  /** Closes the store and removes its file. */
  close(): Promise<void>;
}

/** @param options.onHealth hears what the process would hear */
export async function breakableStore(
  options: { time?: VirtualTime; onHealth?: (health: StoreHealth) => void } = {},
): Promise<BreakableStore> {
  const directory = mkdtempSync(join(tmpdir(), "flaresmith-disk-"));
  const path = join(directory, "store.db");
  const time = options.time ?? virtualTime();
  const heard: StoreHealth[] = [];
  const disk: { broken?: keyof typeof breakages | undefined; from: number; commits: number } = {
    from: 0,
    commits: 0,
  };
  const store = await openEmbeddedStore({
    path,
    clock: time.controller,
    random: seededRandom(3),
    types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
    // Virtual time stands still while somebody waits for a write.
    defer: queueMicrotask,
    onHealth: (health) => {
      heard.push(health);
      options.onHealth?.(health);
    },
    onOpen: (connection: DatabaseSync) => {
      const execute = connection.exec.bind(connection);
      connection.exec = (sql) => {
        if (sql === "COMMIT" && disk.commits++ >= disk.from && disk.broken !== undefined) {
          const { errcode, message } = breakages[disk.broken];
          throw Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode });
        }
        execute(sql);
      };
    },
  });
  return {
    store,
    time,
    path,
    heard,
    get commits() {
      return disk.commits;
    },
    breakDisk: (how, from = 0) => {
      disk.broken = how;
      disk.from = from;
    },
    mendDisk: () => {
      disk.broken = undefined;
    },
    close: async () => {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
