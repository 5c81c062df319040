/** What is ours and without an entry, and still no leak: it cannot be told yet, or it is told only in part. */
import { describe, expect, test } from "vitest";
import { outsider } from "../convergence/outsider.ts";
import { breakages, breakProvider, heal, identities, providers } from "../laws/support.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld, typeOf } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { lostStore } from "./lost-store.ts";
import { projectManifests } from "./projects.ts";
import { listLeaks, namesOf, runLeaks } from "./support.ts";
import { markable } from "./things.ts";

const manifests = projectManifests("shop", { previews: ["pr-1"] });

async function leakingWorld(): Promise<World> {
  const world = await createWorld();
  seedTemplate(world);
  await lostStore(world, manifests);
  await world.pass(60_000);
  return world;
}

/** Every object forgets what it stands for, as in a store that was restored from manifests alone. */
async function forget(world: World): Promise<void> {
  for (const kind of ["Project", "Environment", "Preview"]) {
    for (const { metadata } of await world.list(kind)) {
      const key = { namespace: "default", name: metadata.name };
      const patch = { type: "merge" as const, body: { status: { inventory: null } } };
      await world.store.patchStatus(typeOf(kind), key, patch, { fieldManager: "flaresmith" });
    }
  }
}

test("what is younger than 60 seconds is not called a leak, whether the provider tells its age or not", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await lostStore(world, manifests);
  const young = await outsider(world).neon<{ branch: { name: string } }>(
    "POST",
    `/projects/${(await outsider(world).neon<{ projects: { id: string }[] }>("GET", "/projects")).projects[0]?.id}/branches`,
    {
      branch: { name: "young" },
      annotation_value: { flaresmith: "test/default/Environment/x/neonBranch#00" },
    },
  );
  const first = world.time.now();
  const { code, leaks, undecided } = await listLeaks(world);
  // The namespace tells no age: it took a second look, half a minute later, to call it a leak. By then all are old.
  expect(world.time.now() - first).toBeGreaterThanOrEqual(60_000);
  expect(namesOf(leaks)).toContain("cloudflare kvNamespace shop-cache");
  expect(namesOf(leaks)).toContain(`neon branch ${young.branch.name}`);
  expect({ code, undecided }).toEqual({ code: 1, undecided: [] });
});

test("a thing of known age is no leak before 60 seconds, and nobody waits for it", async () => {
  const world = await createWorld();
  await world.settle();
  const outside = outsider(world);
  await outside.github("POST", "/orgs/acme/repos", {
    name: "new",
    description: "test/default/Project/new/githubRepo#00",
  });
  const before = world.time.now();
  const early = await listLeaks(world);
  expect(namesOf(early.undecided)).toEqual(["github repository new"]);
  expect(early).toMatchObject({ code: 2, leaks: [] });
  await world.pass(60_000 - (world.time.now() - before) - 1);
  expect(await listLeaks(world)).toMatchObject({ code: 2, leaks: [] });
  await world.pass(2_000);
  const late = await listLeaks(world);
  expect(namesOf(late.leaks)).toEqual(["github repository new"]);
  expect(late).toMatchObject({ code: 1, undecided: [] });
});

test("what an object declares and has not taken up yet is no leak; once it did, there is nothing to list", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...manifests);
  await world.settle();
  await world.pass(60_000);
  await world.stop();
  await forget(world);
  const report = await listLeaks(world);
  expect(report.leaks).toEqual([]);
  expect(report.undecided.map(({ include }) => include).toSorted()).toEqual(markable(world.sandbox));
  expect(report.code).toBe(2);
  const before = identities(world.sandbox);
  const removed = await listLeaks(world, { delete: true, yes: true });
  expect(removed.deletion?.results).toEqual([]);
  const again = await createWorld({ sandbox: world.sandbox, store: world.store, time: world.time, seed: 77 });
  await again.settle();
  await again.pass(60_000);
  expect(identities(world.sandbox)).toEqual(before);
  expect(await listLeaks(again)).toMatchObject({ code: 0, leaks: [], undecided: [] });
});

test("what the spec of a living object no longer names is a leak; what cannot be told of it is not", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...manifests);
  await world.settle();
  await world.stop();
  await forget(world);
  const [project, ...rest] = manifests;
  const { neon: _neon, ...spec } = project?.spec ?? {};
  await world.store.patch(
    typeOf("Project"),
    { namespace: "default", name: "shop" },
    { type: "merge", body: { spec: { ...spec, neon: null } } },
    { fieldManager: "kubectl" },
  );
  expect(rest.length).toBeGreaterThan(0);
  await world.pass(60_000);
  const { leaks, undecided } = await listLeaks(world);
  expect(namesOf(leaks)).toEqual(["neon branch preview/pr-1", "neon project shop"]);
  // Its Environment still asks for a database, which the Project may have again.
  expect(namesOf(undecided)).toContain("neon branch dev");
  expect(leaks.find(({ type }) => type === "project")?.why).toBe(
    "the object stands for no neonProject any more",
  );
  expect(namesOf(undecided)).toContain("github repository shop");
  // Without its Project nobody can tell what an Environment stands for.
  await world.store.patch(
    typeOf("Project"),
    { namespace: "default", name: "shop" },
    { type: "merge", body: { metadata: { finalizers: [] } } },
    { fieldManager: "kubectl" },
  );
  await world.delete("Project", "shop");
  const orphaned = await listLeaks(world);
  expect(namesOf(orphaned.leaks)).toContain("github repository shop");
  expect(namesOf(orphaned.undecided)).toContain("neon branch dev");
  const why = orphaned.undecided.find(({ name }) => name === "dev")?.why;
  expect(why).toContain("Project shop does not exist");
});

test("while a Source has not applied what it declares, a missing object may be yet to come", async () => {
  const world = await leakingWorld();
  const source = { kind: "Source", metadata: { name: "platform" } };
  await world.apply({ ...source, spec: { directory: "/somewhere" } });
  const early = await listLeaks(world);
  expect(early).toMatchObject({ code: 2, leaks: [] });
  expect(new Set(early.undecided.map(({ why }) => why))).toEqual(
    new Set(["its object may be yet to come: Source default/platform is not Ready"]),
  );
  const before = identities(world.sandbox);
  await listLeaks(world, { delete: true, yes: true });
  expect(identities(world.sandbox)).toEqual(before);
  const { generation } = (await world.get("Source", "platform")).metadata;
  const now = new Date(world.time.now()).toISOString();
  const ready = {
    type: "Ready",
    status: "True",
    reason: "Succeeded",
    message: "Applied.",
    lastTransitionTime: now,
  };
  await world.store.patchStatus(
    typeOf("Source"),
    { namespace: "default", name: "platform" },
    { type: "merge", body: { status: { observedGeneration: generation, conditions: [ready] } } },
    { fieldManager: "flaresmith" },
  );
  const late = await listLeaks(world);
  expect(late.leaks.map(({ include }) => include).toSorted()).toEqual(markable(world.sandbox));
  expect(late.code).toBe(1);
});

test("a second one of what an object stands for is a leak", async () => {
  const world = await createWorld();
  seedTemplate(world);
  await world.apply(...manifests);
  await world.settle();
  const outside = outsider(world);
  // As a create that was sent twice: the same marker, and names are not unique.
  const twin = await outside.neon<{ project: { id: string } }>("POST", "/projects", {
    project: {
      name: "shop",
      region_id: "aws-eu-central-1",
      branch: { annotations: { flaresmith: "test/default/Project/shop/neonProject#ffff" } },
    },
  });
  await world.pass(60_000);
  const { leaks } = await listLeaks(world);
  expect(leaks.map(({ id, why }) => ({ id, why }))).toEqual([
    { id: twin.project.id, why: expect.stringMatching(/^the object stands for another one \(/) as unknown },
  ]);
});

describe("a provider that does not answer as it should", () => {
  test.each(providers)("%s: nothing is said about it, and what others hold is listed", async (provider) => {
    const world = await leakingWorld();
    const whole = await listLeaks(world);
    for (const [name, breakage] of Object.entries(breakages)) {
      breakProvider(world, provider, breakage);
      const { code, leaks, missed } = await listLeaks(world);
      heal(world);
      expect(code, name).toBe(2);
      expect(
        missed.map((one) => one.provider),
        name,
      ).toContain(provider);
      expect(namesOf(leaks), name).toEqual(namesOf(whole.leaks.filter((leak) => leak.provider !== provider)));
      await world.pass(120_000);
    }
  });

  test("a listing of one part that breaks off hides only that part, and nothing there is deleted", async () => {
    const world = await leakingWorld();
    const whole = await listLeaks(world);
    const all = identities(world.sandbox);
    const project = whole.leaks.find(({ type }) => type === "project");
    world.sandbox.context.faults.add({
      provider: "neon",
      path: `/projects/${project?.id}/branches`,
      times: 0,
      status: 200,
      body: { nothing: true },
    });
    const { code, leaks, missed } = await listLeaks(world);
    expect(code).toBe(2);
    expect(missed.map(({ what }) => what)).toEqual([`branches of project shop (${project?.id})`]);
    expect(namesOf(leaks)).toEqual(namesOf(whole.leaks.filter(({ provider }) => provider !== "neon")));
    heal(world);
    world.sandbox.context.faults.add({ provider: "cloudflare", path: "/previews", times: 0, status: 500 });
    const named = whole.leaks.filter(({ provider, type }) => provider === "cloudflare" && type !== "preview");
    const run = await listLeaks(world, {
      delete: true,
      yes: true,
      include: named.map(({ include }) => include),
    });
    expect(run.code).toBe(2);
    expect(run.deletion?.results).toEqual([]);
    expect(
      run.deletion?.notTaken.find(({ include }) => include.startsWith("cloudflare/worker/"))?.why,
    ).toContain("not everything could be looked at through Connection default/cloudflare");
    expect(identities(world.sandbox)).toEqual(all);
  });

  test("a rate limit is waited for", async () => {
    const world = await leakingWorld();
    const whole = await listLeaks(world);
    world.sandbox.context.faults.add({
      provider: "cloudflare",
      path: "/workers/scripts",
      times: 1,
      status: 429,
      headers: { "retry-after": "240" },
      body: { success: false, errors: [{ code: 10_013, message: "slow down" }] },
    });
    const before = world.time.now();
    const run = await runLeaks(world, { output: "text" });
    expect(run.code).toBe(1);
    expect(run.err).toContain("waiting 240 s: cloudflare");
    expect(world.time.now() - before).toBeGreaterThanOrEqual(240_000);
    expect(run.out).toContain(`${whole.leaks.length} made by installation test and without an owner:`);
  });

  test("a Connection whose credentials are refused is one that could not be looked through", async () => {
    const world = await leakingWorld();
    await world.apply({
      kind: "Secret",
      metadata: { name: "neon-credentials" },
      stringData: { apiKey: "napi_wrong" },
    });
    const { code, leaks, missed } = await listLeaks(world);
    expect(code).toBe(2);
    expect(missed).toMatchObject([{ connection: "default/neon", provider: "neon", what: "everything" }]);
    expect(leaks.filter(({ provider }) => provider === "neon")).toEqual([]);
    expect(leaks.length).toBeGreaterThan(0);
  });

  test("without any Connection nothing can be told", async () => {
    const world = await createWorld();
    for (const name of ["github", "neon", "cloudflare"]) await world.delete("Connection", name);
    await world.until(async () => (await world.list("Connection")).length === 0);
    await expect(runLeaks(world)).rejects.toThrow("there is no Connection");
  });
});
