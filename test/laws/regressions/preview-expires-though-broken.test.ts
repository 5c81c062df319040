/** A preview ends at its time, also when its spec can no longer be understood. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopPreview, shopProject } from "../../support/shop.ts";
import { conditionOf, createWorld, statusOf } from "../../support/world.ts";
import type { World } from "../../support/world.ts";
import { names } from "../support.ts";

const HOUR = 3_600_000;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

it("an edit that names a base that does not exist neither empties it nor lets it live for ever", async () => {
  world = await createWorld();
  seedTemplate(world);
  const interval = "6h";
  await world.apply(
    shopProject({ interval }),
    shopEnvironment("staging", { interval }),
    shopPreview({ interval, branch: "staging" }),
  );
  await world.settle();
  const branches = (): string[] =>
    world === undefined
      ? []
      : names(world.sandbox, "neon").filter((name) => /branch preview\/\S+$/.test(name));
  await world.apply(
    shopPreview({ interval, branch: "staging", ttl: "24h", environmentRef: { name: "nowhere" } }),
  );
  await world.pass(HOUR);
  const broken = await world.get("Preview", "shop-pr-1");
  expect(conditionOf(broken, "Ready")).toMatchObject({ status: "False", reason: "ReferenceNotFound" });
  expect(branches()).toHaveLength(1);
  await world.pass(32 * HOUR);
  expect(branches()).toEqual([]);
  expect(statusOf(await world.get("Preview", "shop-pr-1"))["state"]).toBe("archived");
});
