import { beforeEach, describe, expect, it } from "vitest";
import { bench, PUBLIC_URL, TOKEN, type Bench } from "../../sandbox/github/testing.ts";
import { ruleset } from "./ruleset.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { Harness } from "./test-context.ts";
import type { RulesetDesired } from "./types.ts";

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
});

const desired: RulesetDesired = {
  repository: "acme/shop",
  ruleset: {
    name: "main",
    target: "Branch",
    enforcement: "Active",
    include: ["~DEFAULT_BRANCH", "release/*"],
    exclude: ["release/old"],
    rules: {
      deletion: true,
      nonFastForward: true,
      pullRequest: {
        requiredApprovingReviewCount: 2,
        dismissStaleReviewsOnPush: true,
        requireCodeOwnerReview: false,
        requireLastPushApproval: false,
        requiredReviewThreadResolution: false,
      },
      requiredStatusChecks: {
        strict: true,
        checks: [{ context: "test" }, { context: "build", integrationId: 7 }],
      },
    },
    bypassActors: [
      { actorType: "OrganizationAdmin", bypassMode: "always" },
      { actorType: "RepositoryRole", actorId: 5, bypassMode: "pull_request" },
    ],
  },
};

type Raw = {
  id: number;
  name: string;
  rules: { type: string; parameters?: Record<string, unknown> }[];
  conditions: { ref_name: Record<string, string[]> };
};
const shown = async (id: string): Promise<Raw> =>
  (await world.send("GET", `/repos/acme/shop/rulesets/${id}`)).json as unknown as Raw;

describe("a ruleset", () => {
  it("is made with everything, and then nothing differs", async () => {
    const slot = slotOf(harness, ruleset);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    const { id } = await slot.create(desired);
    expect((await shown(id)).conditions.ref_name).toEqual({
      include: ["~DEFAULT_BRANCH", "refs/heads/release/*"],
      exclude: ["refs/heads/release/old"],
    });
    expect(await slot.diff(desired)).toEqual([]);
    expect(await slot.correct(desired)).toBe(false);
  });

  it("for tags names tags", async () => {
    const slot = slotOf(harness, ruleset);
    const wanted: RulesetDesired = {
      ...desired,
      ruleset: {
        name: "tags",
        target: "Tag",
        enforcement: "Active",
        include: ["v*"],
        rules: { update: true, creation: false },
      },
    };
    const { id } = await slot.create(wanted);
    expect((await shown(id)).conditions.ref_name["include"]).toEqual(["refs/tags/v*"]);
    expect(await slot.diff(wanted)).toEqual([]);
  });

  const drifts: [string, (raw: Raw) => Record<string, unknown>][] = [
    ["name", () => ({ name: "renamed" })],
    ["enforcement", () => ({ enforcement: "disabled" })],
    [
      "include",
      ({ conditions }) => ({ conditions: { ref_name: { ...conditions.ref_name, include: ["~ALL"] } } }),
    ],
    ["exclude", ({ conditions }) => ({ conditions: { ref_name: { ...conditions.ref_name, exclude: [] } } })],
    ["rules.deletion", ({ rules }) => ({ rules: rules.filter((rule) => rule.type !== "deletion") })],
    ["rules.requiredSignatures", ({ rules }) => ({ rules: [...rules, { type: "required_signatures" }] })],
    [
      "rules.pullRequest",
      ({ rules }) => ({
        rules: rules.map((rule) =>
          rule.type === "pull_request"
            ? { ...rule, parameters: { ...rule.parameters, required_approving_review_count: 0 } }
            : rule,
        ),
      }),
    ],
    [
      "rules.requiredStatusChecks.strict",
      ({ rules }) => ({
        rules: rules.map((rule) =>
          rule.type === "required_status_checks"
            ? { ...rule, parameters: { ...rule.parameters, strict_required_status_checks_policy: false } }
            : rule,
        ),
      }),
    ],
    [
      "rules.requiredStatusChecks.checks",
      ({ rules }) => ({ rules: rules.filter((rule) => rule.type !== "required_status_checks") }),
    ],
    ["bypassActors", () => ({ bypass_actors: [] })],
  ];
  it.each(drifts)(
    "%s, changed behind our back, is seen in a shallow look, named and corrected",
    async (field, change) => {
      const slot = slotOf(harness, ruleset);
      const { id } = await slot.create(desired);
      world.advance(2000);
      await world.send("PUT", `/repos/acme/shop/rulesets/${id}`, { body: change(await shown(id)) });
      expect(
        (await slot.diff(desired, { depth: "shallow", fresh: false })).map((item) => item.field),
      ).toEqual([`rulesets.main.${field}`]);
      await slot.correct(desired);
      expect(await slot.diff(desired)).toEqual([]);
    },
  );

  it("keeps what the spec cannot say, and what it does not manage", async () => {
    const slot = slotOf(harness, ruleset);
    const { bypassActors: _actors, exclude: _exclude, ...rest } = desired.ruleset;
    const { id } = await slot.create(desired);
    const { rules } = await shown(id);
    const foreign = [{ type: "commit_message_pattern", parameters: { operator: "contains", pattern: "#" } }];
    const changed = rules.map((rule) =>
      rule.type === "pull_request"
        ? { ...rule, parameters: { ...rule.parameters, allowed_merge_methods: ["squash"] } }
        : rule,
    );
    await world.send("PUT", `/repos/acme/shop/rulesets/${id}`, { body: { rules: [...changed, ...foreign] } });
    const wanted: RulesetDesired = {
      ...desired,
      ruleset: { ...rest, rules: { ...rest.rules, deletion: false } },
    };
    await slot.correct(wanted);
    expect(await slot.diff(wanted)).toEqual([]);
    const after = await shown(id);
    expect(after.rules).toEqual(expect.arrayContaining(foreign));
    expect(after.rules.find((rule) => rule.type === "pull_request")?.parameters).toMatchObject({
      allowed_merge_methods: ["squash"],
      required_approving_review_count: 2,
    });
    expect(after).toMatchObject({
      bypass_actors: [{ actor_type: "OrganizationAdmin" }, { actor_type: "RepositoryRole" }],
      conditions: { ref_name: { exclude: ["refs/heads/release/old"] } },
    });
  });

  it("unmoved costs one listing and no more", async () => {
    const slot = slotOf(harness, ruleset);
    await slot.create(desired);
    const before = world.context.journal.last();
    expect(await slot.diff(desired, { depth: "shallow", fresh: false })).toEqual([]);
    expect(world.context.journal.since(before)).toHaveLength(1);
  });

  it("an observer who may not see who can bypass finds no difference in it", async () => {
    const slot = slotOf(harness, ruleset);
    await slot.create(desired);
    world.github.changeToken(TOKEN, { permissions: { metadata: "read" } });
    expect(await slot.diff(desired)).toEqual([]);
  });

  it("is found after a lost answer, and made once", async () => {
    const slot = slotOf(harness, ruleset);
    world.context.faults.add({ method: "POST", when: "after", drop: true });
    await expect(slot.create(desired)).rejects.toMatchObject({ class: "unknownOutcome" });
    expect(await slot.observe(desired)).toMatchObject({ state: "present" });
    await expect(slot.create(desired)).rejects.toMatchObject({
      code: "INTEGRATION_CONFLICT",
      class: "transient",
    });
  });

  it("removed, is absent; made anew by hand, is found by its name", async () => {
    const slot = slotOf(harness, ruleset);
    await slot.create(desired);
    await slot.remove(desired);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    const { id } = await slotOf(harness, ruleset).create(desired);
    expect(await slot.observe(desired)).toMatchObject({ state: "present", id });
  });

  it.each([
    ["team", "Evaluate" as const],
    ["free", "Active" as const],
  ])("what the plan %s lacks is terminal", async (plan, enforcement) => {
    world.github.addAccount({ login: plan, type: "Organization", plan: plan as "team" | "free" });
    world.github.addToken({ token: `token-${plan}`, owner: plan });
    world.github.seedRepository({ owner: plan, name: "shop", files: { a: "1" } });
    const other = harnessOn({
      fetch: (request) => world.github.fetch(request),
      endpoint: PUBLIC_URL,
      now: () => world.context.clock.now(),
      credentials: { token: `token-${plan}` },
    });
    const wanted = { repository: `${plan}/shop`, ruleset: { ...desired.ruleset, enforcement } };
    await expect(slotOf(other, ruleset).create(wanted)).rejects.toMatchObject({
      code: "INTEGRATION_UNSUPPORTED_BY_PLAN",
    });
  });
});
