/**
 * A build that is broken on purpose leaks; the command finds what it left. The one broken line: deletion takes nothing
 * away at the providers, so that the finalizer goes before what it stood for.
 */
import { expect, test, vi } from "vitest";
import type * as remove from "../../reconcilers/engine/remove.ts";
import { identities } from "../laws/support.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { projectManifests } from "./projects.ts";
import { listLeaks } from "./support.ts";
import { markable } from "./things.ts";

const broken = vi.hoisted(() => ({ build: false }));

vi.mock("../../reconcilers/engine/remove.ts", async (original) => {
  const real = await original<typeof remove>();
  return {
    ...real,
    removeEntries: (options: remove.RemovalOptions): Promise<remove.RemovalResult[]> => {
      if (!broken.build) return real.removeEntries(options);
      for (const { slot } of options.entries) options.inventory.delete(slot);
      return Promise.resolve([]);
    },
  };
});

/** Makes a shop beside one that stays, deletes it, and lets the creation grace pass. */
async function deletedShop(): Promise<{ world: World; staying: string[]; leftovers: string[] }> {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...projectManifests("staying", { previews: ["pr-1"] }));
  await world.settle();
  const staying = markable(world.sandbox);
  const whole = { previews: ["pr-1"], storage: "Environment", deletionPolicy: "Delete" } as const;
  await world.apply(...projectManifests("shop", { environments: ["dev", "production"], ...whole }));
  await world.settle();
  await world.delete("Project", "shop");
  await world.until(async () => (await world.find("Project", "shop")) === undefined, 3_600_000);
  await world.pass(60_000);
  return { world, staying, leftovers: markable(world.sandbox).filter((one) => !staying.includes(one)) };
}

test("a build that removes the finalizer first leaves leaks, each of which is found and can be deleted", async () => {
  broken.build = true;
  const { leftovers, staying, world } = await deletedShop();
  // Repository, Neon project and two branches, two Workers with a preview, KV and R2 of three places.
  expect(leftovers).toHaveLength(13);
  const { code, leaks } = await listLeaks(world);
  expect(leaks.map(({ include }) => include).toSorted()).toEqual(leftovers);
  expect(code).toBe(1);
  expect(new Set(leaks.map(({ why }) => why))).toEqual(new Set(["the object does not exist"]));
  expect(leaks.map(({ owner }) => `${owner?.kind} ${owner?.namespace}/${owner?.name}`)).toEqual(
    leaks.map(({ owner }) => expect.stringMatching(new RegExp(`^${owner?.kind} default/shop`)) as unknown),
  );
  const run = await listLeaks(world, {
    delete: true,
    yes: true,
    include: leftovers.filter((one) => !one.includes("/preview/")),
  });
  expect(run.code).toBe(0);
  expect(markable(world.sandbox)).toEqual(staying);
  expect(await listLeaks(world)).toMatchObject({ code: 0, leaks: [] });
});

test("the build as it is leaves nothing to find", async () => {
  broken.build = false;
  const { leftovers, world } = await deletedShop();
  expect(leftovers).toEqual([]);
  expect(identities(world.sandbox).filter((one) => one.includes("shop"))).toEqual([]);
  expect(await listLeaks(world)).toMatchObject({ code: 0, leaks: [], undecided: [] });
});
