/** What one part of a provider does not show: it is said, and nothing is said about what may lie there. */
import { expect, test } from "vitest";
import { seedTemplate } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { lostStore } from "./lost-store.ts";
import { projectManifests } from "./projects.ts";
import { listLeaks, namesOf } from "./support.ts";

async function leakingWorld(manifests: Parameters<World["apply"]>): Promise<World> {
  const world = await createWorld();
  seedTemplate(world);
  await lostStore(world, manifests);
  await world.pass(60_000);
  return world;
}

function refuseTags(world: World): void {
  world.sandbox.context.faults.add({
    provider: "cloudflare",
    path: "/tags",
    times: 0,
    status: 403,
    body: {
      success: false,
      errors: [{ code: 10_000, message: "Authentication error" }],
      messages: [],
      result: null,
    },
  });
}

test("a token that may not read tags: KV namespaces and buckets were not looked at, with the permission it wants", async () => {
  const world = await leakingWorld(projectManifests("shop"));
  refuseTags(world);
  const { code, leaks, missed } = await listLeaks(world);
  expect(code).toBe(2);
  expect(missed.map(({ what }) => what)).toEqual(["kvNamespace", "r2Bucket"]);
  expect(missed.map((one) => ("hint" in one ? one.hint : ""))).toEqual(
    missed.map(() => expect.stringContaining("Account Tags: Read") as unknown),
  );
  expect(leaks.filter(({ type }) => type === "kvNamespace" || type === "r2Bucket")).toEqual([]);
  expect(namesOf(leaks)).toContain("cloudflare worker shop-api-dev");
});

test("where there is neither, such a token is asked for nothing", async () => {
  const [project, ...rest] = projectManifests("shop");
  const { connectionRef, workers } = (project?.spec?.["cloudflare"] ?? {}) as Record<string, unknown>;
  const bare = { ...project?.spec, cloudflare: { connectionRef, workers } };
  const world = await leakingWorld([{ kind: "Project", metadata: { name: "shop" }, spec: bare }, ...rest]);
  refuseTags(world);
  expect(await listLeaks(world)).toMatchObject({ code: 1, missed: [] });
});

test("a project that Neon does not list for the moment is not looked at", async () => {
  const world = await leakingWorld([...projectManifests("shop"), ...projectManifests("other")]);
  const { leaks: all } = await listLeaks(world);
  const hidden = all.find(({ name, type }) => type === "project" && name === "shop");
  world.sandbox.neon.setUnavailable(hidden?.id ?? "", true);
  const { code, leaks, missed } = await listLeaks(world);
  expect(code).toBe(2);
  expect(missed.map(({ what }) => what)).toEqual([`project ${hidden?.id}`]);
  expect(namesOf(leaks.filter(({ provider }) => provider === "neon"))).toEqual([
    "neon branch dev",
    "neon project other",
  ]);
});
