/** 20 orphans among 200 things that objects own and 20 that are somebody else's: these are found, and nothing else. */
import { expect, test } from "vitest";
import { outsider } from "../convergence/outsider.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { lostStore } from "./lost-store.ts";
import { projectManifests, workerCode } from "./projects.ts";
import { listLeaks } from "./support.ts";
import { markable, typesOf, without } from "./things.ts";

/** What other people keep in the same accounts, some of it with names and marks that look like ours. */
async function plantStrangers(world: World): Promise<void> {
  const outside = outsider(world);
  const repository = async (name: string, description: string, topics: readonly string[]): Promise<void> => {
    await outside.github("POST", "/orgs/acme/repos", { name, description });
    if (topics.length > 0) await outside.github("PUT", `/repos/acme/${name}/topics`, { names: topics });
  };
  await repository("lost-2", "Nobody's", []);
  await repository("shop", "test/default/Project", ["flaresmith", "flaresmith-0123456789ab-not-a-hash"]);
  await repository("other-one", "test2/default/Project/lost/githubRepo#0123456789abcdef", []);

  const { projects } = await outside.neon<{ projects: { id: string; name: string }[] }>(
    "GET",
    "/projects?limit=100",
  );
  const mine = projects.find(({ name }) => name === "p0");
  const branch = (name: string, annotations?: Record<string, string>): Promise<unknown> =>
    outside.neon("POST", `/projects/${mine?.id}/branches`, {
      branch: { name },
      ...(annotations === undefined ? {} : { annotation_value: annotations }),
    });
  await outside.neon("POST", "/projects", { project: { name: "lost", region_id: "aws-eu-central-1" } });
  await branch("somebodys");
  await branch("preview/pr-7", { flaresmith: "test" });
  await branch("lost-dev", { team: "test/default/Environment/lost-dev/neonBranch#0123456789abcdef" });

  const worker = (name: string, tags: readonly string[]): Promise<unknown> => {
    const form = new FormData();
    form.set("metadata", JSON.stringify({ main_module: "index.js", compatibility_date: "2026-01-01", tags }));
    form.set("index.js", new Blob([workerCode], { type: "application/javascript+module" }), "index.js");
    return outside.cloudflare("PUT", `/workers/scripts/${name}`, form);
  };
  await worker("lost-api-qa", []);
  await worker("other-api", ["flaresmith:other/default/Environment/lost-dev/cloudflareWorker%2Fapi#00"]);
  await outside.cloudflare("POST", "/workers/workers/p0-api-dev/previews", { name: "mine" });
  await outside.cloudflare("POST", "/storage/kv/namespaces", { title: "lost-cache" });
  await outside.cloudflare("POST", "/r2/buckets", { name: "lost-files-2" });
  await outside.cloudflare("PUT", "/tags", {
    resource_type: "r2_bucket",
    resource_id: "lost-files-2",
    tags: { owner: "test/default/Project/lost/r2Bucket/files#0123456789abcdef" },
  });
}

test(
  "finds all of 20 planted orphans among 200 owned and 20 foreign things, and nothing else",
  { timeout: 120_000 },
  async () => {
    const world = await createWorld();
    seedTemplate(world);
    for (let index = 0; index < 10; index += 1) {
      await world.apply(
        ...projectManifests(`p${index}`, {
          environments: ["dev", "staging", "production"],
          previews: ["pr-1", "pr-2"],
          storage: "Environment",
        }),
      );
    }
    await world.settle();
    const owned = markable(world.sandbox);
    expect(owned.length).toBeGreaterThanOrEqual(200);
    await world.pass(60_000);
    expect(await listLeaks(world)).toMatchObject({ code: 0, leaks: [], undecided: [], missed: [] });

    const each = { previews: ["pr-1"], storage: "Environment" } as const;
    await lostStore(world, [...projectManifests("lost", each), ...projectManifests("gone", each)]);
    const orphans = without(markable(world.sandbox), owned);
    expect(orphans).toHaveLength(20);
    expect(typesOf(orphans)).toHaveLength(7);

    await lostStore(world, projectManifests("theirs", { previews: ["pr-1"] }), "other");
    await plantStrangers(world);
    const foreign = without(markable(world.sandbox), [...owned, ...orphans]);
    expect(foreign).toHaveLength(20);
    expect(typesOf(foreign)).toEqual(typesOf(orphans));

    await world.pass(60_000);
    const mark = world.mark();
    const objects = world.store.revision;
    const report = await listLeaks(world);
    expect(report.leaks.map(({ include }) => include).toSorted()).toEqual(orphans);
    expect(report).toMatchObject({ code: 1, undecided: [], tombstones: [], missed: [] });
    expect(world.changes(mark)).toEqual([]);
    expect(world.store.revision).toBe(objects);
  },
);
