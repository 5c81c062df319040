import { expect, test } from "vitest";
import { openTestStore, thing, thingType } from "./testing.ts";

const sized = (name: string, length: number) =>
  thing(name, {}, { annotations: { text: "x".repeat(length) } });

test("large objects leave fewer changes to remember: memory is bounded by what they hold, not by their number", async () => {
  const store = await openTestStore({ logCharacters: 1_000_000 });
  await store.create(thingType, sized("big", 100_000));
  for (let round = 0; round < 100; round += 1) {
    const key = { namespace: "default", name: "big" };
    const body = { spec: { scalar: round } };
    await store.patch(thingType, key, { type: "merge", body });
  }
  const { logged, oldestRevision, revision } = store.statistics;
  expect(logged.characters).toBeLessThanOrEqual(1_000_000);
  expect(logged.changes).toBe(9);
  expect(revision - oldestRevision).toBe(9);
});

test("a reader that falls behind what is remembered is told so, one that keeps up misses nothing", async () => {
  const store = await openTestStore({ logCharacters: 500_000 });
  const stop = new AbortController();
  const slow = store
    .watchText(thingType, { resourceVersion: store.revision }, stop.signal)
    [Symbol.asyncIterator]();
  const quick = store
    .watchText(thingType, { resourceVersion: store.revision }, stop.signal)
    [Symbol.asyncIterator]();
  const seen: number[] = [];
  const first = slow.next();
  for (let index = 0; index < 30; index += 1) {
    const next = quick.next();
    const { metadata } = await store.create(thingType, sized(`t${index}`, 100_000));
    const event = await next;
    if (event.done !== true) seen.push(event.value.revision);
    expect(seen.at(-1)).toBe(Number(metadata.resourceVersion));
  }
  expect((await first).done).toBe(false);
  await expect(
    (async () => {
      for (;;) await slow.next();
    })(),
  ).rejects.toMatchObject({ code: 410, reason: "Expired" });
  expect(seen).toHaveLength(30);
  stop.abort();
});

test("one object that is larger than all that may be kept is still told to those who watch", async () => {
  const store = await openTestStore({ logCharacters: 1_000 });
  const stop = new AbortController();
  const events = store
    .watchText(thingType, { resourceVersion: store.revision }, stop.signal)
    [Symbol.asyncIterator]();
  const next = events.next();
  await store.create(thingType, sized("huge", 200_000));
  expect((await next).value).toMatchObject({ type: "ADDED" });
  stop.abort();
});
