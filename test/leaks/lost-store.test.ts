/** A data directory is lost: what it left behind is found, and with the manifests it is nobody's leak any more. */
import { expect, test } from "vitest";
import { identities } from "../laws/support.ts";
import { settledShop, seedTemplate } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import { lostStore } from "./lost-store.ts";
import { projectManifests } from "./projects.ts";
import { listLeaks, runLeaks } from "./support.ts";
import { markable } from "./things.ts";

test("an empty store of the same installation finds everything that the lost one made; of another, nothing", async () => {
  const first = await createWorld();
  await settledShop(first);
  await first.stop();
  const { sandbox, time } = first;
  const empty = await createWorld({ sandbox, time, seed: 12 });
  await empty.settle();
  await empty.pass(60_000);
  const { code, leaks } = await listLeaks(empty);
  expect(leaks.map(({ include }) => include).toSorted()).toEqual(markable(sandbox));
  expect(code).toBe(1);
  // The repository's topic holds but a hash; its Project is known from the marks of what lies elsewhere.
  expect(leaks.find(({ type }) => type === "repository")?.owner).toMatchObject({
    namespace: "default",
    kind: "Project",
    name: "shop",
    slot: "githubRepo",
  });
  await empty.stop();
  const stranger = await createWorld({ sandbox, time, seed: 13, installation: "other" });
  await stranger.settle();
  expect(await listLeaks(stranger, { installation: "other" })).toMatchObject({ code: 0, leaks: [] });
});

test("once the manifests are applied again, nothing leaks and nothing was made anew", async () => {
  const world = await createWorld();
  seedTemplate(world);
  const manifests = projectManifests("shop", { environments: ["dev", "production"], previews: ["pr-1"] });
  await lostStore(world, manifests);
  await world.pass(60_000);
  const before = identities(world.sandbox);
  expect((await listLeaks(world)).leaks).toHaveLength(markable(world.sandbox).length);
  await world.apply(...manifests);
  await world.settle();
  expect(await listLeaks(world)).toMatchObject({ code: 0, leaks: [], undecided: [] });
  expect(identities(world.sandbox)).toEqual(before);
});

test("a repository alone, whose Project nothing names, is listed with its mark", async () => {
  const world = await createWorld();
  seedTemplate(world);
  const [project] = projectManifests("alone");
  const { cloudflare: _cloudflare, neon: _neon, previews: _previews, ...spec } = project?.spec ?? {};
  await lostStore(world, [{ kind: "Project", metadata: { name: "alone" }, spec }]);
  await world.pass(60_000);
  const { leaks } = await listLeaks(world);
  expect(leaks).toMatchObject([
    { type: "repository", name: "alone", owner: null, why: "no object that exists has its marker" },
  ]);
  const { out } = await runLeaks(world, { output: "text" });
  expect(out).toMatch(/unknown \(mark [0-9a-f]{12}-[0-9a-f]{24}\)/);
});
