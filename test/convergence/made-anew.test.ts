/** What was deleted and is made anew at once, minutes after somebody looked: nobody believes what they saw then. */
import { expect, it } from "vitest";
import { createWorld } from "../support/world.ts";
import { seedTemplate } from "../support/shop.ts";
import { fleetingShop, gone } from "../laws/small-shop.ts";
import { names, requestAll, unready } from "../laws/support.ts";

it("a whole project: everything is there again, and nobody is asked to confirm anything", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...fleetingShop());
  await world.settle();
  // A deep look leaves fresh listings behind, good for five minutes.
  await world.pass(60_000);
  await requestAll(world);
  await world.settle();
  const expected = names(world.sandbox);
  await world.delete("Project", "shop");
  await gone(world);
  expect(names(world.sandbox)).toEqual([]);
  await world.apply(...fleetingShop());
  await world.settle();
  expect(await unready(world)).toEqual([]);
  expect(names(world.sandbox)).toEqual(expected);
  await world.stop();
});
