import { describe, expect, it } from "vitest";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import { neonPlans } from "../../sandbox/neon/limits.ts";
import type { FaultRule } from "../../sandbox/core/faults.ts";
import { branch } from "./branch.ts";
import { database } from "./database.ts";
import { project } from "./project.ts";
import { rootBranch } from "./root-branch.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { Slot } from "./test-context.ts";
import type { BranchDesired, ProjectDesired } from "./types.ts";

async function bench() {
  const world = neonHarness();
  const harness = harnessOn(world);
  const shop: ProjectDesired = {
    orgId: world.orgId,
    name: "shop",
    region: "aws-eu-central-1",
    postgresVersion: 17,
    branch: "main",
    database: "app",
    role: "app",
  };
  const projectSlot = slotOf(harness, project);
  await projectSlot.converge(shop);
  const projectId = projectSlot.entry?.id ?? "";
  const staging: BranchDesired = { projectId, name: "staging", parent: "main", init: "parent-data" };
  const branchSlot = slotOf(harness, branch);
  await branchSlot.converge(staging);
  const app = { projectId, branchId: branchSlot.entry?.id ?? "", role: "app", database: "app" };
  const databaseSlot = slotOf(harness, database);
  await databaseSlot.converge(app);
  const looks = [
    { fresh: true, depth: "deep" as const },
    { fresh: false, depth: "shallow" as const },
    { fresh: true, depth: "shallow" as const },
  ];
  /** What each look says, with an inventory and without one. */
  const observeAll = async () => {
    const outcomes: string[] = [];
    for (const look of looks) {
      for (const known of [true, false]) {
        const slots = [
          { slot: projectSlot, see: () => projectSlot.observe(shop, look) },
          { slot: branchSlot, see: () => branchSlot.observe(staging, look) },
          { slot: databaseSlot, see: () => databaseSlot.observe(app, { ...look, depth: "deep" }) },
        ];
        for (const { slot, see } of slots) {
          const { entry } = slot;
          if (!known) slot.entry = undefined;
          harness.advance(3_600_000);
          outcomes.push(
            await see().then(
              (seen) => seen.state,
              () => "unknown",
            ),
          );
          slot.entry = entry;
        }
      }
    }
    return [...new Set(outcomes)].toSorted();
  };
  return { world, harness, shop, staging, app, projectSlot, branchSlot, databaseSlot, projectId, observeAll };
}

/** What another client says about what a slot of ours stands for. */
async function seen<Desired, Observed>(
  copy: Slot<Desired, Observed>,
  original: Slot<Desired, Observed>,
  desired: Desired,
): Promise<string> {
  copy.entry = original.entry;
  return (await copy.observe(desired)).state;
}

const page = "<!doctype html><title>maintenance</title>";
const faults: [string, FaultRule][] = [
  ["503", { status: 503, body: { message: "service unavailable", code: "" } }],
  ["500", { status: 500, body: { message: "internal", code: "" } }],
  ["429", { status: 429, body: { message: "too many requests, retry later", code: "" } }],
  ["401", { status: 401, body: { message: "supplied credentials do not pass authentication", code: "" } }],
  ["403", { status: 403, body: { message: "user has no access", code: "" } }],
  ["a page in HTML with 200", { status: 200, body: page }],
  ["a page in HTML with 404", { status: 404, body: page }],
  ["a 404 of a proxy without Neon's words", { status: 404, body: {} }],
  [
    "a 404 of a wrong path",
    {
      status: 404,
      body: { message: "this route does not exist, check that you are using the correct URL and method" },
    },
  ],
  [
    "a document that was cut off",
    { status: 200, headers: { "content-type": "application/json" }, body: '{"projects": [' },
  ],
  ["a document of another kind", { status: 200, body: { status: "ok" } }],
  ["no answer", { drop: true }],
];

describe("no answer but Neon's own proves that something is gone", () => {
  it.each(faults)("%s is unknown", async (_name, rule) => {
    const { world, observeAll } = await bench();
    world.context.faults.add({ method: "GET", times: 0, ...rule });
    expect(await observeAll()).toEqual(["unknown"]);
  });

  it("nor does the answer to another key, which sees nothing of ours", async () => {
    const other = { key: "napi_other", kind: "org" as const, orgId: "org-other" };
    const { world, shop, staging, app, projectSlot, branchSlot, databaseSlot } = await bench();
    const stranger = neonHarness({ apiKeys: [other], context: world.context });
    const harness = harnessOn({ ...world, neon: stranger.neon }, other.key);
    const sees = [
      () => seen(slotOf(harness, project), projectSlot, shop),
      () => seen(slotOf(harness, branch), branchSlot, staging),
      () => seen(slotOf(harness, database), databaseSlot, app),
    ];
    for (const see of sees) await expect(see()).rejects.toMatchObject({ name: "FlaresmithError" });
  });

  it("nor does a project that Neon lists as unavailable", async () => {
    const { world, harness, shop, projectSlot, projectId } = await bench();
    world.neon.setUnavailable(projectId, true);
    harness.advance(3_600_000);
    for (const known of [projectSlot.entry, undefined]) {
      projectSlot.entry = known;
      expect(await projectSlot.observe(shop)).toMatchObject({
        state: "present",
        id: projectId,
        owner: "ours",
      });
    }
    world.context.faults.add({
      path: `/projects/${projectId}$`,
      status: 404,
      times: 0,
      body: { message: "project not found" },
    });
    await expect(projectSlot.observe(shop)).rejects.toMatchObject({ code: "INTEGRATION_UNAVAILABLE" });
    await world.project({ name: "shop" });
    await expect(projectSlot.observe(shop), "another of the name proves nothing").rejects.toMatchObject({
      code: "INTEGRATION_UNAVAILABLE",
    });
  });

  it("nor does a 404 for one thing that a listing still shows", async () => {
    const { world, harness, shop, staging, projectSlot, branchSlot, projectId } = await bench();
    const branchId = branchSlot.entry?.id ?? "";
    const words = { code: "", message: "not found" };
    world.context.faults.add({ path: `/projects/${projectId}$`, status: 404, times: 0, body: words });
    world.context.faults.add({ path: `/branches/${branchId}$`, status: 404, times: 0, body: words });
    const expected = {
      code: "INTEGRATION_UNAVAILABLE",
      message: expect.stringContaining("but does not show it"),
    };
    await expect(projectSlot.observe(shop)).rejects.toMatchObject(expected);
    await expect(branchSlot.observe(staging)).rejects.toMatchObject(expected);
    world.neon.setUnavailable(projectId, true);
    harness.advance(3_600_000);
    for (const fresh of [true, false]) {
      await expect(projectSlot.observe(shop, { fresh })).rejects.toMatchObject(expected);
    }
  });

  it("and only a 404 in Neon's own words is one", async () => {
    const { world, harness, projectId } = await bench();
    const { signal } = new AbortController();
    const path = `/projects/${projectId}`;
    const call = { what: "reading a project", signal };
    const answerWith = (body: unknown): string =>
      world.context.faults.add({ path: `${path}$`, status: 404, body });
    answerWith({ code: "", message: "project not found" });
    expect(await harness.client.read(path, call)).toBeUndefined();
    for (const body of [
      {},
      { error: "no such host" },
      { message: "this route does not exist, check the URL" },
    ]) {
      answerWith(body);
      await expect(harness.client.read(path, call)).rejects.toMatchObject({
        code: "INTEGRATION_RESPONSE_INVALID",
      });
      answerWith(body);
      await expect(
        harness.client.change("DELETE", path, undefined, { ...call, tolerate: [404] }),
      ).rejects.toMatchObject({ code: "INTEGRATION_UNKNOWN_OUTCOME" });
    }
  });

  it("nor does the silence about many projects at once", async () => {
    const { world, harness, shop } = await bench();
    for (let index = 0; index < 11; index += 1) {
      const { project: other } = await world.project({ name: `other-${index}` });
      world.neon.setUnavailable(other?.["id"] ?? "", true);
    }
    harness.advance(3_600_000);
    const lost = slotOf(harness, project, { name: "blog" });
    await expect(lost.observe({ ...shop, name: "blog" })).rejects.toMatchObject({
      code: "INTEGRATION_UNAVAILABLE",
      message: "Neon could not look at 11 projects, one of which may be blog",
    });
  });
});

describe("what lay in a project that is gone", () => {
  it("is gone too, as Neon's list of deleted projects proves", async () => {
    const { world, staging, app, branchSlot, databaseSlot, projectId, harness } = await bench();
    const root = slotOf(harness, rootBranch);
    await root.converge({ projectId, name: "main" });
    await world.ok("DELETE", `/projects/${projectId}`);
    expect(await branchSlot.observe(staging)).toEqual({ state: "absent" });
    expect(await databaseSlot.observe(app)).toEqual({ state: "absent" });
    expect(await root.observe({ projectId, name: "main" })).toEqual({ state: "absent" });
  });

  it("is gone when a person says so, and unknown before, once Neon forgot the project", async () => {
    const { world, harness, staging, branchSlot, projectId } = await bench();
    await world.ok("DELETE", `/projects/${projectId}`);
    harness.advance(8 * 24 * 3_600_000);
    await expect(branchSlot.observe(staging)).rejects.toMatchObject({
      code: "INTEGRATION_NOT_FOUND",
      message: `Neon project ${projectId} does not exist or is not visible to the API key`,
      hint: expect.stringContaining("flaresmith.dev/confirm-gone"),
    });
    const { entry } = branchSlot;
    branchSlot.entry = entry && { ...entry, data: { confirmGone: entry.id ?? "" } };
    expect(await branchSlot.observe(staging)).toEqual({ state: "absent" });
  });
});

describe("a complete listing", () => {
  it("of more than 400 projects is read page by page, hidden ones among them", async () => {
    const { shop } = await bench();
    const big = neonHarness({ plan: { ...neonPlans.scale, projects: 5_000 } });
    for (let index = 0; index < 805; index += 1) await big.project({ name: `p-${index}` });
    const { projects } = await big.ok("GET", "/projects?limit=400");
    big.neon.setUnavailable(projects?.[3]?.["id"] ?? "", true);
    const last = slotOf(harnessOn(big), project);
    await last.converge({ ...shop, orgId: big.orgId });
    const lost = slotOf(harnessOn(big), project);
    expect(await lost.observe({ ...shop, orgId: big.orgId })).toMatchObject({
      state: "present",
      id: last.entry?.id,
      owner: "ours",
    });
  });
});
