import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { conditionOf, createWorld } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import { DEEP, fullEnvironment, fullProject, MARGIN, RESYNC, settledFullShop } from "./full-shop.ts";
import { githubSecret, writeGitHubSecret } from "./github-fields.ts";
import { outsider, scriptOf } from "./outsider.ts";
import type { Fields, Outsider } from "./outsider.ts";

const SHOP = "/repos/acme/shop";

/** The manifest with one part of its spec replaced. */
function edited(manifest: Manifest, edit: (spec: Record<string, Fields>) => void): Manifest {
  const copy = structuredClone(manifest);
  edit(copy.spec as Record<string, Fields>);
  return copy;
}

describe("what leaves the spec", () => {
  let world: World;
  let other: Outsider;
  beforeEach(async () => {
    world = await createWorld({ publicUrl: "https://hooks.example" });
    await settledFullShop(world);
    other = outsider(world);
  }, 60_000);
  afterEach(() => world.stop());

  it("differs in nothing right after everything was created, however deep one looks", async () => {
    const since = world.mark();
    for (const kind of ["Project", "Environment", "Preview"])
      for (const { metadata } of await world.list(kind)) await world.request(kind, metadata.name);
    await world.settle();
    await world.pass(DEEP + MARGIN);
    expect(world.changes(since)).toEqual([]);
    for (const kind of ["Project", "Environment", "Preview"])
      for (const object of await world.list(kind))
        expect(conditionOf(object, "UpToDate"), object.metadata.name).toMatchObject({ status: "True" });
  });

  it("keeps its value when it is a scalar, and is managed no more", async () => {
    await world.apply(
      edited(fullProject(), ({ github, neon }) => {
        delete github?.["description"];
        delete github?.["settings"];
        delete neon?.["historyRetention"];
      }),
    );
    await world.settle();
    const kept = await other.github("GET", SHOP);
    expect(kept["description"]).toBe("The shop");
    expect(kept["has_wiki"]).toBe(false);
    await other.github("PATCH", SHOP, { description: "By hand", has_wiki: true });
    await world.pass(DEEP + MARGIN);
    const after = await other.github("GET", SHOP);
    expect(after["description"]).toBe("By hand");
    expect(after["has_wiki"]).toBe(true);
    expect(conditionOf(await world.get("Project", "shop"), "Ready")).toMatchObject({ status: "True" });
  });

  it("goes when it is an entry that we wrote; entries of others stay", async () => {
    await other.github("POST", `${SHOP}/actions/variables`, { name: "THEIRS", value: "1" });
    await writeGitHubSecret(other, `${SHOP}/actions/secrets`, "THEIR_SECRET", "theirs");
    await other.github("POST", `${SHOP}/rulesets`, {
      name: "theirs",
      target: "branch",
      enforcement: "active",
      conditions: { ref_name: { include: ["refs/heads/theirs"], exclude: [] } },
      rules: [{ type: "deletion" }],
    });
    await other.zone("POST", "/workers/routes", {
      pattern: "theirs.acme.example/*",
      script: "shop-api-staging",
    });
    await other.cloudflare("PUT", "/workers/scripts/shop-api-production/secrets", {
      name: "THEIR_KEY",
      type: "secret_text",
      text: "theirs",
    });
    await world.pass(RESYNC + MARGIN);
    await world.apply(
      edited(fullProject(), ({ github }) => {
        if (github) Object.assign(github, { variables: [], secrets: [], rulesets: [] });
      }),
      edited(fullEnvironment("staging"), ({ cloudflare, github }) => {
        if (github) Object.assign(github, { variables: [] });
        for (const worker of (cloudflare?.["workers"] ?? []) as Fields[])
          Object.assign(worker, { vars: [], bindings: [], routes: [], domains: [], crons: [] });
      }),
      edited(fullEnvironment("production"), (spec) => {
        Object.assign(spec, { secrets: [] });
      }),
    );
    await world.settle();
    await world.pass(RESYNC + MARGIN);
    const names = async (path: string, list: string): Promise<string[]> =>
      (await other.github<Record<string, { name: string }[]>>("GET", path))[list]?.map(({ name }) => name) ??
      [];
    expect(await names(`${SHOP}/actions/variables`, "variables")).toEqual(["THEIRS"]);
    expect(await names(`${SHOP}/actions/secrets`, "secrets")).toEqual(["THEIR_SECRET"]);
    expect(
      (await other.github<{ name: string }[]>("GET", `${SHOP}/rulesets`)).map(({ name }) => name),
    ).toEqual(["theirs"]);
    expect(await names(`${SHOP}/environments/staging/variables`, "variables")).toEqual([]);
    const patterns = (await other.zone<{ pattern: string }[]>("GET", "/workers/routes")).map(
      ({ pattern }) => pattern,
    );
    expect(patterns.toSorted()).toEqual(["production.acme.example/api/*", "theirs.acme.example/*"]);
    const hostnames = await other.cloudflare<{ hostname: string }[]>("GET", "/workers/domains");
    expect(hostnames.map(({ hostname }) => hostname)).toEqual(["production-app.acme.example"]);
    expect(scriptOf(world, "shop-api-staging")["schedules"]).toEqual([]);
    const bound = (name: string): string[] =>
      scriptOf(world, name)
        .bindings.map((binding) => String(binding["name"]))
        .toSorted();
    expect(bound("shop-api-staging")).toEqual(["ASSETS", "DATABASE_URL", "STRIPE_KEY"]);
    // Ours go from the Worker, theirs stays, because production keeps what others bound.
    expect(scriptOf(world, "shop-api-production").secrets).toEqual({ THEIR_KEY: "theirs" });
    expect(githubSecret(world, "DATABASE_URL", "production")).toBeUndefined();
    expect(githubSecret(world, "DATABASE_URL", "staging")).toBeDefined();
  });

  it("keeps what it was when a whole list is no longer spoken of", async () => {
    const since = world.mark();
    await world.apply(edited(fullProject(), ({ github }) => delete github?.["topics"]));
    await world.settle();
    await world.pass(RESYNC + MARGIN);
    expect(world.changes(since)).toEqual([]);
  });
});
