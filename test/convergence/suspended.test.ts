/** A suspended object does not leave: whoever waits for it says how it is freed. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const MINUTE = 60_000;

let world: World;
afterEach(() => world.stop());

it("a Project that is deleted says which of its Environments is suspended, and goes once it goes on", async () => {
  world = await createWorld();
  seedTemplate(world);
  await world.apply(shopProject(), shopEnvironment("dev"), shopEnvironment("staging"));
  await world.settle();
  await world.apply(shopEnvironment("staging", { suspend: true }));
  await world.delete("Project", "shop");
  await world.pass(5 * MINUTE);
  expect(conditionOf(await world.get("Project", "shop"), "Ready")?.message).toBe(
    "Waiting until environments shop-staging (suspended: set spec.suspend to false) are deleted.",
  );
  await world.apply(shopEnvironment("staging", { suspend: false }));
  await world.until(async () => (await world.find("Project", "shop")) === undefined);
});

it("a Connection that is deleted says so of the Project that needs it", async () => {
  world = await createWorld();
  seedTemplate(world);
  await world.apply(shopProject());
  await world.settle();
  await world.apply(shopProject({ suspend: true }));
  await world.delete("Connection", "neon");
  await world.pass(MINUTE);
  expect(conditionOf(await world.get("Connection", "neon"), "Ready")?.message).toBe(
    "Waiting until Project shop (suspended: set spec.suspend to false) need it no more.",
  );
});
