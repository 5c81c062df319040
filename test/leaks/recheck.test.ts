/** What changes between the list and the deletion: whatever is no leak any more is kept. */
import { expect, test } from "vitest";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import { outsider } from "../convergence/outsider.ts";
import { identities } from "../laws/support.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld, typeOf } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { lostStore } from "./lost-store.ts";
import { projectManifests, workerCode } from "./projects.ts";
import { listLeaks } from "./support.ts";
import { markable } from "./things.ts";

const manifests = projectManifests("lost", { previews: ["pr-1"] });

async function leakingWorld(): Promise<{ world: World; leaked: string[] }> {
  const world = await createWorld();
  seedTemplate(world);
  await lostStore(world, manifests);
  await world.pass(60_000);
  return { world, leaked: markable(world.sandbox) };
}

/** Deletes everything that leaks, unless what happens while the question stands keeps it. */
async function deleteWhile(
  world: World,
  include: readonly string[],
  meanwhile: () => Promise<unknown>,
): Promise<Record<string, string>> {
  const named = include.filter((one) => !one.includes("/preview/"));
  const run = await listLeaks(world, {
    delete: true,
    include: named,
    answer: async () => {
      await meanwhile();
      return "yes";
    },
  });
  return Object.fromEntries(
    (run.deletion?.results ?? []).map(({ include: name, result, why = "" }) => [
      name.split("/").slice(0, 2).join("/"),
      `${result}${why === "" ? "" : `: ${why}`}`,
    ]),
  );
}

test("an object that comes back and takes its things up keeps them", async () => {
  const { leaked, world } = await leakingWorld();
  const before = identities(world.sandbox);
  // The question stands until everything is converged again; time goes on by itself.
  const results = await deleteWhile(world, leaked, async () => {
    await world.apply(...manifests);
    await world.time.controller.sleep(300_000);
  });
  await world.settle();
  expect(identities(world.sandbox)).toEqual(before);
  expect(new Set(Object.values(results))).toEqual(
    new Set([
      "kept: Project default/lost owns it now",
      "kept: Environment default/lost-dev owns it now",
      "kept: Preview default/lost-pr-1 owns it now",
    ]),
  );
});

test("an object that came back and has not looked yet keeps them too", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await lostStore(world, manifests);
  await world.stop();
  await world.pass(60_000);
  const leaked = markable(world.sandbox);
  const before = identities(world.sandbox);
  const results = await deleteWhile(world, leaked, () => world.apply(...manifests));
  expect(identities(world.sandbox)).toEqual(before);
  expect(new Set(Object.values(results))).toEqual(
    new Set(["kept: the object declares it and has not taken it up yet"]),
  );
});

test("a create under way of that name claims it", async () => {
  const { leaked, world } = await leakingWorld();
  const name = "lost-cache";
  const claimed = leaked.find((one) => one.includes("/kvNamespace/")) ?? "";
  const entry = {
    slot: "kv/other",
    provider: "cloudflare",
    type: "kvNamespace",
    key: "default/other-cloudflareKvNamespace",
    state: "creating",
    scope: world.sandbox.seed.cloudflare.accountId,
    name,
    nonce: "0123456789abcdef",
    since: new Date(world.time.now()).toISOString(),
  };
  const results = await deleteWhile(world, [claimed], async () => {
    await world.apply({
      kind: "Project",
      metadata: { name: "other" },
      spec: { suspend: true, neon: { connectionRef: { name: "neon" }, region: "aws-eu-central-1" } },
    });
    const object: KubernetesObject = await world.get("Project", "other");
    const { name: own, namespace = "default" } = object.metadata;
    await world.store.patchStatus(
      typeOf("Project"),
      { name: own, namespace },
      { type: "merge", body: { status: { inventory: [entry] } } },
      { fieldManager: "flaresmith" },
    );
  });
  expect(results["cloudflare/kvNamespace"]).toBe("kept: Project default/other owns it now");
  expect(markable(world.sandbox)).toContain(claimed);
});

test("what lost its marker meanwhile is not touched", async () => {
  const { leaked, world } = await leakingWorld();
  const worker = leaked.find((one) => one.includes("/worker/")) ?? "";
  const results = await deleteWhile(world, [worker], async () => {
    const form = new FormData();
    form.set(
      "metadata",
      JSON.stringify({ main_module: "index.js", compatibility_date: "2026-01-01", tags: [] }),
    );
    form.set("index.js", new Blob([workerCode], { type: "application/javascript+module" }), "index.js");
    await outsider(world).cloudflare("PUT", "/workers/scripts/lost-api-dev", form);
  });
  expect(results["cloudflare/worker"]).toBe("kept: it does not carry the marker any more");
  expect(markable(world.sandbox)).toContain(worker);
});

test("what somebody deleted meanwhile is gone, and that is fine", async () => {
  const { leaked, world } = await leakingWorld();
  const bucket = leaked.find((one) => one.includes("/r2Bucket/")) ?? "";
  const results = await deleteWhile(world, [bucket], () =>
    outsider(world).cloudflare("DELETE", `/r2/buckets/${bucket.split("/").at(-1)}`),
  );
  expect(results["cloudflare/r2Bucket"]).toBe("deleted");
});

test("what holds something of a living object, or something left on purpose, is kept", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...projectManifests("lost", { environments: ["dev", "staging"] }));
  await world.settle();
  // The environment `dev` leaves its branch on purpose; then the Project alone is forgotten.
  await world.delete("Environment", "lost-dev");
  await world.until(async () => (await world.find("Environment", "lost-dev")) === undefined);
  await world.stop();
  await world.store.patch(
    typeOf("Project"),
    { namespace: "default", name: "lost" },
    { type: "merge", body: { metadata: { finalizers: [] } } },
    { fieldManager: "kubectl" },
  );
  await world.delete("Project", "lost");
  await world.pass(60_000);
  const before = identities(world.sandbox);
  const { leaks } = await listLeaks(world);
  const named = leaks.map(({ include }) => include);
  expect(leaks.map(({ provider, type }) => `${provider}/${type}`)).toEqual([
    "cloudflare/kvNamespace",
    "cloudflare/r2Bucket",
    "github/repository",
    "neon/project",
  ]);
  const results = await deleteWhile(world, named, () => Promise.resolve());
  expect(results["neon/project"]).toMatch(/^kept: neon branch (dev|staging) in \S+ lies in it$/);
  expect(results["github/repository"]).toBe("kept: something of Environment default/lost-staging lies in it");
  expect(results["cloudflare/kvNamespace"]).toBe("deleted");
  const gone = before.filter((one) => !identities(world.sandbox).includes(one));
  expect(gone.every((one) => /^cloudflare (kv|r2) lost-/.test(one))).toBe(true);
});
