/** Law 2: a controller whose caches show the world as it was, its own writes included, makes nothing twice and loses nothing. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../sandbox/core/random.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { laggingStore } from "./lagging.ts";
import { fleetingShop, gone, applySmallShop, smallShopNames } from "./small-shop.ts";
import { connectedStore, identities, names, requestAll, unready } from "./support.ts";
import { seedTemplate } from "../support/shop.ts";

interface LaggingWorld {
  world: World;
  conflicts: () => number;
}

/** A controller on a fresh store whose watches lag. Tests act through the store itself. */
async function lagging(lag: () => number): Promise<LaggingWorld> {
  const base = await connectedStore();
  const late = laggingStore(base.store, base.time, lag);
  const world = await createWorld({ sandbox: base.sandbox, store: late.store, time: base.time, seed: 31 });
  return { world, conflicts: () => late.conflicts };
}

describe("news that is late", async () => {
  const expected = await smallShopNames();
  const noise = seededRandom(5);

  for (const [what, lag, isSlow] of [
    ["by 200 ms", () => 200, false],
    ["by 3 s", () => 3_000, true],
    ["by 20 s", () => 20_000, true],
    ["by up to 10 s, each event on its own", () => Math.floor(noise.next() * 10_000), true],
  ] as const) {
    it(`${what}: exactly one of everything, and then quiet`, async () => {
      const { conflicts, world } = await lagging(lag);
      await applySmallShop(world);
      await world.settle(60 * 60_000);
      expect(await unready(world)).toEqual([]);
      expect(names(world.sandbox)).toEqual(expected);
      // Stale reads did happen, and the store refused what came of them.
      if (isSlow) expect(conflicts()).toBeGreaterThan(0);
      await world.pass(60_000);
      const before = identities(world.sandbox);
      const since = world.mark();
      await requestAll(world);
      await world.settle(60 * 60_000);
      await world.pass(60_000);
      expect(world.changes(since)).toEqual([]);
      expect(identities(world.sandbox)).toEqual(before);
      await world.stop();
    });
  }

  it("while the spec changes twice and back: what was made first is kept, and the last wish counts", async () => {
    const { world } = await lagging(() => 5_000);
    await applySmallShop(world);
    await world.settle(60 * 60_000);
    const before = identities(world.sandbox, "neon");
    for (const description of ["one", "two"]) {
      await applySmallShop(world, { github: { ...githubOf(), description } });
      await world.pass(1_000);
    }
    await world.settle(60 * 60_000);
    const { repositories } = world.sandbox.github.state() as {
      repositories: { name: string; description: string }[];
    };
    expect(repositories.find(({ name }) => name === "shop")?.description).toBe("two");
    expect(identities(world.sandbox, "neon")).toEqual(before);
    await world.stop();
  });

  it("while everything is deleted as soon as it is wanted: nothing is left behind", async () => {
    for (const after of [0, 1_000, 10_000, 40_000, 300_000]) {
      const { world } = await lagging(() => 4_000);
      seedTemplate(world);
      await world.apply(...fleetingShop());
      await world.pass(after);
      for (const { kind, metadata } of fleetingShop()) await world.delete(kind, metadata.name);
      await gone(world);
      // The account's own things stay; what was ours is gone.
      expect(names(world.sandbox)).toEqual([]);
      await world.stop();
    }
  });

  it("while an object is deleted and made anew under the same name: one of everything", async () => {
    const { world } = await lagging(() => 4_000);
    seedTemplate(world);
    await world.apply(...fleetingShop());
    await world.settle(60 * 60_000);
    await world.delete("Project", "shop");
    await gone(world);
    await world.apply(...fleetingShop());
    await world.settle(60 * 60_000);
    expect(await unready(world)).toEqual([]);
    expect(names(world.sandbox)).toEqual(expected);
    await world.stop();
  });
});

function githubOf(): Record<string, unknown> {
  return {
    connectionRef: { name: "github" },
    repository: "shop",
    template: { owner: "acme", repository: "worker-template" },
  };
}
