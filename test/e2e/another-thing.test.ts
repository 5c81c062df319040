/** When the spec names another thing in the place of one, the old one leaves as its policy says; nothing leaks. */
import { afterEach, describe, expect, it } from "vitest";
import { settledShop, shopEnvironment } from "../support/shop.ts";
import { createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";

interface Inventoried {
  slot: string;
  id: string;
  name: string;
  state: string;
}

describe("naming another thing", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.stop();
  });
  const inventory = async (name: string): Promise<Inventoried[]> => {
    const object = await world?.get("Environment", name);
    return object ? (statusOf(object)["inventory"] as Inventoried[]) : [];
  };

  it("follows another git branch, and leaves the old one in place with a tombstone", async () => {
    world = await createWorld();
    await settledShop(world);
    await world.apply(shopEnvironment("dev", { deploy: { branch: "develop" } }));
    await world.settle();
    expect((await inventory("shop-dev")).filter((entry) => entry.slot.startsWith("gitBranch"))).toMatchObject(
      [{ slot: "gitBranch", name: "develop", state: "ready" }],
    );
    const { repositories } = world.sandbox.github.state() as {
      repositories: { name: string; branches: Record<string, string> }[];
    };
    const shop = repositories.find((one) => one.name === "shop");
    expect(Object.keys(shop?.branches ?? {})).toEqual(expect.arrayContaining(["dev", "develop"]));
    const left = (await world.list("ConfigMap")).map((one) => one["data"] as { type: string; name: string });
    expect(left).toMatchObject([{ type: "gitBranch", name: "dev" }]);
  });

  it("deploys under another Worker name, and the old Worker goes", async () => {
    world = await createWorld();
    await settledShop(world);
    const spec = shopEnvironment("dev").spec as { cloudflare: Record<string, unknown> };
    await world.apply(
      shopEnvironment("dev", { cloudflare: { ...spec.cloudflare, names: { api: "shop-dev-api" } } }),
    );
    await world.settle();
    const { accounts } = world.sandbox.cloudflare.state() as { accounts: { scripts: { name: string }[] }[] };
    expect(accounts[0]?.scripts.map(({ name }) => name).sort()).toEqual([
      "shop-api-production",
      "shop-api-staging",
      "shop-dev-api",
    ]);
    expect((await inventory("shop-dev")).filter((entry) => entry.slot.includes("@"))).toEqual([]);
  });

  it("renames a Neon branch in place", async () => {
    world = await createWorld();
    await settledShop(world);
    const before = (await inventory("shop-dev")).find((entry) => entry.slot === "neonBranch");
    await world.apply(shopEnvironment("dev", { neon: { branch: "development" } }));
    await world.settle();
    const after = (await inventory("shop-dev")).find((entry) => entry.slot === "neonBranch");
    expect(after).toMatchObject({ id: before?.id, name: "development" });
  });
});
