/** Class 25: bytes of the store's file are overwritten under the running controller. */
import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../controller/runtime/adapters/virtual.ts";
import { builtinTypes, createStore, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { EmbeddedStore } from "../../controller/store/embedded/index.ts";
import { openShop } from "./shop-on-disk.ts";
import { smallShop } from "../laws/small-shop.ts";
import { names } from "../laws/support.ts";
import { typeOf } from "../support/world.ts";
import { breakableStore } from "./breakable-store.ts";

const MINUTE = 60_000;
const PAGE = 4096;
const configMaps = typeOf("ConfigMap");

function fill(store: EmbeddedStore, prefix: string, count: number): Promise<unknown> {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      store.create(configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: `${prefix}-${index}`, namespace: "default" },
        data: { text: "x".repeat(3_000) },
      }),
    ),
  );
}

/** Everything but the first page becomes garbage. */
function ruin(path: string): void {
  const file = openSync(path, "r+");
  const size = statSync(path).size;
  for (let at = PAGE; at < size; at += PAGE) writeSync(file, Buffer.alloc(PAGE, 0xaa), 0, PAGE, at);
  closeSync(file);
}

describe("a store whose file is ruined while it is open", () => {
  it("acknowledges nothing more from the first failure on, answers reads from memory, and never touches the file again", async () => {
    const disk = await breakableStore();
    const { heard, path, store } = disk;
    // Larger than SQLite's own cache, and brought into the file itself.
    for (let round = 0; round < 10; round += 1) await fill(store, `m${round}`, 200);
    expect(statSync(path).size).toBeGreaterThan(4 * 1024 * 1024);
    ruin(path);
    const acknowledged: string[] = [];
    let refusal: unknown;
    for (let index = 0; index < 500 && refusal === undefined; index += 1) {
      await fill(store, `after-${index}`, 1).then(
        () => acknowledged.push(`after-${index}-0`),
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    expect(refusal).toMatchObject({
      code: 500,
      reason: "InternalError",
      message: expect.stringMatching(/store\.db is damaged \(.*\) and is not written any more/),
    });
    expect(heard).toEqual([{ writable: false, fault: "damaged", message: expect.stringContaining(path) }]);
    await expect(fill(store, "later", 1)).rejects.toMatchObject({ code: 500 });
    const { items } = await store.list(configMaps);
    expect(items).toHaveLength(2_000 + acknowledged.length);

    // The remedy that the refusal names, before the process ends.
    const saved = join(path, "..", "saved.db");
    createStore(saved, store.snapshot());
    const rescued = await openEmbeddedStore({
      path: saved,
      clock: disk.time.controller,
      random: seededRandom(4),
      types: builtinTypes,
      defer: queueMicrotask,
    });
    expect((await rescued.list(configMaps)).items).toEqual(items);
    await rescued.close();
    await disk.close();
  });
});

describe("the controller on a damaged store", () => {
  it("creates nothing after the first refused write, keeps serving what it knows, and does not run hot", async () => {
    const shop = await openShop();
    const { world } = shop;
    await world.apply(...smallShop());
    const since = world.mark();
    shop.breakDisk("damaged");
    await world.pass(60 * MINUTE);
    expect(world.changes(since)).toEqual([]);
    expect(world.requests(since).length).toBeLessThan(400);
    expect(world.store.health).toMatchObject({ writable: false, fault: "damaged" });
    const commits = shop.commits;
    // Even a disk that is well again is not trusted with more: only a start looks at all of the file.
    shop.mendDisk();
    await world.pass(60 * MINUTE);
    expect(shop.commits).toBe(commits);
    expect(names(world.sandbox)).toEqual([]);
    expect((await world.list("Project")).map(({ metadata }) => metadata.name)).toEqual(["shop"]);
    await shop.end();
  });
});
