import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { virtualClock } from "../../runtime/adapters/virtual.ts";
import type { WatchEvent } from "../resource-client.ts";
import { eventType } from "./builtin/event.ts";
import { openTestStore, thing, thingType } from "./testing.ts";
import type { StoreFault, StoreHealth } from "./write-guard.ts";

const key = (name: string) => ({ namespace: "default", name });
const large = (name: string) => thing(name, {}, { annotations: { text: "x".repeat(100_000) } });

/** A store on a file that takes no more pages from `fill` until `makeRoom`. */
async function limitedStore() {
  const path = join(mkdtempSync(join(tmpdir(), "flaresmith-full-")), "store.db");
  const clock = virtualClock();
  const heard: StoreHealth[] = [];
  const failures: StoreFault[] = [];
  const connection: { db?: DatabaseSync } = {};
  const store = await openTestStore({
    path,
    clock,
    defer: queueMicrotask,
    onHealth: (health) => heard.push(health),
    onWriteFailure: (fault) => failures.push(fault),
    onOpen: (db) => {
      connection.db = db;
    },
  });
  onTestFinished(() => store.close());
  const pages = (): number => Number(connection.db?.prepare("PRAGMA page_count").get()?.["page_count"]);
  return {
    store,
    clock,
    path,
    heard,
    failures,
    fill: () => connection.db?.exec(`PRAGMA max_page_count=${pages()}`),
    makeRoom: () => connection.db?.exec("PRAGMA max_page_count=1000000"),
  };
}

test("a write that does not fit is refused with 507 and the remedy, and nothing of it is there", async () => {
  const { fill, heard, path, store } = await limitedStore();
  await store.create(thingType, thing("before"));
  const { revision } = store;
  fill();
  const answers = await Promise.allSettled([
    store.create(thingType, large("big")),
    store.create(thingType, thing("beside-it")),
    store.delete(thingType, key("before")),
  ]);
  for (const answer of answers) {
    expect(answer).toMatchObject({
      status: "rejected",
      reason: { code: 507, reason: "InsufficientStorage", message: expect.stringContaining(path) },
    });
  }
  expect(store.health).toEqual(heard.at(-1));
  expect(heard).toEqual([
    { writable: false, fault: "full", message: expect.stringContaining("writing then goes on by itself") },
  ]);
  expect(store.revision).toBe(revision);
  expect((await store.list(thingType)).items.map(({ metadata }) => metadata.name)).toEqual(["before"]);
  await store.close();
  const again = await openTestStore({ path });
  expect((await again.list(thingType)).items.map(({ metadata }) => metadata.name)).toEqual(["before"]);
  await again.close();
});

test("reading, watching and dry runs go on while the disk is full", async () => {
  const { fill, makeRoom, store } = await limitedStore();
  await store.create(thingType, thing("before"));
  const stop = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    const events: AsyncIterable<WatchEvent> = store.watch(
      thingType,
      { resourceVersion: store.revision },
      stop.signal,
    );
    for await (const event of events)
      if (event.type !== "BOOKMARK") seen.push(`${event.type} ${event.object.metadata.name}`);
  })();
  fill();
  await expect(store.create(thingType, large("big"))).rejects.toMatchObject({ code: 507 });
  expect(await store.get(thingType, key("before"))).toMatchObject({ metadata: { name: "before" } });
  await store.create(thingType, large("tried"), { dryRun: true });
  makeRoom();
  await store.create(thingType, large("fits"));
  await store.delete(thingType, key("before"));
  stop.abort();
  await watching;
  expect(seen).toEqual(["ADDED fits", "DELETED before"]);
});

test("it notices by itself that there is room again, and not before what failed would fit", async () => {
  const { clock, failures, fill, heard, makeRoom, store } = await limitedStore();
  fill();
  await expect(store.create(thingType, large("big"))).rejects.toMatchObject({ code: 507 });
  await clock.advance(60_000);
  expect(store.health).toMatchObject({ writable: false, fault: "full" });
  expect(heard, "told once").toHaveLength(1);
  expect(failures, "attempts of its own are nobody's failed writes").toEqual(["full"]);
  makeRoom();
  await clock.advance(10_000);
  expect(heard.at(-1)).toEqual({ writable: true });
  expect(clock.pendingTimers).toBe(0);
  expect(await store.create(thingType, large("big"))).toMatchObject({ metadata: { name: "big" } });
});

test("a write that succeeds ends it as well; revisions are neither skipped nor used twice", async () => {
  const { fill, heard, makeRoom, store } = await limitedStore();
  const first = await store.create(thingType, thing("first"));
  fill();
  await expect(store.create(thingType, large("big"))).rejects.toMatchObject({ code: 507 });
  makeRoom();
  const second = await store.create(thingType, thing("second"));
  expect(Number(second.metadata.resourceVersion)).toBe(Number(first.metadata.resourceVersion) + 1);
  expect(heard.map(({ writable }) => writable)).toEqual([false, true]);
});

test("an Event goes after its hour, although a write to it was refused meanwhile", async () => {
  const { clock, fill, makeRoom, store } = await limitedStore();
  const event = (name: string) => ({
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: "default" },
    involvedObject: { kind: "Thing", name: "about", namespace: "default" },
  });
  await store.create(eventType.type, event("old"));
  await clock.advance(30 * 60_000);
  await store.create(eventType.type, event("young"));
  fill();
  const refused = await Promise.allSettled([
    store.patch(eventType.type, key("old"), { type: "merge", body: { count: 2 } }),
    store.create(thingType, large("big")),
  ]);
  expect(refused).toMatchObject([{ status: "rejected" }, { status: "rejected" }]);
  makeRoom();
  await clock.advance(31 * 60_000);
  await store.create(eventType.type, event("new"));
  expect((await store.list(eventType.type)).items.map(({ metadata }) => metadata.name)).toEqual([
    "new",
    "young",
  ]);
});
