import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import { neonProjectOf, outsider } from "./outsider.ts";

const MINUTE = 60_000;
const neon = { connectionRef: { name: "neon" }, region: "aws-eu-central-1" };

describe("a Neon branch that is renamed to a name that another one has", () => {
  let running: World | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  it.each<[string, string, Manifest]>([
    ["an Environment's", "shop-dev", shopEnvironment("dev", { neon: { branch: "taken" } })],
    ["a Project's root", "shop", shopProject({ neon: { ...neon, branch: "taken" } })],
  ])("%s says so, asks no more often than it looks, and heals", async (_whose, name, renamed) => {
    const world = await createWorld();
    running = world;
    seedTemplate(world);
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    const path = `/projects/${neonProjectOf(world).id}/branches`;
    const { branch } = await outsider(world).neon<{ branch: { id: string } }>("POST", path, {
      branch: { name: "taken" },
    });
    const names = async (): Promise<string[]> => {
      const { branches } = await outsider(world).neon<{ branches: { name: string }[] }>("GET", path);
      return branches.map((one) => one.name).toSorted();
    };
    const before = await names();
    const since = world.mark();
    await world.apply(renamed);
    await world.pass(30 * MINUTE);
    for (const type of ["Ready", "Stalled"])
      expect(conditionOf(await world.get(renamed.kind, name), type)).toMatchObject({
        reason: "Conflict",
        message: expect.stringMatching(/spec\.neon\.branch.*already exists.*rename or delete the branch/s),
      });
    expect(await names()).toEqual(before);
    const tried = world.requests(since).filter((entry) => entry.method === "PATCH");
    expect(tried.length).toBeLessThanOrEqual(4);
    await outsider(world).neon("DELETE", `${path}/${branch.id}`);
    await world.pass(30 * MINUTE);
    expect(conditionOf(await world.get(renamed.kind, name), "Ready")).toMatchObject({ status: "True" });
    expect((await names()).filter((one) => one === "taken")).toHaveLength(1);
  });
});
