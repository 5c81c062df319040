/** What does not settle is looked at less and less often. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopProject } from "../../support/shop.ts";
import { createWorld } from "../../support/world.ts";
import type { World } from "../../support/world.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

it("a template that is never generated does not eat the rate limit", async () => {
  world = await createWorld();
  seedTemplate(world);
  world.sandbox.github.setDelays({ refMs: 1e9, objectsMs: 1e9, settingsMs: 1e9 });
  await world.apply(shopProject());
  await world.pass(10 * 60_000);
  const since = world.mark();
  await world.pass(60 * 60_000);
  const reads = world.requests(since).filter((entry) => entry.provider === "github");
  expect(reads.length).toBeGreaterThan(10);
  expect(reads.length).toBeLessThan(400);
});
