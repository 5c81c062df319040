/** A namespace goes with what it holds, however it is deleted and whatever is written to it meanwhile; never before that. */
import { describe, expect, it } from "vitest";
import type { DeleteOptions, KubernetesObject } from "../resource-client.ts";
import { namespaceType } from "./builtin/namespace.ts";
import { openTestStore, thing, thingType } from "./testing.ts";

type Store = Awaited<ReturnType<typeof openTestStore>>;

const { type } = namespaceType;
const HELD = { finalizers: ["example.dev/held"] };
const held = { namespace: "shop", name: "held" };
const policies = [undefined, "Background", "Foreground", "Orphan"] as const;

const namespace = (name: string, metadata: object = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, ...metadata },
});

/** A store with the namespace `shop`. */
async function storeWithShop(metadata: object = {}): Promise<{ store: Store; shop: KubernetesObject }> {
  const store = await openTestStore();
  return { store, shop: await store.create(type, namespace("shop", metadata)) };
}

function patch(store: Store, metadata: object): Promise<KubernetesObject> {
  return store.patch(type, { name: "shop" }, { type: "merge", body: { metadata } });
}

function letGo(store: Store, key: { namespace: string; name: string }): Promise<KubernetesObject> {
  return store.patch(thingType, key, { type: "merge", body: { metadata: { finalizers: null } } });
}

async function namespaces(store: Store): Promise<string[]> {
  return (await store.list(type)).items
    .map(({ metadata }) => metadata.name)
    .filter((name) => name !== "default" && name !== "kube-system");
}

const deletion = (propagationPolicy: DeleteOptions["propagationPolicy"]): DeleteOptions =>
  propagationPolicy === undefined ? {} : { propagationPolicy };

describe("a namespace that is being deleted", () => {
  it("stays while something in it is held, although a label of it is changed", async () => {
    const { store } = await storeWithShop();
    await store.create(thingType, thing("held", {}, { namespace: "shop", ...HELD }));
    await store.delete(type, { name: "shop" });
    await patch(store, { labels: { touched: "yes" } });
    expect(await store.get(type, { name: "shop" })).toMatchObject({
      metadata: { labels: { touched: "yes" } },
      status: { phase: "Terminating" },
    });
    await letGo(store, held);
    expect(await namespaces(store)).toEqual([]);
  });

  it("stays while something in it is held, although its own last finalizer is taken off", async () => {
    const { store } = await storeWithShop(HELD);
    await store.create(thingType, thing("held", {}, { namespace: "shop", ...HELD }));
    await store.delete(type, { name: "shop" });
    await patch(store, { finalizers: null });
    expect(await namespaces(store)).toEqual(["shop"]);
    await letGo(store, held);
    expect(await namespaces(store)).toEqual([]);
  });

  it("goes with its own last finalizer once it is empty", async () => {
    const { store } = await storeWithShop(HELD);
    await store.create(thingType, thing("a", {}, { namespace: "shop" }));
    await store.delete(type, { name: "shop" });
    expect((await store.list(thingType, { namespace: "shop" })).items).toEqual([]);
    expect(await namespaces(store)).toEqual(["shop"]);
    await patch(store, { finalizers: null });
    expect(await namespaces(store)).toEqual([]);
  });

  it.each(policies)("is shown as terminating before it goes, although it is empty (%s)", async (policy) => {
    const { store } = await storeWithShop();
    const deleted = await store.delete(type, { name: "shop" }, deletion(policy));
    expect(deleted).toMatchObject({ status: { phase: "Terminating" } });
    expect(await namespaces(store)).toEqual([]);
  });

  it.each(policies)("goes with what it holds (%s)", async (policy) => {
    const { store } = await storeWithShop();
    await store.create(thingType, thing("a", {}, { namespace: "shop" }));
    await store.create(thingType, thing("held", {}, { namespace: "shop", ...HELD }));
    await store.delete(type, { name: "shop" }, deletion(policy));
    expect(await namespaces(store)).toEqual(["shop"]);
    expect((await store.list(thingType, { namespace: "shop" })).items).toMatchObject([
      { metadata: { name: "held", deletionTimestamp: "2026-01-01T00:00:00Z" } },
    ]);
    await letGo(store, held);
    expect(await namespaces(store)).toEqual([]);
  });

  it("keeps to the first way of deletion that it was given", async () => {
    const { store } = await storeWithShop();
    await store.create(thingType, thing("held", {}, { namespace: "shop", ...HELD }));
    const first = await store.delete(type, { name: "shop" });
    expect(await store.delete(type, { name: "shop" }, deletion("Foreground"))).toEqual(first);
  });
});

describe("what a deleted namespace owned elsewhere", () => {
  const owned = ({ metadata: { name, uid } }: KubernetesObject): object => ({
    ownerReferences: [{ apiVersion: "v1", kind: "Namespace", name, uid, blockOwnerDeletion: true }],
  });

  it("goes first in the foreground", async () => {
    const { store, shop } = await storeWithShop();
    await store.create(type, namespace("annex", { ...owned(shop), ...HELD }));
    await store.delete(type, { name: "shop" }, deletion("Foreground"));
    expect(await namespaces(store)).toEqual(["annex", "shop"]);
    await store.patch(type, { name: "annex" }, { type: "merge", body: { metadata: { finalizers: null } } });
    expect(await namespaces(store)).toEqual([]);
  });

  it("stays without its owner when it is orphaned", async () => {
    const { store, shop } = await storeWithShop();
    await store.create(type, namespace("annex", owned(shop)));
    await store.delete(type, { name: "shop" }, deletion("Orphan"));
    expect(await namespaces(store)).toEqual(["annex"]);
    expect((await store.get(type, { name: "annex" })).metadata.ownerReferences).toBeUndefined();
  });
});
