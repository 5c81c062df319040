/** Law 1: an error of a provider is never taken for absence. */
import { afterEach, describe, expect, it } from "vitest";
import { settledShop } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import {
  breakProvider,
  breakages,
  conditionText,
  heal,
  identities,
  names,
  providers,
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
    "what is being deleted is neither deleted blindly nor forgotten: %s",
    async (_name, breakage) => {
      world = await createWorld();
      await settledShop(world);
      const before = identities(world.sandbox);
      breakProvider(world, provider, { method: "GET", ...breakage });
      const since = world.mark();
      await world.delete("Preview", "shop-pr-1");
      await world.delete("Environment", "shop-dev");
      await world.pass(5 * MINUTE);
      const own = world.changes(since).filter((entry) => entry.provider === provider);
      expect(own).toEqual([]);
      expect(identities(world.sandbox, provider)).toEqual(
        before.filter((thing) => thing.startsWith(provider)),
      );
      // A preview has nothing at GitHub that would be removed.
      const kept = provider === "github" ? "Environment" : "Preview";
      const name = provider === "github" ? "shop-dev" : "shop-pr-1";
      const waiting = await world.get(kept, name);
      expect(waiting.metadata.deletionTimestamp).toBeDefined();
      if (provider !== "neon")
        expect((await world.get("Environment", "shop-dev")).metadata.deletionTimestamp).toBeDefined();
      expect(conditionText(waiting, syncedOf[provider])).toMatch(/^False /);
      heal(world);
      const living = world;
      await living.until(async () => (await living.list("Preview")).length === 0, 20 * MINUTE);
      await living.until(
        async () => (await living.find("Environment", "shop-dev")) === undefined,
        20 * MINUTE,
      );
      const after = names(world.sandbox);
      expect(after).not.toContain("neon shop branch preview/pr-1");
      expect(after).not.toContain("cloudflare worker shop-api-staging preview pr-1");
      expect(after).not.toContain("cloudflare worker shop-api-dev");
      expect(after).not.toContain("github acme/shop environment dev");
      expect(after).toContain("neon shop branch dev");
      await world.settle();
      expect(await unready(world)).toEqual([]);
    },
  );
});
