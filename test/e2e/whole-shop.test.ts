import { afterEach, describe, expect, it } from "vitest";
import { settledShop } from "../support/shop.ts";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
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

  it("is quiet once it is as desired", async () => {
    world = await createWorld();
    await settledShop(world);
    await world.pass(60_000);
    const objects = await world.list("Environment");
    const since = world.mark();
    const revision = (
      await world.store.list({
        group: "flaresmith.dev",
        version: "v1alpha1",
        kind: "Project",
        plural: "projects",
        namespaced: true,
      })
    ).resourceVersion;
    await world.pass(11 * 60_000);
    expect(world.changes(since)).toEqual([]);
    const after = (
      await world.store.list({
        group: "flaresmith.dev",
        version: "v1alpha1",
        kind: "Project",
        plural: "projects",
        namespaced: true,
      })
    ).resourceVersion;
    expect(after).toBe(revision);
    expect(objects).toHaveLength(3);
    console.log(
      reads.map((entry) => `${entry.provider} ${entry.method} ${entry.path} ${entry.status}`).join("\n"),
    );
  });
});
