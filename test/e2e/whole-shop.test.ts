import { afterEach, describe, expect, it } from "vitest";
import { settledShop } from "../support/shop.ts";
import { conditionOf, createWorld, statusOf, typeOf } from "../support/world.ts";
import type { World } from "../support/world.ts";

describe("a whole project", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.stop();
  });

  it("becomes Ready with three environments and a preview, each with its own branch and URL", async () => {
    world = await createWorld();
    await settledShop(world);
    for (const [kind, name] of [
      ["Project", "shop"],
      ["Environment", "shop-dev"],
      ["Environment", "shop-staging"],
      ["Environment", "shop-production"],
      ["Preview", "shop-pr-1"],
    ] as const) {
      const object = await world.get(kind, name);
      expect(conditionOf(object, "Ready"), `${kind} ${name}`).toMatchObject({ status: "True" });
    }
    const production = statusOf(await world.get("Environment", "shop-production"));
    expect(production["neonBranch"]).toBe("main");
    expect(production["url"]).toBe("http://shop-api-production.acme.workers.localhost:8787");
    const preview = statusOf(await world.get("Preview", "shop-pr-1"));
    expect(preview["neonBranch"]).toBe("preview/pr-1");
    expect(preview["url"]).toContain("pr-1-shop-api-staging");
  });

  it("is quiet once it is as desired, and reads little", async () => {
    world = await createWorld();
    await settledShop(world);
    // The first resync after the writes fills caches that the writes emptied.
    await world.pass(12 * 60_000);
    const revision = await storeRevision(world);
    const since = world.mark();
    await world.pass(11 * 60_000);
    expect(world.changes(since)).toEqual([]);
    expect(await storeRevision(world)).toBe(revision);
    // GitHub answers conditional reads of what did not change with 304, free of charge.
    const billable = world.requests(since).filter((entry) => entry.status !== 304);
    expect(billable.length).toBeGreaterThan(0);
    expect(
      billable.map((entry) => `${entry.provider} ${entry.method} ${entry.path}`).length,
    ).toBeLessThanOrEqual(6);
  });
});

/** The store's one revision: it moves with every write of anything, Events and Leases included. */
async function storeRevision({ store }: World): Promise<string> {
  return (await store.list(typeOf("Project"))).resourceVersion;
}
