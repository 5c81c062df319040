/** Law 1: an error of a provider is never taken for absence. */
import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import {
  breakProvider,
  breakages,
  conditionText,
  heal,
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
    "a project that begins creates nothing there twice and nothing blindly: %s",
    async (_name, breakage) => {
      world = await createWorld();
      seedTemplate(world);
      breakProvider(world, provider, { method: "GET", ...breakage });
      const since = world.mark();
      await world.apply(
        shopProject(),
        shopEnvironment("dev"),
        shopEnvironment("staging"),
        shopEnvironment("production"),
        shopPreview(),
      );
      await world.pass(3 * MINUTE);
      expect(world.changes(since).filter((entry) => entry.provider === provider)).toEqual([]);
      const project = await world.get("Project", "shop");
      if (provider !== "cloudflare") expect(conditionText(project, syncedOf[provider])).toMatch(/^False /);
      heal(world);
      await world.settle(20 * MINUTE);
      expect(await unready(world)).toEqual([]);
      const all = names(world.sandbox);
      expect(all).toEqual([...new Set(all)]);
    },
  );
});
