/** What the process remembers is believed only as far as the stored inventory says the same. */
import { afterEach, expect, it } from "vitest";
import { settledShop } from "../../support/shop.ts";
import { createWorld, statusOf, typeOf } from "../../support/world.ts";
import type { World } from "../../support/world.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const inventoryOf = async (from: World): Promise<unknown[]> => {
  const entries = statusOf(await from.get("Project", "shop"))["inventory"] as
    | { slot: string; id?: string; state: string }[]
    | undefined;
  return (entries ?? []).map(({ id, slot, state }) => [slot, id, state].join(" ")).sort();
};

it("a status that is lost just after everything was verified is whole again with the next pass", async () => {
  world = await createWorld();
  await settledShop(world);
  await world.pass(60_000);
  await world.annotate("Project", "shop", { note: "looked at" });
  await world.pass(1_000);
  const before = await inventoryOf(world);
  expect(before.length).toBeGreaterThan(4);
  const since = world.mark();
  await world.store.updateStatus(typeOf("Project"), { ...(await world.get("Project", "shop")), status: {} });
  expect(await inventoryOf(world)).toEqual([]);
  await world.annotate("Project", "shop", { note: "touched" });
  await world.pass(1_000);
  expect(await inventoryOf(world)).toEqual(before);
  expect(world.changes(since).filter((entry) => entry.method === "POST")).toEqual([]);
});
