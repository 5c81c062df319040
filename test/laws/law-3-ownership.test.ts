/** Law 3: only what is ours is touched, and what is ours is known again whatever was lost. */
import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate, settledShop, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { asSomeoneElse, conditionText, external, freshStore, identities, names, unready } from "./support.ts";
import { smallShop } from "./small-shop.ts";

const MINUTE = 60_000;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

async function applyShop(to: World): Promise<void> {
  await to.apply(
    shopProject(),
    shopEnvironment("dev"),
    shopEnvironment("staging"),
    shopEnvironment("production"),
    shopPreview(),
  );
}

describe("the same YAML under another installation id", () => {
  it("meets a Conflict at every name and touches nothing", async () => {
    const first = await createWorld();
    await settledShop(first);
    world = await freshStore(first, { installation: "another" });
    const before = identities(world.sandbox);
    const since = world.mark();
    await applyShop(world);
    await world.pass(30 * MINUTE);
    expect(world.changes(since)).toEqual([]);
    expect(identities(world.sandbox)).toEqual(before);
    const project = await world.get("Project", "shop");
    expect(conditionOf(project, "GitHubSynced")).toMatchObject({ status: "False", reason: "Conflict" });
    expect(conditionText(project, "GitHubSynced")).toContain("flaresmith.dev/adopt: githubRepo");
    expect(conditionOf(project, "Ready")?.status).toBe("False");
    expect(conditionOf(project, "Stalled")?.status).toBe("True");
  });

  it("deleting it again touches nothing either", async () => {
    const first = await createWorld();
    await settledShop(first);
    world = await freshStore(first, { installation: "another" });
    await world.apply(
      shopProject({ deletionPolicy: "Delete" }),
      shopEnvironment("dev", { deletionPolicy: "Delete" }),
    );
    await world.pass(2 * MINUTE);
    const before = identities(world.sandbox);
    const since = world.mark();
    await world.delete("Project", "shop");
    const living = world;
    await living.until(async () => (await living.list("Project")).length === 0);
    expect(world.changes(since)).toEqual([]);
    expect(identities(world.sandbox)).toEqual(before);
  });

  it("takes over exactly the slots that the adopt annotation lists", async () => {
    const first = await createWorld();
    await settledShop(first);
    world = await freshStore(first, { installation: "another" });
    const before = identities(world.sandbox);
    const topics = external(world.sandbox).github.repositories.find((one) => one.name === "shop")?.topics;
    await applyShop(world);
    await world.annotate("Project", "shop", { "flaresmith.dev/adopt": "neonProject" });
    await world.pass(5 * MINUTE);
    const project = await world.get("Project", "shop");
    expect(conditionOf(project, "NeonSynced")).toMatchObject({ status: "True" });
    expect(conditionOf(project, "GitHubSynced")).toMatchObject({ status: "False", reason: "Conflict" });
    expect(external(world.sandbox).github.repositories.find((one) => one.name === "shop")?.topics).toEqual(
      topics,
    );
    expect(identities(world.sandbox)).toEqual(before);
    const inventory = statusOf(project)["inventory"] as { slot: string; id?: string }[];
    expect(inventory.map((entry) => entry.slot)).toEqual(["neonProject"]);
  });
});

describe("the same installation on an empty store", () => {
  it("knows everything again: nothing is created or deleted, the same ids stay", async () => {
    const first = await createWorld();
    await settledShop(first);
    world = await freshStore(first);
    const before = identities(world.sandbox);
    const everything = external(world.sandbox);
    const since = world.mark();
    await applyShop(world);
    await world.settle(20 * MINUTE);
    expect(await unready(world)).toEqual([]);
    expect(identities(world.sandbox)).toEqual(before);
    // GitHub's secrets can neither be read back nor vouched for: each is written once more, with the value that it has.
    const changes = world.changes(since).map(({ method, path }) => `${method} ${path}`);
    expect(changes.toSorted()).toEqual(
      ["dev", "production", "staging"].map(
        (name) => `PUT /repos/acme/shop/environments/${name}/secrets/DATABASE_URL`,
      ),
    );
    expect(external(world.sandbox)).toEqual(everything);
    const quiet = world.mark();
    await world.pass(11 * MINUTE);
    expect(world.changes(quiet)).toEqual([]);
  });

  it("the whole status can be lost: nothing is created anew", async () => {
    world = await createWorld();
    seedTemplate(world);
    await world.apply(...smallShop());
    await world.settle();
    const before = identities(world.sandbox);
    await world.stop();
    const next = await freshStore(world);
    world = next;
    await next.apply(...smallShop());
    await next.settle(20 * MINUTE);
    expect(await unready(next)).toEqual([]);
    expect(identities(next.sandbox)).toEqual(before);
  });
});

describe("what others made under the same name", () => {
  it("a repository of the same name is a Conflict, and no variable, ruleset or environment is put into it", async () => {
    world = await createWorld();
    seedTemplate(world);
    world.sandbox.github.seedRepository({ owner: "acme", name: "shop", files: { "README.md": "theirs\n" } });
    const before = JSON.stringify(external(world.sandbox).github);
    await applyShop(world);
    await world.pass(5 * MINUTE);
    const project = await world.get("Project", "shop");
    expect(conditionOf(project, "GitHubSynced")).toMatchObject({ status: "False", reason: "Conflict" });
    expect(JSON.stringify(external(world.sandbox).github)).toBe(before);
  });

  it("a Worker of the same name is a Conflict and keeps its code", async () => {
    world = await createWorld();
    seedTemplate(world);
    const account = world.sandbox.seed.cloudflare.accountId;
    const form = new FormData();
    form.set("metadata", JSON.stringify({ main_module: "index.js", compatibility_date: "2026-01-01" }));
    form.set(
      "index.js",
      new File(["export default {}"], "index.js", { type: "application/javascript+module" }),
    );
    const answer = await world.sandbox.fetch(
      `${world.sandbox.urls.cloudflare}/accounts/${account}/workers/scripts/shop-api-dev`,
      {
        method: "PUT",
        headers: { authorization: `Bearer ${world.sandbox.seed.cloudflare.token}` },
        body: form,
      },
    );
    expect(answer.status).toBe(200);
    const scriptOf = (): unknown =>
      external((world as World).sandbox).cloudflare.accounts[0]?.scripts.find(
        (one) => one.name === "shop-api-dev",
      );
    const before = JSON.stringify(scriptOf());
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.pass(5 * MINUTE);
    const environment = await world.get("Environment", "shop-dev");
    expect(conditionOf(environment, "CloudflareSynced")).toMatchObject({
      status: "False",
      reason: "Conflict",
    });
    expect(JSON.stringify(scriptOf())).toBe(before);
    await world.delete("Environment", "shop-dev");
    const living = world;
    await living.until(async () => (await living.list("Environment")).length === 0);
    expect(JSON.stringify(scriptOf())).toBe(before);
  });

  it("a database branch of the same name is a Conflict and stays when the environment goes", async () => {
    world = await createWorld();
    seedTemplate(world);
    await world.apply(shopProject());
    await world.settle();
    const [project] = external(world.sandbox).neon.projects;
    await asSomeoneElse(world, "neon", "POST", `/projects/${project?.id ?? ""}/branches`, {
      branch: { name: "dev" },
    });
    await world.pass(MINUTE);
    const branchOf = (): unknown =>
      external((world as World).sandbox).neon.projects[0]?.branches.find((one) => one.name === "dev");
    const before = JSON.stringify(branchOf());
    await world.apply(shopEnvironment("dev", { deletionPolicy: "Delete" }));
    await world.pass(5 * MINUTE);
    const environment = await world.get("Environment", "shop-dev");
    expect(conditionOf(environment, "NeonSynced")).toMatchObject({ status: "False", reason: "Conflict" });
    expect(conditionText(environment, "NeonSynced")).toContain("flaresmith.dev/adopt: neonBranch");
    expect(JSON.stringify(branchOf())).toBe(before);
    await world.delete("Environment", "shop-dev");
    const living = world;
    await living.until(async () => (await living.list("Environment")).length === 0);
    expect(JSON.stringify(branchOf())).toBe(before);
  });
});

describe("what leaves the spec", () => {
  it("is deleted when we wrote it and left alone when somebody else did: variables, rulesets, routes, KV", async () => {
    world = await createWorld();
    seedTemplate(world);
    await world.apply(...smallShop());
    await world.settle();
    expect(names(world.sandbox).filter((name) => name.includes("cache-pr-1"))).toHaveLength(1);
    const { accountId, zone } = world.sandbox.seed.cloudflare;
    await asSomeoneElse(world, "github", "POST", "/repos/acme/shop/actions/variables", {
      name: "THEIRS",
      value: "1",
    });
    await asSomeoneElse(world, "github", "POST", "/repos/acme/shop/rulesets", {
      name: "theirs",
      target: "branch",
      enforcement: "disabled",
      rules: [{ type: "deletion" }],
    });
    await asSomeoneElse(world, "cloudflare", "POST", `/zones/${zone.id}/workers/routes`, {
      pattern: "theirs.acme.example/*",
      script: "shop-api-dev",
    });
    await asSomeoneElse(world, "cloudflare", "POST", `/accounts/${accountId}/storage/kv/namespaces`, {
      title: "theirs",
    });
    const [project, environment] = smallShop();
    const github = { ...(project?.spec?.["github"] as object), variables: [], rulesets: [] };
    const cloudflare = {
      ...(project?.spec?.["cloudflare"] as object),
      kv: [],
    };
    const workers = [{ name: "api", routes: [], bindings: [{ name: "FILES", r2: "files" }] }];
    await world.apply(
      { kind: "Project", metadata: { name: "shop" }, spec: { ...project?.spec, github, cloudflare } },
      {
        kind: "Environment",
        metadata: { name: "shop-dev" },
        spec: { ...environment?.spec, cloudflare: { workers } },
      },
    );
    await world.settle(20 * MINUTE);
    await world.pass(2 * MINUTE);
    expect(await unready(world)).toEqual([]);
    const after = names(world.sandbox);
    expect(after).toContain("github acme/shop variable THEIRS");
    expect(after).not.toContain("github acme/shop variable REGION");
    expect(after).toContain("github acme/shop ruleset theirs");
    expect(after).not.toContain("github acme/shop ruleset main is protected");
    expect(after).toContain("cloudflare route theirs.acme.example/*");
    expect(after).not.toContain("cloudflare route dev.acme.example/*");
    expect(after).toContain("cloudflare kv theirs");
    // It holds data: it is let go, and a tombstone says so.
    expect(after).toContain("cloudflare kv shop-cache-dev");
    const tombstones = (await world.list("ConfigMap")).map((one) => one["data"] as Record<string, string>);
    expect(tombstones).toContainEqual(
      expect.objectContaining({ type: "kvNamespace", name: "shop-cache-dev" }),
    );
    // A preview's is deleted.
    expect(after.filter((name) => name.includes("cache-pr-1"))).toEqual([]);
  });
});
