/** `UpToDate` says only what was looked at. */
import { afterEach, expect, it } from "vitest";
import { settledShop } from "../../support/shop.ts";
import { conditionOf, createWorld } from "../../support/world.ts";
import type { World } from "../../support/world.ts";
import { heal } from "../support.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

it("is Unknown while a provider cannot be asked, and True again afterwards", async () => {
  world = await createWorld();
  await settledShop(world);
  expect(conditionOf(await world.get("Project", "shop"), "UpToDate")).toMatchObject({ status: "True" });
  world.sandbox.context.faults.add({ provider: "neon", status: 503, times: 0 });
  await world.request("Project", "shop");
  await world.pass(60_000);
  const broken = await world.get("Project", "shop");
  expect(conditionOf(broken, "NeonSynced")).toMatchObject({ status: "False" });
  expect(conditionOf(broken, "UpToDate")).toMatchObject({ status: "Unknown", reason: "NotCompared" });
  heal(world);
  await world.settle(20 * 60_000);
  expect(conditionOf(await world.get("Project", "shop"), "UpToDate")).toMatchObject({ status: "True" });
});
