import { describe, expect, it } from "vitest";
import { conditionMessage } from "../../controller/runtime/errors.ts";
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { FaultRule } from "../../sandbox/core/faults.ts";
import type { NeonOptions } from "../../sandbox/neon/index.ts";
import { neonPlans } from "../../sandbox/neon/limits.ts";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import { branch } from "./branch.ts";
import { project } from "./project.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { BranchDesired, ProjectDesired } from "./types.ts";

async function bench(options: Partial<NeonOptions> = {}) {
  const world = neonHarness(options);
  const harness = harnessOn(world);
  const projectId = (await world.project()).project?.["id"] ?? "";
  const shop: ProjectDesired = {
    orgId: world.orgId,
    name: "shop",
    region: "aws-eu-central-1",
    postgresVersion: 17,
    branch: "main",
    database: "app",
    role: "app",
  };
  const staging: BranchDesired = { projectId, name: "staging", parent: "main", init: "parent-data" };
  const path = `/projects/${projectId}/branches`;
  const names = async () =>
    ((await world.ok("GET", path)).branches ?? []).map((one) => one["name"] ?? "").toSorted();
  const failure = async (work: Promise<unknown>): Promise<FlaresmithError> =>
    work.then(
      () => Promise.reject(new Error("it was not refused")),
      (error: unknown) => error as FlaresmithError,
    );
  return { world, harness, projectId, shop, staging, path, names, failure, slot: slotOf(harness, branch) };
}

const expiry = (now: number): string => new Date(now + 3_600_000 * 48).toISOString();

it("a redirect is no answer of Neon's: what was asked for may have been made", async () => {
  const { world, slot, staging, failure } = await bench();
  world.context.faults.add({ provider: "neon", method: "POST", path: "/branches$", status: 303, body: "" });
  expect(await failure(slot.create(staging))).toMatchObject({ code: "INTEGRATION_UNKNOWN_OUTCOME" });
});

describe("a plan that is used up is said with what to do", () => {
  it("when it has no more projects", async () => {
    const { harness, shop, failure } = await bench({ plan: { ...neonPlans.free, projects: 1 } });
    const error = await failure(slotOf(harness, project).create(shop));
    expect(error).toMatchObject({
      code: "INTEGRATION_PLAN_LIMIT",
      class: "terminal",
      context: { provider: "neon" },
    });
    expect(conditionMessage(error)).toBe(
      "spec.neon: Neon answered 422 to creating the project shop: projects limit exceeded. Delete Neon projects that are not needed, or move to a larger Neon plan.",
    );
  });

  it("when it has no more branches", async () => {
    const { slot, staging, failure } = await bench({ plan: { ...neonPlans.free, branchesPerProject: 1 } });
    const error = await failure(slot.create(staging));
    expect(error).toMatchObject({
      code: "INTEGRATION_PLAN_LIMIT",
      hint: expect.stringContaining("spec.previews.max"),
    });
  });

  it("when it has no more root branches, which schema-only ones are", async () => {
    const { slot, staging, harness, failure } = await bench({
      plan: { ...neonPlans.free, rootBranchesPerProject: 1 },
    });
    const error = await failure(
      slot.create({ ...staging, init: "schema-only", expiresAt: expiry(harness.clock.now()) }),
    );
    expect(error).toMatchObject({
      code: "INTEGRATION_PLAN_LIMIT",
      hint: expect.stringContaining("data: Branch"),
    });
  });

  it("when it has no more protected branches", async () => {
    const { slot, staging, failure } = await bench({
      plan: { ...neonPlans.free, protectedBranchesPerProject: 0 },
    });
    const error = await failure(slot.create({ ...staging, protected: true }));
    expect(error).toMatchObject({
      code: "INTEGRATION_PLAN_LIMIT",
      hint: expect.stringContaining("neon.protected: false"),
    });
  });

  it("when a value is beyond it", async () => {
    const { harness, shop, slot, staging, failure } = await bench();
    const retention = await failure(
      slotOf(harness, project).create({ ...shop, historyRetention: 2_592_000 }),
    );
    expect(retention).toMatchObject({ code: "INTEGRATION_UNSUPPORTED_BY_PLAN", class: "terminal" });
    const compute = await failure(slot.create({ ...staging, compute: { max: 56 } }));
    expect(compute).toMatchObject({
      code: "INTEGRATION_UNSUPPORTED_BY_PLAN",
      message: expect.stringContaining("autoscaling_limit_max_cu"),
    });
  });
});

describe("a refusal names the object, and the queue knows what to do", () => {
  const json = (status: number, message: string): FaultRule => ({ status, body: { code: "", message } });
  it.each<[string, FaultRule, object]>([
    [
      "401",
      json(401, "supplied credentials do not pass authentication"),
      { code: "INTEGRATION_CREDENTIALS_INVALID", class: "auth", hint: expect.stringContaining("secretRef") },
    ],
    [
      "403",
      json(403, "project-scoped API key is not allowed to create projects"),
      {
        code: "INTEGRATION_PERMISSION_MISSING",
        class: "auth",
        hint: expect.stringContaining("project-scoped key"),
      },
    ],
    [
      "409",
      json(409, 'branch already exists; branch_name:"staging"'),
      { code: "INTEGRATION_CONFLICT", class: "transient" },
    ],
    [
      "422 of a branch that is not ready",
      json(422, "branch not ready yet"),
      { code: "INTEGRATION_BUSY", class: "transient" },
    ],
    [
      "422 of a value",
      json(422, "autoscaling_limit_min_cu must not be greater than autoscaling_limit_max_cu"),
      { code: "INTEGRATION_REJECTED", class: "terminal" },
    ],
    ["400", json(400, "request body has an error"), { code: "INTEGRATION_REJECTED", class: "terminal" }],
  ])("%s", async (_name, rule, expected) => {
    const { world, slot, staging, names, failure } = await bench();
    world.context.faults.add({ method: "POST", ...rule });
    const error = await failure(slot.create(staging));
    expect(error).toMatchObject(expected);
    expect(error.message).toContain("creating the branch staging");
    expect(await names()).toEqual(["main"]);
  });

  it("429 waits until a moment, and sends nothing before", async () => {
    const { world, harness, slot, staging, failure } = await bench();
    world.context.faults.add({
      method: "POST",
      status: 429,
      headers: { "retry-after": "30" },
      body: { message: "too many requests, retry later" },
    });
    const error = await failure(slot.create(staging));
    expect(error).toMatchObject({ class: "rateLimited", until: harness.clock.now() + 30_000 });
    const before = world.context.journal.last();
    expect(await failure(slot.observe(staging))).toMatchObject({ class: "rateLimited" });
    expect(world.context.journal.since(before)).toEqual([]);
  });

  it("423 and 503 are safe: the change is sent again once the project is free, and done once", async () => {
    const { world, slot, staging, path, names } = await bench();
    await world.ok("POST", path, { branch: { name: "busy" } });
    world.context.faults.add({
      method: "POST",
      status: 503,
      body: { code: "", message: "service unavailable" },
    });
    await slot.create(staging);
    expect(await names()).toEqual(["busy", "main", "staging"]);
    const statuses = world.context.journal
      .since(0)
      .filter((entry) => entry.method === "POST" && entry.path.endsWith("/branches"));
    expect(statuses.map((entry) => entry.status)).toEqual(expect.arrayContaining([423, 503]));
    expect(statuses.filter((entry) => entry.changed)).toHaveLength(2);
  });

  it("423 that lasts is transient", async () => {
    const { world, slot, staging, failure } = await bench();
    world.context.faults.add({
      method: "POST",
      times: 0,
      ...json(
        423,
        "project already has running conflicting operations, scheduling of new ones is prohibited",
      ),
    });
    expect(await failure(slot.create(staging))).toMatchObject({
      code: "INTEGRATION_BUSY",
      class: "transient",
    });
  });

  it.each([
    ["500", { status: 500, body: { message: "internal" } }],
    ["502 as a page", { status: 502, body: "<html>bad gateway</html>" }],
    ["a page in HTML with 200", { status: 200, body: "<html>proxy</html>" }],
    ["no answer", { drop: true }],
  ])("%s to a change is unclear, and nothing is sent again", async (_name, rule) => {
    const { world, slot, staging, failure } = await bench();
    world.context.faults.add({ method: "POST", times: 0, when: "after", ...rule });
    const before = world.context.journal.last();
    expect(await failure(slot.create(staging))).toMatchObject({ class: "unknownOutcome" });
    expect(world.context.journal.since(before).filter((entry) => entry.method === "POST")).toHaveLength(1);
  });

  it("a personal key without an organization is told where to name it", async () => {
    const { world, shop, failure } = await bench();
    const slot = slotOf(harnessOn(world, world.userKey), project);
    const error = await failure(slot.observe({ ...shop, orgId: "" }));
    expect(error).toMatchObject({ class: "terminal", hint: expect.stringContaining("spec.account") });
  });

  it("an organization that the key does not belong to is a missing permission", async () => {
    const { harness, shop, failure } = await bench();
    const error = await failure(slotOf(harness, project).observe({ ...shop, orgId: "org-other" }));
    expect(error).toMatchObject({
      code: "INTEGRATION_PERMISSION_MISSING",
      message: expect.stringContaining("listing the projects"),
    });
  });
});
