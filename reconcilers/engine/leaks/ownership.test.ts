/** What the store says about a thing that was found: pure, case by case. */
import { expect, test } from "vitest";
import { createObservationSource } from "../observation-source.ts";
import { virtualTime } from "../../../test/support/virtual-time.ts";
import type { ReconciledObject } from "../kind.ts";
import type { FoundResource } from "./marked-resources.ts";
import { holdsFor, ownershipOf } from "./ownership.ts";
import type { StoreView } from "./ownership.ts";
import type { InventoryEntry, ResourceDefinition } from "../resource.ts";

const source = createObservationSource(virtualTime().controller);

function found(
  provider: string,
  type: string,
  place: { scope: string; name: string; id: string },
): FoundResource {
  return {
    ...place,
    definition: { provider, type } as ResourceDefinition<unknown, unknown, unknown>,
    connection: {
      key: "default/any",
      provider,
      account: place.scope,
      witnessKey: new Uint8Array(),
      client: {},
      source,
    },
    mark: "test/default/Project/shop/slot#0",
  };
}

function holding(entry: Partial<InventoryEntry>): StoreView {
  const object = {
    kind: "Project",
    metadata: { name: "shop", namespace: "default" },
    status: { inventory: [{ slot: "slot", key: "k", state: "ready", ...entry }] },
  };
  return { objects: [object as unknown as ReconciledObject], tombstones: [] };
}

const bucket = found("cloudflare", "r2Bucket", { scope: "account-a", name: "files", id: "files" });
const repository = found("github", "repository", { scope: "acme", name: "shop", id: "42" });

test("an id that the provider made outlives renames and moves", () => {
  const entry = { provider: "github", type: "repository", scope: "old-owner", name: "old-name", id: "42" };
  expect(ownershipOf(holding(entry)).ownerOf(repository)?.metadata.name).toBe("shop");
  expect(ownershipOf(holding({ ...entry, type: "environment" })).ownerOf(repository)).toBeUndefined();
});

test("an id that is only the name is another thing in another account", () => {
  const entry = { provider: "cloudflare", type: "r2Bucket", name: "files", id: "files" };
  expect(ownershipOf(holding({ ...entry, scope: "account-a" })).ownerOf(bucket)).toBeDefined();
  expect(ownershipOf(holding({ ...entry, scope: "account-b" })).ownerOf(bucket)).toBeUndefined();
});

test("a create under way claims what bears its name, however GitHub spells it; one that knows its id does not", () => {
  const entry = {
    provider: "github",
    type: "repository",
    scope: "Acme",
    name: "Shop",
    state: "creating" as const,
  };
  expect(ownershipOf(holding(entry)).ownerOf(repository)).toBeDefined();
  expect(ownershipOf(holding({ ...entry, id: "43" })).ownerOf(repository)).toBeUndefined();
});

test("a tombstone speaks for what it names, and not for its neighbours", () => {
  const tombstone = {
    namespace: "default",
    provider: "cloudflare",
    type: "r2Bucket",
    id: "files",
    name: "files",
    scope: "account-a",
    owner: "Project shop",
    why: "",
    when: "",
  };
  expect(ownershipOf({ objects: [], tombstones: [tombstone] }).tombstoneOf(bucket)).toBe(tombstone);
  const elsewhere = { ...tombstone, scope: "account-b" };
  expect(ownershipOf({ objects: [], tombstones: [elsewhere] }).tombstoneOf(bucket)).toBeUndefined();
  const entry = { provider: "cloudflare", type: "r2Bucket", name: "files", id: "files", scope: "account-a" };
  expect(ownershipOf(holding(entry)).isOwnedAgain(tombstone)).toBe(true);
  expect(ownershipOf(holding(entry)).isOwnedAgain(elsewhere)).toBe(false);
});

test.each([
  [repository, { provider: "github", type: "environment", scope: "acme/shop" }, true],
  [repository, { provider: "github", type: "environment", scope: "acme/shop-2" }, false],
  [repository, { provider: "neon", type: "branch", scope: "42" }, false],
  [
    found("neon", "project", { scope: "org-1", name: "shop", id: "cool-sea-1" }),
    { provider: "neon", type: "branch", scope: "cool-sea-1" },
    true,
  ],
  [
    found("neon", "branch", { scope: "cool-sea-1", name: "dev", id: "br-1" }),
    { provider: "neon", type: "database", scope: "cool-sea-1/br-1" },
    true,
  ],
  [
    found("neon", "branch", { scope: "cool-sea-1", name: "dev", id: "br-1" }),
    { provider: "neon", type: "database", scope: "cool-sea-1/br-11" },
    false,
  ],
  [
    found("cloudflare", "worker", { scope: "account-a", name: "api", id: "w1" }),
    { provider: "cloudflare", type: "preview", scope: "account-a/api" },
    true,
  ],
])("what an object has in it: %#", (outer, entry, expected) => {
  expect(holdsFor(outer, holding({ ...entry, name: "x", id: "y" })) !== undefined).toBe(expected);
});
