/** `leaks --delete`: what it takes, in which order, and everything that it leaves alone. */
import { beforeEach, describe, expect, test } from "vitest";
import { outsider } from "../convergence/outsider.ts";
import { identities } from "../laws/support.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { lostStore } from "./lost-store.ts";
import { projectManifests } from "./projects.ts";
import { listLeaks, namesOf, runLeaks } from "./support.ts";
import { markable, without } from "./things.ts";

const storage = "Environment" as const;

/**
 * A world with something of each sort: what objects own, what a deleted project left on purpose, what is somebody
 * else's, and what a lost store left behind.
 */
async function mixedWorld(): Promise<{ world: World; innocent: string[]; leaked: string[] }> {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(
    ...projectManifests("shop", { environments: ["dev", "production"], previews: ["pr-1"], storage }),
    ...projectManifests("old", { environments: ["dev", "production"], storage }),
  );
  await world.settle();
  await world.delete("Project", "old");
  await world.until(async () => (await world.find("Project", "old")) === undefined, 3_600_000);
  await lostStore(world, projectManifests("theirs", { previews: ["pr-1"], storage }), "other");
  const outside = outsider(world);
  await outside.github("POST", "/orgs/acme/repos", { name: "lost-copy" });
  await outside.cloudflare("POST", "/r2/buckets", { name: "lost-files-dev-2" });
  const innocent = identities(world.sandbox);
  const before = markable(world.sandbox);
  await lostStore(
    world,
    projectManifests("lost", { environments: ["dev", "production"], previews: ["pr-1"], storage }),
  );
  await world.pass(60_000);
  return { world, innocent, leaked: without(markable(world.sandbox), before) };
}

let mixed: Awaited<ReturnType<typeof mixedWorld>>;

beforeEach(async () => {
  mixed = await mixedWorld();
});

test("takes only what holds nothing; a second run lists the rest", async () => {
  const { innocent, leaked, world } = mixed;
  const before = await listLeaks(world);
  expect(before.leaks.map(({ include }) => include).toSorted()).toEqual(leaked);
  const all = identities(world.sandbox);
  const run = await listLeaks(world, { delete: true, yes: true });
  expect(run.code).toBe(1);
  expect(run.deletion?.results).toEqual([
    { include: expect.stringMatching(/^cloudflare\/preview\//) as unknown, result: "deleted" },
  ]);
  expect(without(all, identities(world.sandbox))).toEqual([
    expect.stringMatching(/^cloudflare worker lost-api-dev preview pr-1 /),
  ]);
  expect(without(innocent, identities(world.sandbox))).toEqual([]);
  const after = await listLeaks(world);
  expect(namesOf(after.leaks)).toEqual(namesOf(before.leaks.filter(({ type }) => type !== "preview")));
});

test("takes what is named, children before what they lie in, and then nothing is left to find", async () => {
  const { innocent, leaked, world } = mixed;
  const mark = world.mark();
  const run = await listLeaks(world, {
    delete: true,
    yes: true,
    include: leaked.filter((one) => !one.includes("/preview/")),
  });
  expect(run.deletion?.results.filter(({ result }) => result !== "deleted")).toEqual([]);
  expect(run.deletion?.results.map(({ include }) => include).toSorted()).toEqual(leaked);
  expect(run.code).toBe(0);
  // Nothing but what was leaked is gone, and nothing else was touched.
  expect(identities(world.sandbox)).toEqual(innocent);
  const order = world.changes(mark).map(({ method, path }) => `${method} ${path}`);
  const place = (pattern: RegExp): number => order.findLastIndex((line) => pattern.test(line));
  const first = (pattern: RegExp): number => order.findIndex((line) => pattern.test(line));
  expect(place(/\/previews\//)).toBeLessThan(first(/\/workers\/scripts\/lost-api-dev/));
  expect(place(/\/branches\//)).toBeLessThan(first(/\/projects\/[^/]+$/));
  expect(order.filter((line) => !line.startsWith("DELETE "))).toEqual([]);
  expect(await listLeaks(world)).toMatchObject({ code: 0, leaks: [], undecided: [] });
  // The controller never noticed.
  await world.request("Project", "shop");
  await world.settle();
  expect(identities(world.sandbox)).toEqual(innocent);
});

test("what was left in place on purpose is listed apart, and cannot be named", async () => {
  const { world } = mixed;
  const { leaks, tombstones } = await listLeaks(world);
  expect(leaks.filter(({ name }) => name.startsWith("old"))).toEqual([]);
  const seen = tombstones.filter((one) => one.seen);
  expect(namesOf(seen)).toEqual([
    "cloudflare kvNamespace old-cache-dev",
    "cloudflare kvNamespace old-cache-production",
    "cloudflare r2Bucket old-files-dev",
    "cloudflare r2Bucket old-files-production",
    "cloudflare worker old-api-production",
    "github repository old",
    "neon branch dev",
    "neon project old",
  ]);
  // Git branches carry no marker, so that nobody can look for them.
  expect(namesOf(tombstones.filter((one) => !one.seen))).toEqual(["github gitBranch dev"]);
  const all = identities(world.sandbox);
  for (const { id, provider, type } of seen) {
    const run = runLeaks(world, { delete: true, yes: true, include: [`${provider}/${type}/${id}`] });
    await expect(run).rejects.toThrow("it was left in place on purpose, and is no leak");
  }
  expect(identities(world.sandbox)).toEqual(all);
});

test("a name that is no leak ends it before anything is deleted", async () => {
  const { world } = mixed;
  const all = identities(world.sandbox);
  const owned = `neon/project/${String(statusOf(await world.get("Project", "shop"))["neonProject"])}`;
  const attempt = (name: string) => runLeaks(world, { delete: true, yes: true, include: [name] });
  await expect(attempt("neon/branch/br-nothing-1")).rejects.toThrow("no leak is called so");
  await expect(attempt("neon")).rejects.toThrow("no leak is called so");
  await expect(attempt("")).rejects.toThrow("no leak is called so");
  await expect(attempt(owned)).rejects.toThrow("an object owns it");
  expect(identities(world.sandbox)).toEqual(all);
});

describe("the question", () => {
  test("names how many, and any answer but yes deletes nothing", async () => {
    const { leaked, world } = mixed;
    const all = identities(world.sandbox);
    for (const answer of ["", "n", "y", "no", "yes please"]) {
      const run = await runLeaks(world, {
        delete: true,
        answer,
        output: "text",
        include: [leaked.find((one) => one.includes("/kvNamespace/")) ?? ""],
      });
      expect(run.asked).toEqual(["Delete these 2 things at the providers? Type yes to do it: "]);
      expect(run.out).toContain("Nothing was deleted.");
      expect(run.code).toBe(1);
    }
    expect(identities(world.sandbox)).toEqual(all);
  });

  test("yes deletes", async () => {
    const { world } = mixed;
    const run = await runLeaks(world, { delete: true, answer: "Yes ", output: "text" });
    expect(run.asked).toEqual(["Delete this one thing at the providers? Type yes to do it: "]);
    expect(run.out).toMatch(/deleted cloudflare\/preview\/\S+ \(pr-1\)\n1 deleted, 0 kept, 0 failed\.\n$/);
  });
});

test("without --delete nothing is ever sent that could change anything", async () => {
  const { world } = mixed;
  const mark = world.mark();
  await listLeaks(world);
  const methods = new Set(world.requests(mark).map(({ method }) => method));
  expect([...methods]).toEqual(["GET"]);
});
