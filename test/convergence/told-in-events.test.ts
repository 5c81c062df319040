import { afterEach, describe, expect, it } from "vitest";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

describe("an object that waits for a person", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.stop();
  });

  it("says so in one Event, and not again while nothing changes", async () => {
    world = await createWorld();
    await world.apply({
      kind: "Project",
      metadata: { name: "shop" },
      spec: { github: { connectionRef: { name: "nobody" }, repository: "shop" } },
    });
    await world.settle();
    const told = async (): Promise<unknown[]> =>
      ((await world?.list("Event")) ?? [])
        .filter((event) => event["type"] === "Warning")
        .map((event) => [event["reason"], event["count"]]);
    await world.pass(60_000);
    expect(await told()).toEqual([["ReferenceNotFound", 1]]);
    await world.pass(25 * 60_000);
    expect(await told()).toEqual([["ReferenceNotFound", 1]]);
  });
});
