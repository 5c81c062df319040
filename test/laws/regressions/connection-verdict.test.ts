/** A Connection says what its provider says now, not what it said when the process first asked. */
import { afterEach, expect, it } from "vitest";
import { settledShop } from "../../support/shop.ts";
import { conditionOf, createWorld } from "../../support/world.ts";
import type { World } from "../../support/world.ts";

let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

it("credentials that are revoked make the Connection not Ready at its next look", async () => {
  world = await createWorld();
  await settledShop(world);
  expect(conditionOf(await world.get("Connection", "github"), "Ready")?.status).toBe("True");
  world.sandbox.github.revokeToken(world.sandbox.seed.github.token);
  await world.pass(25 * 60_000);
  const connection = await world.get("Connection", "github");
  expect(conditionOf(connection, "Authenticated")).toMatchObject({ status: "False" });
  expect(conditionOf(connection, "Ready")?.status).toBe("False");
  expect(conditionOf(connection, "Stalled")?.status).toBe("True");
});
