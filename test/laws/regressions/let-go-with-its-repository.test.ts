/** What lay in a repository that somebody else deleted can be let go: the conditions say how. */
import { expect, it } from "vitest";
import { seedTemplate } from "../../support/shop.ts";
import { conditionsOf, createWorld } from "../../support/world.ts";
import type { World } from "../../support/world.ts";
import { fleetingShop } from "../small-shop.ts";
import { asSomeoneElse, breakProvider, external, heal } from "../support.ts";

/** Says of every object what its conditions ask for, until none is left. @throws Error after an hour of virtual time */
async function sayGoneUntilGone(world: World): Promise<void> {
  const kinds = ["Project", "Environment", "Preview"];
  await world.until(async () => {
    const objects = (await Promise.all(kinds.map((kind) => world.list(kind)))).flat();
    for (const object of objects) {
      const known = object.metadata.annotations?.["flaresmith.dev/confirm-gone"]?.split(",") ?? [];
      const asked = conditionsOf(object).flatMap(
        ({ message }) => /confirm-gone: "?([\w-]+)/.exec(message)?.[1] ?? [],
      );
      const all = [...new Set([...known, ...asked])];
      if (all.length > known.length)
        await world.annotate(object.kind ?? "", object.metadata.name, {
          "flaresmith.dev/confirm-gone": all.join(","),
        });
    }
    return objects.length === 0;
  }, 3_600_000);
}

it("a project goes although its repository went before it", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...fleetingShop());
  await world.settle();
  await asSomeoneElse(world, "github", "DELETE", "/repos/acme/shop");
  await world.delete("Project", "shop");
  await sayGoneUntilGone(world);
  expect(await world.list("Environment")).toEqual([]);
  await world.stop();
});

it("an environment goes of which nobody knows whether it was made before its repository went", async () => {
  const world = await createWorld();
  seedTemplate(world);
  breakProvider(world, "github", { method: "PUT", path: "/environments/dev$", drop: true });
  await world.apply(...fleetingShop());
  await world.until(async () => {
    const environment = await world.find("Environment", "shop-dev");
    const { inventory = [] } = (environment?.["status"] ?? {}) as {
      inventory?: { slot: string; state: string; id?: string }[];
    };
    return inventory.some((entry) => entry.slot === "githubEnvironment" && entry.id === undefined);
  });
  await asSomeoneElse(world, "github", "DELETE", "/repos/acme/shop");
  heal(world);
  await world.delete("Project", "shop");
  await sayGoneUntilGone(world);
  expect(await world.list("Environment")).toEqual([]);
  await world.stop();
});

it("what is declared again at once is looked for in the new repository, not in listings of the old one", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...fleetingShop());
  await world.settle();
  await world.pass(60_000);
  // An edit looks at everything by listings, which serve for five minutes.
  const edited = fleetingShop().map((manifest) => ({
    ...manifest,
    spec: { ...manifest.spec, interval: "11m" },
  }));
  await world.apply(...edited);
  await world.settle();
  await asSomeoneElse(world, "github", "DELETE", "/repos/acme/shop");
  await world.delete("Project", "shop");
  await sayGoneUntilGone(world);
  await world.apply(...fleetingShop());
  await world.settle();
  const shop = external(world.sandbox).github.repositories.find(({ name }) => name === "shop");
  expect(shop?.environments.map(({ name }) => name)).toEqual(["dev"]);
  await world.stop();
});
