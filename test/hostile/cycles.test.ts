/** Environments whose database branches are cut from each other: nothing waits for ever without saying why. */
import { afterEach, describe, expect, it } from "vitest";
import { neonBranchesOf } from "../convergence/outsider.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";

const MINUTE = 60_000;

const project: Manifest = {
  kind: "Project",
  metadata: { name: "shop" },
  spec: { neon: { connectionRef: { name: "neon" }, region: "aws-eu-central-1" } },
};

const environment = (short: string, parent?: string, neon: Record<string, unknown> = {}): Manifest => ({
  kind: "Environment",
  metadata: { name: `shop-${short}` },
  spec: { projectRef: { name: "shop" }, stage: "Dev", neon: { ...(parent ? { parent } : {}), ...neon } },
});

describe("database branches that are cut from each other", () => {
  let world: World;
  afterEach(() => world.stop());

  const start = async (...environments: Manifest[]): Promise<void> => {
    world = await createWorld();
    await world.apply(project, ...environments);
  };
  const ready = async (short: string) =>
    conditionOf(await world.get("Environment", `shop-${short}`), "Ready");
  const branches = (): string[] => [...neonBranchesOf(world).keys()].toSorted();

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ["from itself", { a: "a" }, { a: "a from a" }],
    ["two from each other", { a: "b", b: "a" }, { a: "a from b from a", b: "b from a from b" }],
    [
      "three in a ring",
      { a: "b", b: "c", c: "a" },
      { a: "a from b from c from a", b: "b from c from a from b", c: "c from a from b from c" },
    ],
  ])("%s: each says so, none is made, and one correction heals all", async (_name, parents, told) => {
    await start(...Object.entries(parents).map(([short, parent]) => environment(short, parent)));
    await world.pass(5 * MINUTE);
    for (const [short, path] of Object.entries(told)) {
      const condition = await ready(short);
      expect(condition).toMatchObject({ status: "False", reason: "DependencyCycle" });
      expect(condition?.message).toContain(path);
      expect(condition?.message).toContain("spec.neon.parent");
    }
    expect(branches()).toEqual(["main"]);
    const before = world.mark();
    await world.pass(60 * MINUTE);
    expect(world.changes(before)).toEqual([]);

    await world.apply(environment("a"));
    await world.settle(60 * MINUTE);
    expect(branches()).toEqual([...Object.keys(parents), "main"].toSorted());
  });

  it("of others leaves one that hangs below it waiting for its own parent", async () => {
    await start(environment("a", "b"), environment("b", "a"), environment("below", "a"));
    await world.pass(5 * MINUTE);
    expect(await ready("a")).toMatchObject({ reason: "DependencyCycle" });
    const condition = await ready("below");
    expect(condition).toMatchObject({ status: "False", reason: "ReferenceNotFound" });
    expect(condition?.message).toContain("has no branch a, from which below would be cut");
  });

  it("a cycle goes away with its objects", async () => {
    await start(environment("a", "b"), environment("b", "a"));
    await world.pass(5 * MINUTE);
    await world.delete("Environment", "shop-a");
    await world.delete("Environment", "shop-b");
    await world.pass(5 * MINUTE);
    expect(await world.list("Environment")).toEqual([]);
  });

  it("a long chain that ends is no cycle, in whatever order its objects come", async () => {
    const chain = Array.from({ length: 8 }, (_unused, at) =>
      environment(`e${at}`, at === 7 ? "main" : `e${at + 1}`),
    );
    await start(...chain);
    await world.settle(60 * MINUTE);
    expect(branches()).toEqual(["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7", "main"]);
  });

  it("what names a parent for the root branch is no cycle: Neon made that one", async () => {
    await start(environment("a", "main"), environment("production", "a", { branch: "main" }));
    await world.settle(60 * MINUTE);
    expect(branches()).toEqual(["a", "main"]);
  });
});
