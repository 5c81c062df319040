/** A provider that wants no more calls: its Connection says so while that lasts, and no longer. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopProject } from "../support/shop.ts";
import { createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";

let world: World;
afterEach(() => world.stop());

const throttledUntil = async (): Promise<string | undefined> =>
  statusOf(await world.get("Connection", "github"))["throttledUntil"] as string | undefined;

it("says until when within a second, and that it is over within a few, and calls nobody meanwhile", async () => {
  world = await createWorld();
  seedTemplate(world);
  await world.apply(shopProject());
  await world.settle();
  expect(await throttledUntil()).toBeUndefined();

  world.sandbox.context.faults.add({
    provider: "github",
    path: "/",
    status: 429,
    headers: { "retry-after": "120" },
    body: { message: "too many requests" },
  });
  await world.request("Project", "shop");
  await world.pass(2_000);
  const until = await throttledUntil();
  const left = Date.parse(until ?? "") - world.time.now();
  expect(left).toBeGreaterThan(110_000);
  expect(left).toBeLessThanOrEqual(120_000);

  const since = world.mark();
  await world.pass(left - 1_000);
  expect(world.requests(since).filter(({ provider }) => provider === "github")).toEqual([]);
  await world.pass(4_000);
  expect(await throttledUntil()).toBeUndefined();
});
