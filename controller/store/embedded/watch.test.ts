import { expect, test } from "vitest";
import { virtualClock } from "../../runtime/adapters/virtual.ts";
import { openTestStore, thing, thingType } from "./testing.ts";
import type { TextWatchEvent } from "./watch.ts";

const key = (name: string) => ({ namespace: "default", name });

async function take(events: AsyncIterable<TextWatchEvent>, count: number): Promise<TextWatchEvent[]> {
  const taken: TextWatchEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

test("a watch from before the log is Expired, in kube-apiserver's words", async () => {
  const store = await openTestStore({ logCapacity: 3 });
  for (const name of ["a", "b", "c", "d", "e"]) await store.create(thingType, thing(name));
  const { oldestRevision } = store.statistics;
  const signal = new AbortController().signal;
  expect(() => store.watchText(thingType, { resourceVersion: "1" }, signal)).toThrow(
    `too old resource version: 1 (${oldestRevision})`,
  );
  const kept = await take(store.watchText(thingType, { resourceVersion: String(oldestRevision) }, signal), 3);
  expect(kept.map((event) => event.type)).toEqual(["ADDED", "ADDED", "ADDED"]);
});

test("a watch from the future, as after a lost store, is Expired and not silent", async () => {
  const store = await openTestStore();
  expect(() => store.watchText(thingType, { resourceVersion: "999" }, new AbortController().signal)).toThrow(
    /is not one of this store/,
  );
});

test("a reader that is too slow ends with Expired instead of missing an event", async () => {
  const store = await openTestStore({ logCapacity: 3 });
  const events = store
    .watchText(thingType, { resourceVersion: store.revision }, new AbortController().signal)
    [Symbol.asyncIterator]();
  const first = events.next();
  await store.create(thingType, thing("a"));
  expect((await first).value).toMatchObject({ type: "ADDED" });
  for (const name of ["b", "c", "d", "e", "f"]) await store.create(thingType, thing(name));
  await expect(events.next()).rejects.toMatchObject({ code: 410, reason: "Expired" });
  expect(store.statistics.watches).toBe(0);
});

test("a quiet watch gets a bookmark once much has happened elsewhere", async () => {
  const store = await openTestStore({ logCapacity: 100 });
  const stop = new AbortController();
  const taken = take(
    store.watchText(thingType, { resourceVersion: store.revision, allowBookmarks: true }, stop.signal),
    1,
  );
  const configMaps = store.types.find((one) => one.type.kind === "ConfigMap")?.type;
  if (configMaps === undefined) throw new Error("no ConfigMap type");
  for (let index = 0; index < 600; index += 1) {
    await store.create(configMaps, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `c${index}`, namespace: "default" },
    });
  }
  const [bookmark] = await taken;
  expect(bookmark?.type).toBe("BOOKMARK");
  expect(bookmark?.revision).toBeGreaterThanOrEqual(store.statistics.oldestRevision);
});

test("initial events end with a marked bookmark", async () => {
  const store = await openTestStore();
  await store.create(thingType, thing("a"));
  const events = await take(
    store.watchText(
      thingType,
      { markInitialEvents: true, allowBookmarks: true },
      new AbortController().signal,
    ),
    2,
  );
  expect(events).toMatchObject([
    { type: "ADDED" },
    { type: "BOOKMARK", initialEventsEnd: true, revision: Number(store.revision) },
  ]);
});

test("a removed object is seen with the revision of its removal", async () => {
  const store = await openTestStore();
  const made = await store.create(thingType, thing("a"));
  await store.delete(thingType, key("a"));
  const [event] = await take(
    store.watchText(
      thingType,
      { resourceVersion: made.metadata.resourceVersion ?? "" },
      new AbortController().signal,
    ),
    1,
  );
  expect(event).toMatchObject({ type: "DELETED", revision: Number(store.revision) });
  expect(event?.type === "DELETED" && JSON.parse(event.text)).toMatchObject({
    metadata: { resourceVersion: store.revision },
  });
});

test("abort and close end a watch that waits", async () => {
  const store = await openTestStore();
  const stop = new AbortController();
  const aborted = take(store.watchText(thingType, {}, stop.signal), 1);
  const closed = take(store.watchText(thingType, {}, new AbortController().signal), 1);
  await Promise.resolve();
  stop.abort();
  expect(await aborted).toEqual([]);
  await store.close();
  expect(await closed).toEqual([]);
});

test("a continued list whose revision is forgotten is Expired", async () => {
  const store = await openTestStore({ logCapacity: 3 });
  for (const name of ["a", "b", "c"]) await store.create(thingType, thing(name));
  const page = await store.list(thingType, { limit: 1 });
  for (const name of ["d", "e", "f", "g"]) await store.create(thingType, thing(name));
  await expect(store.list(thingType, { continue: page.continue ?? "" })).rejects.toMatchObject({
    code: 410,
    reason: "Expired",
  });
  await expect(store.list(thingType, { continue: "nonsense" })).rejects.toMatchObject({ code: 400 });
});

test.each<[number | undefined, number]>([
  [5, 0],
  [0, 1],
  [undefined, 1],
])("of watches with timeoutSeconds %s, after an hour %i are open", async (timeoutSeconds, open) => {
  const clock = virtualClock();
  const store = await openTestStore({ clock });
  const options = timeoutSeconds === undefined ? {} : { timeoutSeconds };
  const events = store.watch(thingType, options, new AbortController().signal)[Symbol.asyncIterator]();
  const first = events.next();
  await clock.advance(3_600_000);
  expect(store.statistics.watches).toBe(open);
  await store.create(thingType, thing("a"));
  expect((await first).done).toBe(open === 0);
});
