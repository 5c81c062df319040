import { expect, test } from "vitest";
import type { KubernetesObject } from "../resource-client.ts";
import { eventType, newEventType } from "./builtin/event.ts";
import { openTestStore, testClock } from "./testing.ts";

const event = (name: string, about: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name, namespace: "default" },
  involvedObject: {
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Project",
    name: about,
    namespace: "default",
    uid: `uid-${about}`,
  },
  reason: "CreatedExternalResource",
  message: "made it",
  type: "Normal",
  reportingComponent: "flaresmith",
});

test("both event APIs show the same objects", async () => {
  const store = await openTestStore();
  await store.create(eventType.type, event("a", "shop"));
  const newer = await store.get(newEventType.type, { namespace: "default", name: "a" });
  expect(newer).toMatchObject({
    apiVersion: "events.k8s.io/v1",
    note: "made it",
    regarding: { name: "shop" },
    reportingController: "flaresmith",
  });
  await store.create(newEventType.type, { ...newer, metadata: { name: "b", namespace: "default" } });
  expect(await store.get(eventType.type, { namespace: "default", name: "b" })).toMatchObject({
    apiVersion: "v1",
    message: "made it",
    involvedObject: { name: "shop" },
  });
});

test("events are selected by what they are about", async () => {
  const store = await openTestStore();
  await store.create(eventType.type, event("a", "shop"));
  await store.create(eventType.type, { ...event("b", "blog"), type: "Warning" });
  const names = async (fieldSelector: string): Promise<string[]> =>
    (await store.list(eventType.type, { fieldSelector })).items.map((item) => item.metadata.name);
  expect(await names("involvedObject.name=shop,involvedObject.kind=Project")).toEqual(["a"]);
  expect(await names("type!=Normal")).toEqual(["b"]);
  expect(await names("involvedObject.uid=uid-blog,reason=CreatedExternalResource")).toEqual(["b"]);
  expect((await store.list(newEventType.type, { fieldSelector: "regarding.name=blog" })).items).toHaveLength(
    1,
  );
});

test("events are kept for an hour after they were last written", async () => {
  const clock = testClock();
  const store = await openTestStore({ clock });
  await store.create(eventType.type, event("old", "shop"));
  await store.create(eventType.type, event("again", "shop"));
  clock.advance(40 * 60_000);
  await store.patch(
    eventType.type,
    { namespace: "default", name: "again" },
    { type: "merge", body: { count: 2 } },
  );
  clock.advance(30 * 60_000);
  await store.create(eventType.type, event("new", "shop"));
  expect((await store.list(eventType.type)).items.map((item) => item.metadata.name)).toEqual([
    "again",
    "new",
  ]);
});

test("more events than fit push the oldest out", async () => {
  const store = await openTestStore();
  const { capacity } = eventType.retention ?? { capacity: 0 };
  await Promise.all(
    Array.from({ length: capacity + 3 }, (_, index) =>
      store.create(eventType.type, event(`e${index}`, "shop")),
    ),
  );
  const { items } = await store.list(eventType.type);
  expect(items).toHaveLength(capacity);
  expect(items.some((item) => item.metadata.name === "e2")).toBe(false);
});

const hour = 60 * 60_000;
const names = async (store: Awaited<ReturnType<typeof openTestStore>>): Promise<string[]> =>
  (await store.list(eventType.type)).items.map((item) => item.metadata.name);

test("events are kept for an hour, dry runs or not", async () => {
  const clock = testClock();
  const store = await openTestStore({ clock });
  const old = { namespace: "default", name: "old" };
  await store.create(eventType.type, event("old", "shop"));
  clock.advance(30 * 60_000);
  await store.create(eventType.type, event("young", "shop"));
  const count = { type: "merge", body: { count: 2 } } as const;
  await store.patch(eventType.type, old, count, { dryRun: true });
  await store.delete(eventType.type, old, { dryRun: true });
  clock.advance(hour - 29 * 60_000);
  await store.create(eventType.type, event("tried", "shop"), { dryRun: true });
  expect(await names(store)).toEqual(["old", "young"]);
  await store.create(eventType.type, event("new", "shop"));
  expect(await names(store)).toEqual(["new", "young"]);
});
