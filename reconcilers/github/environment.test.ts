import { beforeEach, describe, expect, it } from "vitest";
import { bench, PUBLIC_URL, TOKEN, type Bench } from "../../sandbox/github/testing.ts";
import { environment } from "./environment.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { Harness } from "./test-context.ts";
import type { EnvironmentDesired } from "./types.ts";

let world: Bench;
let harness: Harness;

beforeEach(() => {
  world = bench();
  const { github, context } = world;
  harness = harnessOn({
    fetch: (request) => github.fetch(request),
    endpoint: PUBLIC_URL,
    now: () => context.clock.now(),
    credentials: { token: TOKEN },
  });
  github.seedRepository({ owner: "acme", name: "shop", files: { "README.md": "# Shop" } });
  github.addTeam({ organization: "acme", slug: "core" });
});

const desired: EnvironmentDesired = {
  repository: "acme/shop",
  name: "Prod/EU",
  reviewers: [{ user: "Ada" }, { team: "core" }],
  waitTimer: 30,
  preventSelfReview: true,
  branchPolicies: { patterns: ["main", "release/*"] },
};
const PATH = "/repos/acme/shop/environments/Prod%2FEU";
const shown = async (path = PATH) => (await world.send("GET", path)).json as Record<string, unknown>;
const patterns = async (): Promise<string[]> =>
  ((await shown(`${PATH}/deployment-branch-policies`))["branch_policies"] as { name: string }[])
    .map(({ name }) => name)
    .toSorted();
const writes = (since: number): string[] =>
  world.context.journal
    .since(since)
    .filter((entry) => entry.method !== "GET")
    .map((entry) => entry.method);

describe("a deployment environment", () => {
  it("is made with everything, and then nothing differs and nothing is written", async () => {
    const slot = slotOf(harness, environment);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    await slot.create(desired);
    expect(await patterns()).toEqual(["main", "release/*"]);
    const before = world.context.journal.last();
    expect(await slot.correct(desired)).toBe(false);
    expect(writes(before)).toEqual([]);
  });

  it.each<[string, EnvironmentDesired["branchPolicies"]]>([
    ["only its name", undefined],
    ["all branches", {}],
    ["protected branches", { protectedBranches: true }],
    ["no branch at all", { patterns: [] }],
  ])("with %s has no difference right after it was made", async (_name, branchPolicies) => {
    const slot = slotOf(harness, environment);
    const wanted = { repository: "acme/shop", name: "dev", branchPolicies };
    await slot.create(wanted);
    expect(await slot.diff(wanted)).toEqual([]);
  });

  it.each<[string[], Record<string, unknown>]>([
    [["waitTimer"], { wait_timer: 5 }],
    [["reviewers", "preventSelfReview"], { reviewers: [] }],
    [["preventSelfReview"], { prevent_self_review: false }],
    [["branchPolicies.patterns"], { deployment_branch_policy: null }],
    [
      ["branchPolicies.protectedBranches", "branchPolicies.patterns"],
      { deployment_branch_policy: { protected_branches: true, custom_branch_policies: false } },
    ],
  ])("%s, changed behind our back, is named and corrected", async (fields, change) => {
    const slot = slotOf(harness, environment);
    await slot.create(desired);
    await world.send("PUT", PATH, { body: change });
    expect((await slot.diff(desired)).map((item) => item.field)).toEqual(fields);
    await slot.correct(desired);
    expect(await slot.diff(desired)).toEqual([]);
    expect(await patterns()).toEqual(["main", "release/*"]);
  });

  it("keeps what is not managed when something else is corrected", async () => {
    const wanted = { repository: "acme/shop", name: "Prod/EU", waitTimer: 10 };
    const slot = slotOf(harness, environment);
    await slot.create(desired);
    await world.send("PUT", PATH, { body: { can_admins_bypass: false } });
    await slot.correct(wanted);
    const found = await slot.observe(wanted);
    expect(found).toMatchObject({
      observed: {
        waitTimer: 10,
        preventSelfReview: true,
        canAdminsBypass: false,
        reviewers: [{ name: "ada" }, { name: "core" }],
      },
    });
    expect(await patterns()).toEqual(["main", "release/*"]);
  });

  it("only the pattern that differs is written, those for tags stay", async () => {
    const slot = slotOf(harness, environment);
    await slot.create(desired);
    await world.send("POST", `${PATH}/deployment-branch-policies`, { body: { name: "v*", type: "tag" } });
    await world.send("POST", `${PATH}/deployment-branch-policies`, { body: { name: "extra" } });
    expect(await slot.diff(desired)).toMatchObject([
      { field: "branchPolicies.patterns", from: "extra, main, release/*" },
    ]);
    const before = world.context.journal.last();
    await slot.correct(desired);
    expect(writes(before)).toEqual(["PUT", "DELETE"]);
    expect(await patterns()).toEqual(["main", "release/*", "v*"]);
  });

  it("patterns are looked at in depth only", async () => {
    const slot = slotOf(harness, environment);
    await slot.create(desired);
    await world.send("POST", `${PATH}/deployment-branch-policies`, { body: { name: "extra" } });
    expect(await slot.diff(desired, { depth: "shallow", fresh: false })).toEqual([]);
    expect(await slot.diff(desired, { depth: "deep", fresh: false })).toHaveLength(1);
  });

  it("is found whatever the case of its name, and can be removed", async () => {
    const slot = slotOf(harness, environment);
    await slot.create(desired);
    expect(await slot.observe({ ...desired, name: "prod/eu" }, { fresh: false })).toMatchObject({
      state: "present",
      name: "Prod/EU",
    });
    await slot.remove(desired);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    await slot.remove(desired);
  });

  it.each<[string, Partial<EnvironmentDesired>, Record<string, unknown>]>([
    [
      "an unknown user",
      { reviewers: [{ user: "nobody" }] },
      { code: "SPEC_REFERENCE_MISSING", message: expect.stringContaining("nobody") },
    ],
    [
      "an unknown team",
      { reviewers: [{ team: "ghosts" }] },
      { code: "SPEC_REFERENCE_MISSING", message: expect.stringContaining("ghosts") },
    ],
    [
      "self-review without reviewers",
      { reviewers: [] },
      { code: "SPEC_INVALID", field: "spec.github.preventSelfReview" },
    ],
  ])("%s is an error that names it, before anything is written", async (_name, part, expected) => {
    const before = world.context.journal.last();
    await expect(slotOf(harness, environment).create({ ...desired, ...part })).rejects.toMatchObject(
      expected,
    );
    expect(writes(before)).toEqual([]);
  });

  it("in a repository that cannot be seen is an error, not absent", async () => {
    await expect(
      slotOf(harness, environment).observe({ ...desired, repository: "acme/hidden" }),
    ).rejects.toMatchObject({ code: "INTEGRATION_REPOSITORY_NOT_VISIBLE" });
  });

  it("a missing permission is named", async () => {
    world.github.changeToken(TOKEN, {
      permissions: { metadata: "read", actions: "read", contents: "write" },
    });
    await expect(
      slotOf(harness, environment).create({ repository: "acme/shop", name: "dev" }),
    ).rejects.toMatchObject({
      code: "INTEGRATION_PERMISSION_MISSING",
      hint: expect.stringContaining("administration: write"),
    });
  });
});

describe("plans without protections", () => {
  beforeEach(() => {
    for (const plan of ["free", "team"] as const) {
      world.github.addAccount({ login: plan, type: "Organization", plan });
      world.github.addToken({ token: `token-${plan}`, owner: plan });
      world.github.seedRepository({ owner: plan, name: "shop", files: { a: "1" } });
    }
  });
  const on = (plan: string): Harness =>
    harnessOn({
      fetch: (request) => world.github.fetch(request),
      endpoint: PUBLIC_URL,
      now: () => world.context.clock.now(),
      credentials: { token: `token-${plan}` },
    });

  it("a team's private repository gets an environment without protections", async () => {
    const slot = slotOf(on("team"), environment);
    const wanted = { repository: "team/shop", name: "dev", branchPolicies: { patterns: ["main"] } };
    await slot.create(wanted);
    expect(await slot.diff(wanted)).toEqual([]);
  });

  it.each([
    ["team", { waitTimer: 5 }],
    ["free", {}],
  ])("what the plan %s lacks is terminal and says so", async (plan, part) => {
    const slot = slotOf(on(plan), environment);
    await expect(slot.create({ repository: `${plan}/shop`, name: "dev", ...part })).rejects.toMatchObject({
      code: "INTEGRATION_UNSUPPORTED_BY_PLAN",
      class: "terminal",
    });
  });
});
