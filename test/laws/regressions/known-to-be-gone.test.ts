/** What was seen to be gone does not come back into the status by an older listing. */
import { expect, it } from "vitest";
import { conditionOf, createWorld } from "../../support/world.ts";
import type { World } from "../../support/world.ts";
import { applySmallShop, smallShop } from "../small-shop.ts";
import { asSomeoneElse, external } from "../support.ts";

/** An edit of nothing that a provider would see. */
async function edit(world: World, interval: string): Promise<void> {
  const environment = smallShop().find(({ kind }) => kind === "Environment");
  if (environment) await world.apply({ ...environment, spec: { ...environment.spec, interval } });
  await world.settle();
}

it("an environment whose KV namespace somebody deleted is not Ready again with the next pass", async () => {
  const world = await createWorld();
  await applySmallShop(world);
  await world.settle();
  // An edit looks at everything by listings, which serve for five minutes.
  await world.pass(60_000);
  await edit(world, "11m");
  const [account] = external(world.sandbox).cloudflare.accounts;
  const namespace = account?.kv.find(({ title }) => title === "shop-cache-dev");
  const path = `/accounts/${account?.id ?? ""}/storage/kv/namespaces/${namespace?.id ?? ""}`;
  await asSomeoneElse(world, "cloudflare", "DELETE", path);
  await world.request("Environment", "shop-dev");
  await world.settle();
  await edit(world, "12m");
  const ready = conditionOf(await world.get("Environment", "shop-dev"), "Ready");
  expect(ready).toMatchObject({ status: "False", reason: "ConfirmationRequired" });
  await world.stop();
});
