/** Owners that own each other, and rows of owners as long as somebody likes: what is deleted goes away. */
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../resource-client.ts";
import { openTestStore, thing, thingType } from "./testing.ts";

type Store = Awaited<ReturnType<typeof openTestStore>>;

const key = (name: string) => ({ namespace: "default", name });
const reference = ({ apiVersion, kind, metadata }: KubernetesObject) => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid,
  blockOwnerDeletion: true,
});

async function own(store: Store, dependent: KubernetesObject, ...owners: KubernetesObject[]): Promise<void> {
  const ownerReferences = owners.map(reference);
  await store.patch(thingType, key(dependent.metadata.name), {
    type: "merge",
    body: { metadata: { ownerReferences } },
  });
}

/** Things of which each owns the next, and the last the first. */
async function ring(store: Store, size: number): Promise<void> {
  const things: KubernetesObject[] = [];
  for (let at = 0; at < size; at += 1) things.push(await store.create(thingType, thing(`r${at}`)));
  for (const [at, one] of things.entries()) await own(store, things[(at + 1) % size] ?? one, one);
}

async function names(store: Store): Promise<string[]> {
  return (await store.list(thingType)).items.map(({ metadata }) => metadata.name);
}

describe("a ring of owners", () => {
  describe.each([1, 2, 3, 50])("of %i", (size) => {
    it("goes when one of it is deleted", async () => {
      const store = await openTestStore();
      await ring(store, size);
      await store.delete(thingType, key("r0"));
      expect(await names(store)).toEqual([]);
    });

    it("goes when one of it is deleted in the foreground: none waits for itself", async () => {
      const store = await openTestStore();
      await ring(store, size);
      await store.delete(thingType, key("r0"), { propagationPolicy: "Foreground" });
      expect(await names(store)).toEqual([]);
    });

    it("is opened when one of it is deleted and the others are to stay", async () => {
      const store = await openTestStore();
      await ring(store, size);
      await store.delete(thingType, key("r0"), { propagationPolicy: "Orphan" });
      expect((await names(store)).length).toBe(size - 1);
      if (size > 1) expect((await store.get(thingType, key("r1"))).metadata.ownerReferences).toBeUndefined();
    });
  });

  it("of one that is held by a finalizer is opened all the same", async () => {
    const store = await openTestStore();
    const one = await store.create(thingType, thing("r0", {}, { finalizers: ["example.dev/held"] }));
    await own(store, one, one);
    await store.delete(thingType, key("r0"), { propagationPolicy: "Orphan" });
    const { metadata } = await store.get(thingType, key("r0"));
    expect(metadata).toMatchObject({ finalizers: ["example.dev/held"] });
    expect(metadata.ownerReferences).toBeUndefined();
  });

  it("of which one is held by a finalizer goes as soon as it is let go", async () => {
    const store = await openTestStore();
    await ring(store, 3);
    const held = { metadata: { finalizers: ["example.dev/held"] } };
    await store.patch(thingType, key("r1"), { type: "merge", body: held });
    await store.delete(thingType, key("r0"), { propagationPolicy: "Foreground" });
    expect(await names(store)).toContain("r1");
    const current = await store.get(thingType, key("r1"));
    expect(current.metadata.deletionTimestamp).toBeDefined();
    const finalizers = (current.metadata.finalizers ?? []).filter((name) => name !== "example.dev/held");
    await store.patch(thingType, key("r1"), { type: "merge", body: { metadata: { finalizers } } });
    expect(await names(store)).toEqual([]);
  });
});

describe("a row of 5,000 owners", () => {
  it.each(["Background", "Foreground"] as const)("goes with its first (%s)", async (propagationPolicy) => {
    const store = await openTestStore();
    let parent = await store.create(thingType, thing("t0"));
    for (let at = 1; at < 5_000; at += 1) {
      const metadata = { ownerReferences: [reference(parent)] };
      parent = await store.create(thingType, thing(`t${at}`, {}, metadata));
    }
    await store.delete(thingType, key("t0"), { propagationPolicy });
    expect(await names(store)).toEqual([]);
  });

  it("of one owner go with it in the foreground", async () => {
    const store = await openTestStore();
    const owner = await store.create(thingType, thing("owner"));
    const metadata = { ownerReferences: [reference(owner)] };
    for (let at = 0; at < 5_000; at += 1) await store.create(thingType, thing(`t${at}`, {}, metadata));
    await store.delete(thingType, key("owner"), { propagationPolicy: "Foreground" });
    expect(await names(store)).toEqual([]);
  });
});
