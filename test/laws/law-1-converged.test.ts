/** Law 1: an error of a provider is never taken for absence. */
import { afterEach, describe, expect, it } from "vitest";
import { settledShop } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import {
  breakProvider,
  breakages,
  conditionText,
  heal,
  identities,
  providers,
  requestAll,
  syncedOf,
  unready,
} from "./support.ts";

const MINUTE = 60_000;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

describe.each(providers)("when %s answers nothing of worth", (provider) => {
  it.each(Object.entries(breakages))(
    "a converged project keeps everything, says so, and is Ready again by itself: %s",
    async (_name, breakage) => {
      world = await createWorld();
      await settledShop(world);
      const before = identities(world.sandbox);
      const since = world.mark();
      breakProvider(world, provider, { method: "GET", ...breakage });
      await requestAll(world);
      await world.pass(15 * MINUTE);
      expect(world.changes(since)).toEqual([]);
      expect(identities(world.sandbox)).toEqual(before);
      const environment = await world.get("Environment", "shop-staging");
      expect(conditionOf(environment, "Ready")?.status).toBe("False");
      expect(conditionOf(environment, syncedOf[provider])?.status).toBe("False");
      expect(conditionText(environment, syncedOf[provider]).length).toBeGreaterThan(20);
      for (const other of providers.filter((one) => one !== provider)) {
        expect(conditionText(environment, syncedOf[other]), other).not.toMatch(/Unavailable|Invalid/);
      }
      heal(world);
      await world.settle(20 * MINUTE);
      expect(await unready(world)).toEqual([]);
      expect(identities(world.sandbox)).toEqual(before);
    },
  );
});
