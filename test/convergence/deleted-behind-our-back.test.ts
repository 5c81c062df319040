import { afterEach, describe, expect, it } from "vitest";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { definitions } from "./definitions.ts";
import { deletions, notDeleted } from "./deletions.ts";
import { DEEP, MARGIN, RESYNC, settledFullShop } from "./full-shop.ts";
import { outsider } from "./outsider.ts";

describe("what somebody else deletes", () => {
  let world: World;
  let running: World | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  const started = async (drift: "Correct" | "Warn"): Promise<World> => {
    world = await createWorld({ publicUrl: "https://hooks.example" });
    running = world;
    await settledFullShop(world, { drift });
    return world;
  };

  it("is known here for every type of resource", () => {
    const types = definitions.map(({ provider, type }) => `${provider}/${type}`);
    const told = new Set<string>([...deletions.map(({ type }) => type), ...Object.keys(notDeleted)]);
    expect(types.filter((type) => !told.has(type))).toEqual([]);
    expect([...told].filter((type) => !types.includes(type))).toEqual([]);
  });

  it("comes back where it holds nothing", async () => {
    await started("Correct");
    const other = outsider(world);
    for (const { deep, exists, object, remove, type } of deletions.filter(({ asks }) => !asks)) {
      expect(await exists(world, other), `${type} exists`).toBe(true);
      await remove(world, other);
      expect(await exists(world, other), `${type} can be deleted`).toBe(false);
      await world.pass((deep ? DEEP : RESYNC) + MARGIN);
      expect(await exists(world, other), `${type} came back`).toBe(true);
      expect(conditionOf(await world.get(...object), "Ready"), type).toMatchObject({ status: "True" });
    }
  }, 60_000);

  it("is only reported under drift: Warn", async () => {
    await started("Warn");
    const other = outsider(world);
    for (const { deep, exists, object, remove, type } of deletions.filter(({ asks }) => !asks)) {
      await remove(world, other);
      const since = world.mark();
      await world.pass((deep ? DEEP : RESYNC) + MARGIN);
      expect(await exists(world, other), `${type} came back`).toBe(false);
      expect(world.changes(since), type).toEqual([]);
      const upToDate = conditionOf(await world.get(...object), "UpToDate");
      expect(upToDate, type).toMatchObject({ status: "False", reason: "DriftDetected" });
    }
  }, 60_000);

  it.each(deletions.filter(({ asks }) => asks))(
    "is asked about, not replaced by something empty: $type",
    async ({ asks, exists, object, remove, type }) => {
      await started("Correct");
      const other = outsider(world);
      expect(await exists(world, other)).toBe(true);
      await remove(world, other);
      await world.pass(RESYNC + MARGIN);
      expect(await exists(world, other)).toBe(false);
      const said = await world.get(...object);
      expect(conditionOf(said, "Ready")).toMatchObject({ status: "False" });
      expect(conditionOf(said, "Ready")?.message).toMatch(asks ?? "");
      expect(conditionOf(said, "Ready")?.reason).not.toBe("DependencyNotReady");
      expect(conditionOf(said, "Stalled")).toMatchObject({ status: "True" });
      const [kind, name] = object;
      // A repository is first said to be gone, then a new one is agreed to.
      for (let round = 0; round < 2 && !(await exists(world, other)); round += 1) {
        const message = conditionOf(await world.get(kind, name), "Ready")?.message ?? "";
        const [, annotation = "", value = ""] =
          /(flaresmith\.dev\/confirm(?:-gone)?): "?([0-9a-z]+)/.exec(message) ?? [];
        await world.annotate(kind, name, { [annotation]: value });
        await world.pass(RESYNC + MARGIN);
      }
      expect(await exists(world, other), `${type} after the confirmation`).toBe(true);
    },
    60_000,
  );
});
