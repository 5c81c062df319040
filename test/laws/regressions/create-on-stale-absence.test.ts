/** A shared listing proves absence only for its own moment: before anything is created the thing is looked for by itself. */
import { afterEach, expect, it } from "vitest";
import { outsider, scriptOf } from "../../convergence/outsider.ts";
import { settledShop, shopProject } from "../../support/shop.ts";
import { conditionOf, createWorld } from "../../support/world.ts";
import type { World } from "../../support/world.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

it("a Worker that somebody uploaded after the account was last listed is a Conflict, not overwritten", async () => {
  world = await createWorld();
  await settledShop(world);
  // Everything was just listed: what is asked for soon is answered from that.
  await world.pass(11 * 60_000);
  const form = new FormData();
  const metadata = { main_module: "index.js", compatibility_date: "2025-01-01", tags: ["theirs"] };
  form.set("metadata", new Blob([JSON.stringify(metadata)], { type: "application/json" }));
  const code = "export default {fetch() { return new Response('theirs'); }}";
  form.set("index.js", new File([code], "index.js", { type: "application/javascript+module" }));
  await outsider(world).cloudflare("PUT", "/workers/scripts/shop-jobs-staging", form);
  const before = scriptOf(world, "shop-jobs-staging");
  await world.apply(
    shopProject({
      cloudflare: {
        connectionRef: { name: "cloudflare" },
        workers: ["api", "jobs"].map((name) => ({ name, code: { path: "dist/worker" } })),
      },
    }),
  );
  await world.pass(20 * 60_000);
  expect(scriptOf(world, "shop-jobs-staging")).toEqual(before);
  const staging = await world.get("Environment", "shop-staging");
  expect(conditionOf(staging, "CloudflareSynced")).toMatchObject({ status: "False", reason: "Conflict" });
});
