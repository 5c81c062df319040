/** Law 6: a deletion that comes while things are being made leaks none of them. */
import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { fleetingShop, gone } from "./small-shop.ts";
import { names, providers } from "./support.ts";

const MINUTE = 60_000;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

describe("deletion at any moment of the convergence", () => {
  const moments = [0, 1, 20, 100, 300, 700, 1_000, 1_300, 1_700, 2_000, 2_500, 3_000, 3_500, 4_000, 5_000];

  it.each(moments)("%i ms after the beginning leaks nothing", async (moment) => {
    const shop = await createWorld();
    world = shop;
    seedTemplate(shop);
    await shop.apply(...fleetingShop());
    if (moment > 0) await shop.pass(moment);
    await shop.delete("Project", "shop");
    await gone(shop);
    await shop.pass(2 * MINUTE);
    expect(names(shop.sandbox)).toEqual([]);
  });

  it.each(moments)("%i ms after the beginning leaks nothing while reads lag five seconds", async (moment) => {
    const shop = await createWorld();
    world = shop;
    for (const provider of providers)
      shop.sandbox.context.faults.setLag({ provider, resource: "*", milliseconds: 5_000 });
    seedTemplate(shop);
    await shop.pass(6_000);
    await shop.apply(...fleetingShop());
    if (moment > 0) await shop.pass(moment);
    await shop.delete("Project", "shop");
    await gone(shop);
    await shop.pass(2 * MINUTE);
    expect(names(shop.sandbox)).toEqual([]);
  });

  it("a created thing whose answer was lost and that nobody can see yet is waited for and removed", async () => {
    const shop = await createWorld();
    world = shop;
    seedTemplate(shop);
    shop.sandbox.context.faults.setLag({ provider: "neon", resource: "*", milliseconds: 15_000 });
    shop.sandbox.context.faults.add({
      provider: "neon",
      method: "POST",
      path: "/api/v2/projects$",
      when: "after",
      drop: true,
    });
    await shop.apply(...fleetingShop());
    await shop.pass(500);
    await shop.delete("Project", "shop");
    await gone(shop);
    await shop.pass(2 * MINUTE);
    expect(names(shop.sandbox, "neon")).toEqual([]);
    expect(names(shop.sandbox)).toEqual([]);
  });
});
