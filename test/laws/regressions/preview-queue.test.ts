/** A lower limit holds back new previews; it takes nothing from those that run. */
import { afterEach, expect, it } from "vitest";
import { settledShop, shopPreview, shopProject } from "../../support/shop.ts";
import { createWorld, statusOf } from "../../support/world.ts";
import type { World } from "../../support/world.ts";
import { names } from "../support.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

it("previews that run keep their database branches when previews.max is lowered", async () => {
  world = await createWorld();
  await settledShop(world);
  await world.apply({ ...shopPreview(), metadata: { name: "shop-pr-2" } });
  await world.settle();
  const branches = (): string[] =>
    world === undefined
      ? []
      : names(world.sandbox, "neon").filter((name) => /branch preview\/pr-\d$/.test(name));
  expect(branches()).toHaveLength(2);
  await world.apply(shopProject({ previews: { environmentRef: { name: "shop-staging" }, max: 1 } }));
  await world.settle();
  await world.pass(30 * 60_000);
  expect(branches()).toHaveLength(2);
  await world.apply({ ...shopPreview(), metadata: { name: "shop-pr-3" } });
  await world.pass(5 * 60_000);
  expect(branches()).toHaveLength(2);
  // Two run where one may: both must end before the third begins.
  expect(statusOf(await world.get("Preview", "shop-pr-3"))["queuePosition"]).toBe(2);
});
