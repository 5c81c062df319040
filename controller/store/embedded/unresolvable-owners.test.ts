/** An owner that cannot be looked up is not one that is gone: what names it stays. */
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../resource-client.ts";
import { namespaceType } from "./builtin/namespace.ts";
import { secretType } from "./builtin/secret.ts";
import { openTestStore, thing, thingType } from "./testing.ts";

type Store = Awaited<ReturnType<typeof openTestStore>>;

const key = (name: string) => ({ namespace: "default", name });
const certificate = {
  apiVersion: "cert-manager.io/v1",
  kind: "Certificate",
  name: "web",
  uid: "5e1c5d0e-0000-4000-8000-000000000000",
  blockOwnerDeletion: true,
};
const reference = ({ apiVersion, kind, metadata }: KubernetesObject) => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid ?? "",
  blockOwnerDeletion: true,
});

/** A store with the Thing `owner`, and what is to be owned by it. */
async function storeWithOwner(): Promise<{ store: Store; owner: ReturnType<typeof reference> }> {
  const store = await openTestStore();
  return { store, owner: reference(await store.create(thingType, thing("owner"))) };
}

async function expectGone(store: Store, name: string): Promise<void> {
  await expect(store.get(thingType, key(name))).rejects.toMatchObject({ reason: "NotFound" });
}

describe("an owner of a kind that is not served", () => {
  it("keeps its Secret", async () => {
    const store = await openTestStore();
    const metadata = { name: "web-tls", namespace: "default", ownerReferences: [certificate] };
    const made = await store.create(secretType.type, { apiVersion: "v1", kind: "Secret", metadata });
    expect(await store.get(secretType.type, key("web-tls"))).toEqual(made);
  });

  it("keeps its Thing when another version than the served one is named", async () => {
    const { store, owner } = await storeWithOwner();
    const ownerReferences = [{ ...owner, apiVersion: "test.dev/v2" }];
    await store.create(thingType, thing("a", {}, { ownerReferences }));
    await store.delete(thingType, key("owner"));
    expect((await store.get(thingType, key("a"))).metadata.ownerReferences).toEqual(ownerReferences);
  });

  it.each(["Background", "Foreground"] as const)(
    "keeps what another owner leaves behind (%s)",
    async (propagationPolicy) => {
      const { store, owner } = await storeWithOwner();
      await store.create(thingType, thing("a", {}, { ownerReferences: [owner, certificate] }));
      await store.delete(thingType, key("owner"), { propagationPolicy });
      await expectGone(store, "owner");
      expect((await store.get(thingType, key("a"))).metadata.ownerReferences).toEqual([certificate]);
    },
  );
});

describe("an owner with a namespace", () => {
  it.each(["Background", "Foreground"] as const)(
    "goes without the Namespace that names it (%s)",
    async (propagationPolicy) => {
      const { store, owner } = await storeWithOwner();
      const metadata = { name: "shop", ownerReferences: [owner] };
      await store.create(namespaceType.type, { apiVersion: "v1", kind: "Namespace", metadata });
      await store.delete(thingType, key("owner"), { propagationPolicy });
      await expectGone(store, "owner");
      const shop = await store.get(namespaceType.type, { name: "shop" });
      expect(shop.metadata.deletionTimestamp).toBeUndefined();
      expect(shop.metadata.ownerReferences).toEqual([owner]);
    },
  );

  it("does not own what is in another one", async () => {
    const { store, owner } = await storeWithOwner();
    await store.create(thingType, thing("a", {}, { namespace: "kube-system", ownerReferences: [owner] }));
    await expect(store.get(thingType, { namespace: "kube-system", name: "a" })).rejects.toMatchObject({
      reason: "NotFound",
    });
  });
});

it("an owner of another kind or name than the reference says is gone", async () => {
  const { store, owner } = await storeWithOwner();
  await store.create(thingType, thing("a", {}, { ownerReferences: [{ ...owner, name: "other" }] }));
  await store.create(
    thingType,
    thing("b", {}, { ownerReferences: [{ ...owner, apiVersion: "v1", kind: "Secret" }] }),
  );
  await expectGone(store, "a");
  await expectGone(store, "b");
});
