import { expect, test } from "vitest";
import type { KubernetesObject } from "../resource-client.ts";
import { openTestStore, thing, thingType } from "./testing.ts";

const key = (name: string) => ({ namespace: "default", name });
const ownedBy = (...owners: KubernetesObject[]): object => ({
  ownerReferences: owners.map(({ apiVersion, kind, metadata }) => ({
    apiVersion,
    kind,
    name: metadata.name,
    uid: metadata.uid,
    blockOwnerDeletion: true,
  })),
});

test("an object whose owner never existed is collected", async () => {
  const store = await openTestStore();
  const ghost = { ...thing("ghost"), metadata: { name: "ghost", uid: "no-such-uid" } };
  const made = await store.create(thingType, thing("a", {}, ownedBy(ghost)));
  expect(made.metadata.name).toBe("a");
  await expect(store.get(thingType, key("a"))).rejects.toMatchObject({ reason: "NotFound" });
});

test("an object with two owners stays until both are gone, and loses the reference to the first", async () => {
  const store = await openTestStore();
  const [one, two] = [
    await store.create(thingType, thing("one")),
    await store.create(thingType, thing("two")),
  ];
  await store.create(thingType, thing("a", {}, ownedBy(one, two)));
  await store.delete(thingType, key("one"));
  expect((await store.get(thingType, key("a"))).metadata.ownerReferences).toMatchObject([{ name: "two" }]);
  await store.delete(thingType, key("two"));
  await expect(store.get(thingType, key("a"))).rejects.toMatchObject({ reason: "NotFound" });
});

test("a whole tree goes with its root", async () => {
  const store = await openTestStore();
  let parent = await store.create(thingType, thing("t0"));
  for (let depth = 1; depth < 5; depth += 1)
    parent = await store.create(thingType, thing(`t${depth}`, {}, ownedBy(parent)));
  await store.delete(thingType, key("t0"));
  expect((await store.list(thingType)).items).toEqual([]);
});

test("in the foreground the owner waits for dependents that finalizers hold", async () => {
  const store = await openTestStore();
  const owner = await store.create(thingType, thing("owner"));
  const child = await store.create(thingType, thing("child", {}, ownedBy(owner)));
  await store.create(
    thingType,
    thing("grandchild", {}, { ...ownedBy(child), finalizers: ["example.dev/held"] }),
  );
  const marked = await store.delete(thingType, key("owner"), { propagationPolicy: "Foreground" });
  expect(marked.metadata.finalizers).toEqual(["foregroundDeletion"]);
  expect(
    (await store.list(thingType)).items.map((item) => [
      item.metadata.name,
      item.metadata.deletionTimestamp !== undefined,
    ]),
  ).toEqual([
    ["child", true],
    ["grandchild", true],
    ["owner", true],
  ]);
  await store.patch(thingType, key("grandchild"), {
    type: "merge",
    body: { metadata: { finalizers: null } },
  });
  expect((await store.list(thingType)).items).toEqual([]);
});

test("a dry-run delete collects nothing", async () => {
  const store = await openTestStore();
  const owner = await store.create(thingType, thing("owner"));
  await store.create(thingType, thing("child", {}, ownedBy(owner)));
  await store.delete(thingType, key("owner"), { dryRun: true });
  expect((await store.list(thingType)).items).toHaveLength(2);
});
