/** Law 6: what was made through a Connection goes through it, whichever is deleted first. */
import { afterEach, describe, expect, it } from "vitest";
import { settledShop, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

describe("deleting a Connection together with everything that uses it", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.stop();
  });

  it("waits for its users, removes what they stood for, and goes", async () => {
    const shown = await createWorld();
    world = shown;
    await settledShop(shown);
    const policy = { deletionPolicy: "Delete" };
    const places = ["dev", "staging", "production"] as const;
    await shown.apply(shopProject(policy), ...places.map((place) => shopEnvironment(place, policy)));
    await shown.settle();
    for (const name of ["github", "neon", "cloudflare"]) await shown.delete("Connection", name);
    await shown.pass(5_000);
    const waiting = await shown.get("Connection", "neon");
    expect(conditionOf(waiting, "Ready")).toMatchObject({ status: "False", reason: "Deleting" });
    expect(conditionOf(waiting, "Ready")?.message).toContain("Environment shop-dev");
    await shown.delete("Project", "shop");
    await shown.until(async () => {
      const kinds = ["Project", "Environment", "Preview", "Connection"];
      return (await Promise.all(kinds.map((kind) => shown.list(kind)))).flat().length === 0;
    });
    const { accounts } = shown.sandbox.cloudflare.state() as { accounts: { scripts: unknown[] }[] };
    expect(accounts.flatMap(({ scripts }) => scripts)).toEqual([]);
    const { repositories } = shown.sandbox.github.state() as { repositories: { name: string }[] };
    expect(repositories.map(({ name }) => name)).not.toContain("shop");
  });
});
