/** A store in another file, and what goes on from it. */
import { existsSync, mkdtempSync, readdirSync, renameSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyStore, createStore } from "./copy.ts";
import { openTestStore, testClock, thing, thingType } from "./testing.ts";

const newPath = (): string => join(mkdtempSync(join(tmpdir(), "flaresmith-copy-")), "store.db");
const names = async (store: Awaited<ReturnType<typeof openTestStore>>): Promise<string[]> =>
  (await store.list(thingType)).items.map(({ metadata }) => metadata.name);

test("a running store is saved as it is at that moment, without what lives in memory only", async () => {
  const store = await openTestStore({ path: newPath() });
  const made = await store.create(thingType, thing("a", { scalar: 1 }));
  await store.putEphemeral(thingType, thing("fleeting"));
  const copy = newPath();
  const { objects, revision } = createStore(copy, store.snapshot());
  await store.create(thingType, thing("later"));
  await store.close();
  expect(revision).toBeGreaterThanOrEqual(Number(made.metadata.resourceVersion));
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(copy, ".."))).toEqual(["store.db"]);
  const opened = await openTestStore({ path: copy });
  expect(await names(opened)).toEqual(["a"]);
  expect(await opened.get(thingType, { namespace: "default", name: "a" })).toEqual(made);
  // The namespaces that every store has, and the one thing.
  expect(objects).toBe(opened.snapshot().rows.length);
  await opened.close();
});

test("nobody who watched the original misses what happens in the copy: revisions go on above all it gave out", async () => {
  const path = newPath();
  const store = await openTestStore({ path });
  await store.create(thingType, thing("a"));
  const copy = newPath();
  createStore(copy, store.snapshot());
  for (let index = 0; index < 20; index += 1) await store.create(thingType, thing(`lost-${index}`));
  const seen = store.revision;
  await store.close();

  const restored = await openTestStore({ path: copy });
  expect(Number(restored.revision)).toBeGreaterThan(Number(seen) + 1_000_000);
  const stop = new AbortController();
  expect(() => restored.watchText(thingType, { resourceVersion: seen }, stop.signal)).toThrow(
    expect.objectContaining({ code: 410 }),
  );
  const next = await restored.create(thingType, thing("b"));
  await restored.close();
  // Moved on once, not at every start.
  const again = await openTestStore({ path: copy });
  expect(again.revision).toBe(next.metadata.resourceVersion);
  await again.close();
});

test("a store at rest is copied without being changed; one without its last writes only when that is said", async () => {
  const path = newPath();
  const store = await openTestStore({ path });
  await store.create(thingType, thing("a"));
  // As somebody copies a running store who does not know of the log.
  const raw = newPath();
  createStore(raw, store.snapshot());
  await store.close();
  const running = await openTestStore({ path: raw });
  const torn = newPath();
  const { copyFileSync } = await import("node:fs");
  copyFileSync(raw, torn);
  await running.create(thingType, thing("in-the-log"));
  await running.close();
  expect(() => copyStore(torn, newPath())).toThrow(/not closed in order/);
  const rescued = newPath();
  copyStore(torn, rescued, { last: "optional" });
  const opened = await openTestStore({ path: rescued });
  expect(await names(opened)).toEqual(["a"]);
  await opened.close();
  expect(existsSync(`${torn}-wal`)).toBe(false);
});

test("what is damaged is not copied", async () => {
  const path = newPath();
  const store = await openTestStore({ path });
  await Promise.all(Array.from({ length: 100 }, (_, index) => store.create(thingType, thing(`t${index}`))));
  await store.close();
  truncateSync(path, 8 * 4096);
  const target = newPath();
  expect(() => copyStore(path, target, { named: "backup.db" })).toThrow(/The store backup\.db is damaged/);
  expect(existsSync(target)).toBe(false);
});

test("nobody who watched a store that was moved away misses what is in the one begun in its place", async () => {
  const clock = testClock();
  const path = newPath();
  const lost = await openTestStore({ path, clock });
  await lost.create(thingType, thing("a"));
  const seen = lost.revision;
  await lost.close();
  renameSync(path, `${path}.away`);
  clock.advance(60_000);

  const anew = await openTestStore({ path, clock });
  for (let index = 0; index < 20; index += 1) await anew.create(thingType, thing(`new-${index}`));
  const stop = new AbortController();
  expect(() => anew.watchText(thingType, { resourceVersion: seen }, stop.signal)).toThrow(
    expect.objectContaining({ code: 410 }),
  );
  const next = await anew.create(thingType, thing("b"));
  await anew.close();
  clock.advance(60_000);
  const again = await openTestStore({ path, clock });
  expect(again.revision, "moved on once, not at every start").toBe(next.metadata.resourceVersion);
  await again.close();
});
