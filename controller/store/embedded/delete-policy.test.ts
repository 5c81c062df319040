/** A deletion that names no policy leaves the choice to the finalizers that the object carries. */
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../resource-client.ts";
import { openTestStore, thing, thingType } from "./testing.ts";

type Store = Awaited<ReturnType<typeof openTestStore>>;

const key = (name: string) => ({ namespace: "default", name });
const owner = key("owner");

function owned({ apiVersion, kind, metadata }: KubernetesObject): object {
  return {
    ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, blockOwnerDeletion: true }],
  };
}

/** A family of three: owner, child, grandchild. */
async function family(metadata: { owner?: object; child?: object; grandchild?: object }): Promise<Store> {
  const store = await openTestStore();
  const first = await store.create(thingType, thing("owner", {}, metadata.owner));
  const child = await store.create(thingType, thing("child", {}, { ...owned(first), ...metadata.child }));
  await store.create(thingType, thing("grandchild", {}, { ...owned(child), ...metadata.grandchild }));
  return store;
}

async function names(store: Store): Promise<string[]> {
  return (await store.list(thingType)).items.map(({ metadata }) => metadata.name);
}

describe("an object with the finalizer orphan", () => {
  it("leaves its dependents behind when it is deleted without a policy", async () => {
    const store = await family({ owner: { finalizers: ["orphan"] } });
    await store.delete(thingType, owner);
    expect(await names(store)).toEqual(["child", "grandchild"]);
    expect((await store.get(thingType, key("child"))).metadata.ownerReferences).toBeUndefined();
  });

  it("leaves its dependents behind when it is collected with its owner", async () => {
    const store = await family({ child: { finalizers: ["orphan"] } });
    await store.delete(thingType, owner);
    expect(await names(store)).toEqual(["grandchild"]);
  });

  it.each(["Background", "Foreground"] as const)(
    "takes its dependents along when it is deleted with %s",
    async (propagationPolicy) => {
      const store = await family({ owner: { finalizers: ["orphan"] } });
      await store.delete(thingType, owner, { propagationPolicy });
      expect(await names(store)).toEqual([]);
    },
  );
});

describe("a deletion in the foreground", () => {
  const held = { grandchild: { finalizers: ["example.dev/held"] } };

  it("stays one when the object is deleted again without a policy", async () => {
    const store = await family(held);
    const first = await store.delete(thingType, owner, { propagationPolicy: "Foreground" });
    expect(await store.delete(thingType, owner)).toEqual(first);
    expect(await names(store)).toEqual(["child", "grandchild", "owner"]);
  });

  it("ends at once when the object is deleted again in the background", async () => {
    const store = await family(held);
    await store.delete(thingType, owner, { propagationPolicy: "Foreground" });
    await store.delete(thingType, owner, { propagationPolicy: "Background" });
    expect(await names(store)).toEqual(["child", "grandchild"]);
  });

  it("is what an object asks for that carries its finalizer", async () => {
    const store = await family({ ...held, owner: { finalizers: ["foregroundDeletion"] } });
    await store.delete(thingType, owner);
    expect(await names(store)).toEqual(["child", "grandchild", "owner"]);
  });
});
