/** Law 5: what the spec names is not deleted because an earlier edit named something else. */
import { afterEach, expect, it } from "vitest";
import { settledShop, shopEnvironment } from "../../support/shop.ts";
import { conditionOf, createWorld } from "../../support/world.ts";
import type { World } from "../../support/world.ts";
import { heal, names } from "../support.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

it("a Worker whose name is changed and changed back, while it could not be deleted, stays", async () => {
  world = await createWorld();
  await settledShop(world);
  world.sandbox.context.faults.add({ provider: "cloudflare", method: "DELETE", status: 500, times: 0 });
  const cloudflare = shopEnvironment("dev").spec?.["cloudflare"] as Record<string, unknown>;
  await world.apply(shopEnvironment("dev", { cloudflare: { ...cloudflare, names: { api: "dev-api" } } }));
  await world.pass(60_000);
  const workers = (): string[] =>
    world === undefined
      ? []
      : names(world.sandbox, "cloudflare").filter((name) => /worker \S*dev\S*$/.test(name));
  expect(workers()).toEqual(["cloudflare worker dev-api", "cloudflare worker shop-api-dev"]);
  await world.apply(shopEnvironment("dev", { cloudflare: { ...cloudflare, names: {} } }));
  await world.pass(60_000);
  heal(world);
  await world.pass(30 * 60_000);
  expect(workers()).toEqual(["cloudflare worker shop-api-dev"]);
  expect(conditionOf(await world.get("Environment", "shop-dev"), "Ready")).toMatchObject({ status: "True" });
});
