/** Several Environments on the root branch of one Neon project. */
import { afterEach, expect, test } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";

const HOUR = 3_600_000;
let world: World;
afterEach(() => world.stop());

const onRoot = (short: "staging" | "production", neon: Record<string, unknown>): Manifest =>
  shopEnvironment(short, { neon: { branch: "main", ...neon } });

test("who came later and wants it otherwise is told so, and it is not changed to and fro", async () => {
  world = await createWorld();
  seedTemplate(world);
  await world.apply(shopProject({ previews: undefined }), onRoot("production", { protected: true }));
  await world.settle();
  await world.pass(1_000);
  await world.apply(onRoot("staging", { protected: false }));
  await world.settle();
  expect(conditionOf(await world.get("Environment", "shop-staging"), "NeonSynced")).toMatchObject({
    status: "False",
    reason: "Conflict",
    message: expect.stringContaining("Environment shop-production uses the same Neon branch") as string,
  });
  const since = world.mark();
  await world.pass(2 * HOUR);
  expect(world.changes(since)).toEqual([]);
  await world.apply(onRoot("staging", {}));
  await world.settle();
  expect(conditionOf(await world.get("Environment", "shop-staging"), "Ready")).toMatchObject({
    status: "True",
  });
  expect(conditionOf(await world.get("Environment", "shop-production"), "Ready")).toMatchObject({
    status: "True",
  });
});
