/** What came to be before its creation failed is known, and goes with its object (law 2). */
import { expect, it } from "vitest";
import { seedTemplate } from "../../support/shop.ts";
import { createWorld } from "../../support/world.ts";
import { fleetingShop, gone } from "../small-shop.ts";
import { names } from "../support.ts";

it.each([
  ["a preview whose first deployment was refused", "cloudflare", "/previews/[^/]+/deployments"],
  ["a bucket whose tag was refused", "cloudflare", "/tags$"],
])("%s leaks nothing when its object is deleted at once", async (_what, provider, path) => {
  const world = await createWorld();
  seedTemplate(world);
  world.sandbox.context.faults.add({
    provider,
    path,
    times: 0,
    status: 404,
    body: { success: false, errors: [{ code: 10_007, message: "not found" }], result: null },
  });
  await world.apply(...fleetingShop());
  await world.pass(20_000);
  expect(names(world.sandbox, "cloudflare").length).toBeGreaterThan(0);
  await world.delete("Project", "shop");
  await gone(world);
  await world.pass(120_000);
  expect(names(world.sandbox)).toEqual([]);
  await world.stop();
});
