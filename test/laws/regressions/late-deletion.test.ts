/** A deletion that got no answer may arrive late: what it names is not free before it has. */
import { afterEach, expect, it } from "vitest";
import { seedTemplate, shopProject } from "../../support/shop.ts";
import { createWorld } from "../../support/world.ts";
import type { World } from "../../support/world.ts";
import { external, restart } from "../support.ts";

const MINUTE = 60_000;

let world: World;
afterEach(() => world.stop());

/** A Project whose repository was asked to go, without an answer. */
async function unanswered(): Promise<void> {
  world = await createWorld();
  seedTemplate(world);
  await world.apply(
    shopProject({ deletionPolicy: "Delete", neon: undefined, cloudflare: undefined, previews: undefined }),
  );
  await world.settle();
  world.sandbox.context.faults.add({
    provider: "github",
    method: "DELETE",
    path: "^/repos/acme/shop$",
    drop: true,
    times: 1,
  });
  await world.delete("Project", "shop");
}

const repositories = (): string[] =>
  external(world.sandbox)
    .github.repositories.map(({ name }) => name)
    .filter((name) => name === "shop");

it.each(["in the same process", "in one that followed"])(
  "the Project stays for a minute after it, %s, although a second deletion was answered",
  async (where) => {
    await unanswered();
    await world.pass(1_000);
    if (where === "in one that followed") world = await restart(world);
    await world.until(() => repositories().length === 0);
    await world.pass(MINUTE / 2);
    expect(await world.find("Project", "shop")).toBeDefined();
    await world.pass(MINUTE);
    expect(await world.find("Project", "shop")).toBeUndefined();
  },
);

it("a deletion that was answered keeps nobody waiting", async () => {
  await unanswered();
  world.sandbox.context.faults.clear();
  await world.until(async () => (await world.find("Project", "shop")) === undefined, MINUTE / 2);
  expect(repositories()).toEqual([]);
});
