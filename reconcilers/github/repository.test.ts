import { beforeEach, describe, expect, it } from "vitest";
import { bench, PUBLIC_URL, TOKEN, type Bench } from "../../sandbox/github/testing.ts";
import { repository, repositoryLookup } from "./repository.ts";
import { harnessOn, lookupContext, slotOf } from "./test-context.ts";
import type { Harness } from "./test-context.ts";
import type { RepositoryDesired } from "./types.ts";

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
});

const desired: RepositoryDesired = {
  owner: "acme",
  name: "shop",
  visibility: "Private",
  description: "The shop",
  topics: ["shop", "Worker"],
  settings: {
    hasWiki: false,
    homepage: "https://shop.example",
    squashMergeCommitTitle: "PR_TITLE",
    squashMergeCommitMessage: "PR_BODY",
    deleteBranchOnMerge: true,
  },
};

const shown = async (path = "/repos/acme/shop"): Promise<Record<string, unknown>> =>
  (await world.send("GET", path)).json;

async function converged(
  wanted = desired,
  slot = slotOf(harness, repository),
): Promise<ReturnType<typeof slotOf<RepositoryDesired, never>>> {
  await slot.create(wanted);
  world.advance(5_000);
  await slot.correct(wanted);
  expect(await slot.diff(wanted)).toEqual([]);
  return slot as never;
}

describe("a plain repository", () => {
  it("is marked from its first moment, then configured, and then nothing differs", async () => {
    const slot = slotOf(harness, repository);
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
    await slot.create(desired);
    expect((await shown())["description"]).toBe("inst-1/default/Project/shop/githubRepo#n0nce");
    expect(await slot.observe(desired)).toMatchObject({ state: "present", owner: "ours" });
    expect(await slot.correct(desired)).toBe(true);
    expect(await slot.diff(desired)).toEqual([]);
    expect(await shown()).toMatchObject({
      private: true,
      description: "The shop",
      topics: ["shop", "worker", expect.stringMatching(/^flaresmith-[0-9a-f]{12}-[0-9a-f]{24}$/)],
      has_wiki: false,
      homepage: "https://shop.example",
      squash_merge_commit_title: "PR_TITLE",
      squash_merge_commit_message: "PR_BODY",
    });
  });

  it("loses the marker from its description although no description is desired", async () => {
    await converged({ owner: "acme", name: "shop" });
    expect((await shown())["description"]).toBe("");
  });

  it("is created private unless Public is said", async () => {
    await converged({ owner: "acme", name: "open", visibility: "Public" });
    await converged({ owner: "acme", name: "shut" });
    expect(await shown("/repos/acme/open")).toMatchObject({ private: false });
    expect(await shown("/repos/acme/shut")).toMatchObject({ private: true });
  });

  it("gets the default branch that is asked for, in place of the one GitHub made", async () => {
    const wanted = { owner: "acme", name: "shop", defaultBranch: "trunk" };
    await converged(wanted);
    expect(await shown()).toMatchObject({ default_branch: "trunk" });
    const branches = (await world.send("GET", "/repos/acme/shop/branches")).text;
    expect(JSON.parse(branches)).toMatchObject([{ name: "trunk" }]);
  });

  it.each([
    ["description", { description: "other" }],
    ["settings.hasWiki", { has_wiki: true }],
    ["settings.homepage", { homepage: "" }],
    ["settings.deleteBranchOnMerge", { delete_branch_on_merge: false }],
    [
      "settings.squashMergeCommitMessage",
      { squash_merge_commit_title: "PR_TITLE", squash_merge_commit_message: "BLANK" },
    ],
    ["visibility", { visibility: "public" }],
  ])("%s, changed behind our back, is named and corrected", async (field, change) => {
    const slot = await converged();
    await world.send("PATCH", "/repos/acme/shop", { body: change });
    expect((await slot.diff(desired)).map((item) => item.field)).toEqual([field]);
    await slot.correct(desired);
    expect(await slot.diff(desired)).toEqual([]);
  });

  it("gets its topics back, and its marker with them", async () => {
    const slot = await converged();
    await world.send("PUT", "/repos/acme/shop/topics", { body: { names: ["else"] } });
    expect((await slot.diff(desired)).map((item) => item.field)).toEqual(["topics", "markerTopic"]);
    await slot.correct(desired);
    expect(await slot.observe(desired)).toMatchObject({ owner: "ours" });
  });

  it("keeps topics that nobody manages", async () => {
    const wanted = { owner: "acme", name: "shop" };
    const slot = await converged(wanted);
    const { topics } = await shown();
    await world.send("PUT", "/repos/acme/shop/topics", {
      body: { names: [...(topics as string[]), "mine"] },
    });
    expect(await slot.diff(wanted)).toEqual([]);
  });

  it("is refused with more topics than there is room for beside the marker", async () => {
    const slot = await converged();
    const topics = Array.from({ length: 20 }, (_, index) => `topic-${index}`);
    await expect(slot.correct({ ...desired, topics })).rejects.toMatchObject({
      code: "SPEC_INVALID",
      field: "spec.github.topics",
    });
  });

  it("Internal where that does not exist is an error that says so", async () => {
    world.context.faults.add({
      method: "PATCH",
      status: 422,
      body: { message: "Visibility can't be internal. Please try again" },
      times: 0,
    });
    const slot = slotOf(harness, repository);
    await slot.create({ ...desired, visibility: "Internal" });
    expect(await shown()).toMatchObject({ private: true });
    await expect(slot.correct({ ...desired, visibility: "Internal" })).rejects.toMatchObject({
      code: "INTEGRATION_UNSUPPORTED_BY_PLAN",
      field: "spec.github.visibility",
    });
  });

  it("archived, is an error that says so, and nothing is sent", async () => {
    const slot = await converged();
    await world.send("PATCH", "/repos/acme/shop", { body: { archived: true } });
    const before = world.context.journal.since(0).length;
    await expect(slot.correct(desired)).rejects.toMatchObject({ code: "ENV_ARCHIVED" });
    expect(
      world.context.journal
        .since(0)
        .slice(before)
        .filter((entry) => entry.method !== "GET"),
    ).toEqual([]);
  });
});

describe("a repository from a template", () => {
  const template = { owner: "acme", repository: "starter" };
  const wanted: RepositoryDesired = { ...desired, template };

  beforeEach(() => {
    world.github.seedRepository({
      owner: "acme",
      name: "starter",
      isTemplate: true,
      files: { "README.md": "# Start" },
    });
  });

  it("is awaited until its content is there, then configured", async () => {
    world.github.setDelays({ refMs: 1000, objectsMs: 1000, settingsMs: 3000 });
    const slot = slotOf(harness, repository);
    await slot.create(wanted);
    expect(await slot.observe(wanted)).toMatchObject({
      state: "present",
      owner: "ours",
      pending: expect.stringContaining("content"),
    });
    world.advance(1500);
    expect(await slot.observe(wanted)).not.toHaveProperty("pending");
    await slot.correct(wanted);
    expect((await slot.diff(wanted)).length).toBeGreaterThan(0);
    world.advance(2000);
    await slot.correct(wanted);
    expect(await slot.diff(wanted)).toEqual([]);
  });

  it("says whether the template is missing or no template", async () => {
    world.github.seedRepository({ owner: "acme", name: "plain", files: { a: "1" } });
    const create = (name: string) =>
      slotOf(harness, repository).create({ ...wanted, template: { owner: "acme", repository: name } });
    await expect(create("nowhere")).rejects.toMatchObject({
      code: "SPEC_REFERENCE_MISSING",
      message: expect.stringContaining("does not exist"),
    });
    await expect(create("plain")).rejects.toMatchObject({
      code: "SPEC_REFERENCE_MISSING",
      message: expect.stringContaining("no template"),
    });
  });
});

describe("whose a repository is", () => {
  it("made by hand it is unmarked, made by another installation foreign", async () => {
    world.github.seedRepository({ owner: "acme", name: "shop", files: { a: "1" } });
    expect(await slotOf(harness, repository).observe(desired)).toMatchObject({ owner: "unmarked" });
    await converged(
      { owner: "acme", name: "other" },
      slotOf(harness, repository, { installation: "inst-2" }),
    );
    expect(await slotOf(harness, repository).observe({ owner: "acme", name: "other" })).toMatchObject({
      owner: "foreign",
    });
  });

  it("survives the loss of the inventory, before and after configuring", async () => {
    await slotOf(harness, repository).create(desired);
    expect(await slotOf(harness, repository).observe(desired)).toMatchObject({ owner: "ours" });
    await slotOf(harness, repository).correct(desired);
    expect(await slotOf(harness, repository).observe(desired)).toMatchObject({ owner: "ours" });
  });

  it.each([0, 1, 2, 3])("is told by its marks wherever configuring broke off (change %i)", async (skip) => {
    await slotOf(harness, repository).create(desired);
    const first = slotOf(harness, repository);
    for (const method of ["PATCH", "PUT"])
      world.context.faults.add({
        method,
        skip: method === "PUT" ? Math.min(skip, 1) : skip,
        drop: true,
        times: 0,
      });
    await first.correct(desired).catch(() => undefined);
    expect(await slotOf(harness, repository).observe(desired)).toMatchObject({ owner: "ours" });
    world.context.faults.clear();
    const second = slotOf(harness, repository);
    await second.correct(desired);
    expect(await second.diff(desired)).toEqual([]);
  });

  it("empty and adopted, it is configured although there is no content to wait for", async () => {
    world.github.seedRepository({ owner: "acme", name: "shop" });
    const slot = slotOf(harness, repository);
    expect(await slot.observe(desired)).not.toHaveProperty("pending");
    await slot.correct({ ...desired, defaultBranch: "trunk" });
    expect(await slot.diff({ ...desired, defaultBranch: "trunk" })).toEqual([]);
    expect(await slot.observe(desired)).toMatchObject({
      owner: "ours",
      observed: { description: "The shop" },
    });
  });

  it("adopted with a token that may only read, is an error that names the permission", async () => {
    world.github.seedRepository({ owner: "acme", name: "shop", files: { a: "1" } });
    world.context.faults.add({ method: "PATCH", status: 404, body: { message: "Not Found" } });
    await expect(slotOf(harness, repository).correct(desired)).rejects.toMatchObject({
      code: "INTEGRATION_PERMISSION_MISSING",
      hint: expect.stringContaining("administration: write"),
    });
  });

  it("a create whose answer was lost finds its own repository the second time", async () => {
    world.context.faults.add({ method: "POST", path: "/orgs/acme/repos", when: "after", drop: true });
    const slot = slotOf(harness, repository);
    await expect(slot.create(desired)).rejects.toMatchObject({
      code: "INTEGRATION_UNKNOWN_OUTCOME",
      class: "unknownOutcome",
    });
    const { id } = await slot.create(desired);
    expect(id).toBe(String((await shown())["id"]));
  });

  it("is marked from its first moment although our names are too long for a description", async () => {
    const project = "p".repeat(400);
    await slotOf(harness, repository, { project }).create(desired);
    const slot = slotOf(harness, repository, { project });
    expect(await slot.observe(desired)).toMatchObject({ owner: "ours" });
    expect(await slotOf(harness, repository).observe(desired)).toMatchObject({ owner: "foreign" });
    await slot.correct(desired);
    expect(await slot.diff(desired)).toEqual([]);
  });

  it("a name that is taken is a conflict", async () => {
    world.github.seedRepository({ owner: "acme", name: "shop", files: { a: "1" } });
    await expect(slotOf(harness, repository).create(desired)).rejects.toMatchObject({
      code: "INTEGRATION_NAME_CONFLICT",
    });
  });
});

describe("a repository that is not where it was", () => {
  it("is followed by its id after a rename, also when its name was taken", async () => {
    const slot = await converged();
    await world.send("PATCH", "/repos/acme/shop", { body: { name: "store" } });
    expect(await slot.observe(desired)).toMatchObject({ state: "present", name: "store" });
    world.github.seedRepository({ owner: "acme", name: "shop", files: { a: "1" } });
    expect(await slot.observe(desired)).toMatchObject({ state: "present", name: "store", owner: "ours" });
    await slot.remove(desired);
    expect((await world.send("GET", "/repos/acme/store")).status).toBe(404);
    expect((await world.send("GET", "/repos/acme/shop")).status).toBe(200);
  });

  it("is called again what the spec says, unless another one has that name", async () => {
    const slot = await converged();
    await world.send("PATCH", "/repos/acme/shop", { body: { name: "store" } });
    expect((await slot.diff(desired)).map((change) => change.field)).toEqual(["name"]);
    await slot.correct(desired);
    expect(await shown()).toMatchObject({ full_name: "acme/shop" });
    await world.send("PATCH", "/repos/acme/shop", { body: { name: "store" } });
    world.github.seedRepository({ owner: "acme", name: "shop", files: { a: "1" } });
    await expect(slot.correct(desired)).rejects.toMatchObject({
      code: "INTEGRATION_NAME_CONFLICT",
      hint: expect.stringContaining("store"),
    });
  });

  it("gone or hidden is unknown for a token that may not see everything", async () => {
    const slot = await converged();
    world.github.changeToken(TOKEN, { repositories: ["other"] });
    expect(await slot.observe(desired)).toMatchObject({
      state: "unknown",
      error: { code: "INTEGRATION_REPOSITORY_NOT_VISIBLE" },
    });
  });

  it("says when GitHub itself confirmed that it was deleted", async () => {
    const slot = await converged();
    expect(await slot.remove(desired)).toBe("deleted");
    expect(await slot.remove(desired)).toBeUndefined();
  });

  it("is absent when a person says so", async () => {
    const slot = await converged();
    await slot.remove(desired);
    expect(await slot.observe(desired)).toMatchObject({ state: "unknown" });
    const { entry } = slot;
    slot.entry = entry && { ...entry, data: { confirmGone: entry.id ?? "" } };
    expect(await slot.observe(desired)).toEqual({ state: "absent" });
  });

  it.each([
    ["500", { status: 500 }],
    ["an HTML page", { status: 200, body: "<html>maintenance</html>" }],
    [
      "a cut-off document",
      { status: 200, body: '{"id": 1', headers: { "content-type": "application/json" } },
    ],
    ["a broken connection", { drop: true }],
  ])("%s is never absence", async (_name, fault) => {
    const slot = await converged();
    world.context.faults.add({ path: "/repos/acme/shop$", times: 0, ...fault });
    await expect(slot.observe(desired)).rejects.toMatchObject({
      name: "FlaresmithError",
      class: "transient",
    });
  });

  it.each([
    [
      "401",
      { status: 401, body: { message: "Bad credentials" } },
      { code: "INTEGRATION_CREDENTIALS_INVALID" },
    ],
    [
      "403",
      {
        status: 403,
        body: { message: "Resource not accessible by integration" },
        headers: { "x-accepted-github-permissions": "metadata=read" },
      },
      { code: "INTEGRATION_PERMISSION_MISSING", hint: expect.stringContaining("metadata: read") },
    ],
    [
      "429",
      { status: 429, body: { message: "slow down" }, headers: { "retry-after": "7" } },
      { code: "INTEGRATION_RATE_LIMITED", class: "rateLimited" },
    ],
    [
      "a spent hour",
      {
        status: 403,
        body: { message: "API rate limit exceeded" },
        headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1900000000" },
      },
      { class: "rateLimited", until: 1_900_000_000_000 },
    ],
  ])("%s is told for what it is", async (_name, fault, expected) => {
    world.context.faults.add({ path: "/repos/acme/shop$", ...fault });
    await expect(slotOf(harness, repository).observe(desired)).rejects.toMatchObject(expected);
  });
});

describe("a repository that is only used", () => {
  it("gives the same outputs as one that is managed", async () => {
    await converged();
    const outputs = await repositoryLookup.look({ owner: "acme", name: "shop" }, lookupContext(harness));
    expect(outputs).toMatchObject({ fullName: "acme/shop", defaultBranch: "main", contentReady: true });
    const observed = await slotOf(harness, repository).observe(desired);
    expect(observed.state === "present" && repository.outputs(desired, observed.observed)).toEqual(outputs);
  });

  it("is an error that names it when it cannot be seen", async () => {
    await expect(
      repositoryLookup.look({ owner: "acme", name: "nowhere" }, lookupContext(harness)),
    ).rejects.toMatchObject({
      code: "INTEGRATION_REPOSITORY_NOT_VISIBLE",
      message: expect.stringContaining("acme/nowhere"),
    });
  });
});
