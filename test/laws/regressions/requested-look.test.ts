/** Who asks for a look at everything gets one, also when a provider did not answer at that moment. */
import { expect, it } from "vitest";
import { createWorld } from "../../support/world.ts";
import { applySmallShop } from "../small-shop.ts";
import { asSomeoneElse, breakProvider, external, heal } from "../support.ts";

it("what somebody changed is found by the first look that succeeds after the request", async () => {
  const world = await createWorld();
  await applySmallShop(world);
  await world.settle();
  await world.pass(60_000);
  await asSomeoneElse(world, "github", "PATCH", "/repos/acme/shop", { description: "somebody else's words" });
  breakProvider(world, "github", { status: 500 });
  await world.request("Project", "shop");
  await world.pass(5_000);
  heal(world);
  // Less than the resync and the age of shared observations: only the request can find it.
  await world.pass(120_000);
  const shop = external(world.sandbox).github.repositories.find((one) => one.name === "shop");
  expect(shop?.description).toBe("The shop");
  await world.stop();
});
