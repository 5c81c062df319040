/** What is left in place keeps what it holds; what we only configured in it goes with the Project (specs/005). */
import { expect, it } from "vitest";
import { seedTemplate } from "../../support/shop.ts";
import { createWorld } from "../../support/world.ts";
import { gone, smallShop } from "../small-shop.ts";
import { names } from "../support.ts";

it("a repository that stays loses its Project's rulesets and variables, and keeps its branches", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...smallShop());
  await world.settle();
  const before = names(world.sandbox, "github");
  expect(before).toContain("github acme/shop ruleset main is protected");
  expect(before).toContain("github acme/shop variable REGION");
  await world.delete("Project", "shop");
  await gone(world);
  expect(names(world.sandbox, "github")).toEqual([
    "github acme/shop",
    "github acme/shop branch dev",
    "github acme/shop branch main",
  ]);
  await world.stop();
});

it("a variable that GitHub did not let go the first time is not forgotten with the repository that stays", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...smallShop());
  await world.settle();
  world.sandbox.context.faults.add({
    provider: "github",
    method: "DELETE",
    path: "/actions/variables/REGION$",
    status: 502,
    times: 0,
  });
  await world.delete("Project", "shop");
  await world.pass(60_000);
  world.sandbox.context.faults.clear();
  await gone(world);
  expect(names(world.sandbox, "github")).not.toContain("github acme/shop variable REGION");
  await world.stop();
});
