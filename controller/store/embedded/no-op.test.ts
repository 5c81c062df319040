import { expect, test } from "vitest";
import { openTestStore, testClock, thing, thingType } from "./testing.ts";

test("a write that changes nothing stores nothing, right after the create too, whenever it comes", async () => {
  const clock = testClock();
  const store = await openTestStore({ clock });
  const made = await store.create(thingType, thing("a", { scalar: 1, map: { x: 1 } }), { fieldManager: "m" });
  const applied = await store.apply(thingType, thing("b", { scalar: 1 }), { fieldManager: "m" });
  const { revision, statistics } = store;
  clock.advance(3_600_000);
  expect(await store.update(thingType, made, { fieldManager: "m" })).toEqual(made);
  expect(await store.update(thingType, made, { fieldManager: "another" })).toEqual(made);
  expect(await store.updateStatus(thingType, made)).toEqual(made);
  expect(
    await store.patch(
      thingType,
      { namespace: "default", name: "a" },
      { type: "merge", body: { spec: { scalar: 1 } } },
    ),
  ).toEqual(made);
  expect(
    await store.patch(
      thingType,
      { namespace: "default", name: "a" },
      { type: "json", body: [{ op: "replace", path: "/spec/map", value: { x: 1 } }] },
    ),
  ).toEqual(made);
  expect(await store.apply(thingType, thing("b", { scalar: 1 }), { fieldManager: "m" })).toEqual(applied);
  expect(store.revision).toBe(revision);
  expect(store.statistics.commits).toBe(statistics.commits);
});
