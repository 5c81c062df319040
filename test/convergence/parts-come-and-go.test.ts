import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { neonBranchesOf, outsider, scriptsOf, stateOf } from "./outsider.ts";

const MINUTE = 60_000;

const worker = (name: string) => ({ name, code: { path: "dist/worker" } });
const cloudflare = (extra: Record<string, unknown>) => ({
  cloudflare: { connectionRef: { name: "cloudflare" }, workers: [worker("api")], ...extra },
});

describe("parts that are added to a project and taken out again", () => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld();
    seedTemplate(world);
  });
  afterEach(() => world.stop());
  const kv = (): string[] =>
    (stateOf(world).cloudflare.accounts[0]?.kv ?? []).map(({ title }) => title).toSorted();
  const allReady = async (...objects: [kind: string, name: string][]): Promise<void> => {
    for (const [kind, name] of objects)
      expect(conditionOf(await world.get(kind, name), "Ready"), name).toMatchObject({ status: "True" });
  };

  it("a Worker that leaves the Project goes where nothing is lost, and stays in production with a tombstone", async () => {
    await world.apply(
      shopProject(cloudflare({ workers: [worker("api"), worker("jobs")] })),
      shopEnvironment("dev"),
      shopEnvironment("production"),
    );
    await world.settle();
    expect([...scriptsOf(world).keys()].toSorted()).toEqual([
      "shop-api-dev",
      "shop-api-production",
      "shop-jobs-dev",
      "shop-jobs-production",
    ]);
    await world.apply(shopProject(cloudflare({})));
    await world.pass(20 * MINUTE);
    expect([...scriptsOf(world).keys()].toSorted()).toEqual([
      "shop-api-dev",
      "shop-api-production",
      "shop-jobs-production",
    ]);
    await allReady(["Project", "shop"], ["Environment", "shop-dev"], ["Environment", "shop-production"]);
    expect(JSON.stringify(await world.list("ConfigMap"))).toContain("shop-jobs-production");
  });

  it("a KV namespace that leaves the Project stays, because it may hold data, and is taken back when it returns", async () => {
    await world.apply(shopProject(cloudflare({ kv: [{ name: "cache" }] })), shopEnvironment("dev"));
    await world.settle();
    const ids = JSON.stringify(stateOf(world).cloudflare.accounts[0]?.kv);
    await world.apply(shopProject(cloudflare({})));
    await world.pass(20 * MINUTE);
    expect(kv()).toEqual(["shop-cache-dev"]);
    await allReady(["Environment", "shop-dev"]);
    await world.apply(shopProject(cloudflare({ kv: [{ name: "cache" }] })));
    await world.pass(20 * MINUTE);
    await allReady(["Environment", "shop-dev"]);
    expect(JSON.stringify(stateOf(world).cloudflare.accounts[0]?.kv)).toBe(ids);
  });

  it("Cloudflare and Neon leave the Project: Workers of dev go, data stay, GitHub loses nothing but the secret", async () => {
    await world.apply(shopProject(), shopEnvironment("dev"), shopEnvironment("production"));
    await world.settle();
    const since = world.mark();
    const code = { cloudflare: undefined, secrets: undefined };
    await world.apply(
      shopProject({ neon: undefined, cloudflare: undefined }),
      shopEnvironment("dev", code),
      shopEnvironment("production", code),
    );
    await world.pass(20 * MINUTE);
    expect([...scriptsOf(world).keys()]).toEqual(["shop-api-production"]);
    expect([...neonBranchesOf(world).keys()].toSorted()).toEqual(["dev", "main"]);
    await allReady(["Project", "shop"], ["Environment", "shop-dev"], ["Environment", "shop-production"]);
    const atGitHub = world.changes(since).filter(({ provider }) => provider === "github");
    expect(atGitHub.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual([
      "DELETE /repos/acme/shop/environments/dev/secrets/DATABASE_URL",
      "DELETE /repos/acme/shop/environments/production/secrets/DATABASE_URL",
    ]);
  });

  it("a repository renamed in the spec is renamed, and its environments go on deploying from it", async () => {
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    const idOf = (name: string) =>
      stateOf(world).github.repositories.find((one) => one["name"] === name)?.["id"];
    const id = idOf("shop");
    const github = { ...(shopProject().spec?.["github"] as object), repository: "store" };
    await world.apply(shopProject({ github }));
    await world.pass(20 * MINUTE);
    await allReady(["Project", "shop"], ["Environment", "shop-dev"]);
    expect(idOf("store")).toBe(id);
    expect(idOf("shop")).toBeUndefined();
    const sha = world.sandbox.github.commit({
      owner: "acme",
      name: "store",
      branch: "dev",
      files: { "README.md": "renamed\n" },
    });
    await world.pass(20 * MINUTE);
    expect((await world.get("Environment", "shop-dev"))["status"]).toMatchObject({ revision: sha });
  });

  it("an environment that is suspended is left alone, and corrected when it goes on", async () => {
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    await world.apply(shopEnvironment("dev", { suspend: true }));
    await world.pass(MINUTE);
    const other = outsider(world);
    const path = "/repos/acme/shop/environments/dev/variables/STAGE";
    await other.github("PATCH", path, { value: "changed" });
    const since = world.mark();
    await world.pass(60 * MINUTE);
    expect(world.changes(since)).toEqual([]);
    expect(await other.github("GET", path)).toMatchObject({ value: "changed" });
    await world.apply(shopEnvironment("dev", { suspend: false }));
    await world.pass(15 * MINUTE);
    expect(await other.github("GET", path)).toMatchObject({ value: "dev" });
  });
});
