import { afterEach, describe, expect, it } from "vitest";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";

describe("a first Project", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.stop();
  });

  it("gets its repository, and says where it is", async () => {
    world = await createWorld();
    await world.apply({
      kind: "Project",
      metadata: { name: "shop" },
      spec: {
        github: {
          connectionRef: { name: "github" },
          repository: "shop",
          description: "The shop",
          topics: ["web"],
        },
      },
    });
    await world.settle();
    const project = await world.get("Project", "shop");
    expect(conditionOf(project, "Ready")).toMatchObject({ status: "True" });
    expect(statusOf(project)["repositoryUrl"]).toContain("acme/shop");
    const { repositories } = world.sandbox.github.state() as {
      repositories: { name: string; topics: string[] }[];
    };
    expect(repositories.map(({ name }) => name)).toEqual(["shop"]);
    expect(repositories[0]?.topics).toContain("web");
  });
});
