import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seedTemplate, settledShop, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import { neonProjectOf, outsider, scriptOf, scriptsOf, stateOf } from "./outsider.ts";
import type { Fields, Outsider } from "./outsider.ts";

const MINUTE = 60_000;
const NEXT_RESYNC = 18 * MINUTE;

const code = (text: string): string =>
  `export default { fetch() { return new Response(${JSON.stringify(text)}); } };\n`;

describe("what is deployed", () => {
  let world: World;
  let other: Outsider;
  beforeEach(async () => {
    world = await createWorld();
    seedTemplate(world);
    other = outsider(world);
  });
  afterEach(() => world.stop());

  const commit = (branch: string, files: Record<string, string>, name = "shop"): string =>
    world.sandbox.github.commit({ owner: "acme", name, branch, files });
  const revisionOf = async (name: string): Promise<unknown> =>
    statusOf(await world.get("Environment", name))["revision"];
  const readyOf = async (kind: string, name: string) => conditionOf(await world.get(kind, name), "Ready");
  const headOf = async (branch: string): Promise<string> =>
    (await other.github<{ object: { sha: string } }>("GET", `/repos/acme/shop/git/ref/heads/${branch}`))
      .object.sha;
  const bindingsOf = (script: string): Record<string, Fields> =>
    Object.fromEntries(
      scriptOf(world, script).bindings.map((binding) => [String(binding["name"]), binding] as const),
    );

  it("is the branch's newest commit, at the next resync after it was pushed", async () => {
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    const first = await headOf("dev");
    expect(await revisionOf("shop-dev")).toBe(first);
    // The branch did not exist: it was cut from the default branch.
    expect(first).toBe(await headOf("main"));
    const { etag, versions } = scriptOf(world, "shop-api-dev");
    const sha = commit("dev", { "dist/worker/index.js": code("two") });
    expect(await revisionOf("shop-dev")).toBe(first);
    await world.pass(NEXT_RESYNC);
    expect(await revisionOf("shop-dev")).toBe(sha);
    expect(scriptOf(world, "shop-api-dev")["etag"]).not.toBe(etag);
    expect(scriptOf(world, "shop-api-dev").versions).toHaveLength(versions.length + 1);
    expect(bindingsOf("shop-api-dev")["COMMIT_SHA"]?.["text"]).toBe(sha);
    expect(await readyOf("Environment", "shop-dev")).toMatchObject({ status: "True" });
  });

  it("is deployed once when everything begins at once, although seeding moves the default branch", async () => {
    world.sandbox.github.setDelays({ refMs: 0, objectsMs: 0, settingsMs: 0 });
    await settledShop(world);
    for (const name of ["dev", "staging", "production"])
      expect(scriptOf(world, `shop-api-${name}`).versions, name).toHaveLength(1);
    expect(bindingsOf("shop-api-production")["COMMIT_SHA"]?.["text"]).toBe(await headOf("main"));
  });

  it("is waited for, and not missed, while the Environment that makes a preview's branch has not made it yet", async () => {
    await world.apply(shopProject(), shopEnvironment("staging"));
    await world.settle();
    const { faults } = world.sandbox.context;
    faults.add({
      provider: "github",
      method: "POST",
      path: "/git/refs",
      status: 500,
      body: "down",
      times: 0,
    });
    await world.apply(shopEnvironment("dev"), shopPreview());
    await world.pass(MINUTE);
    const preview = await world.get("Preview", "shop-pr-1");
    expect(conditionOf(preview, "GitHubSynced")).toMatchObject({
      status: "False",
      reason: "DependencyNotReady",
      message: expect.stringContaining("waits for the git branch dev of Environment shop-dev"),
    });
    expect(conditionOf(preview, "Stalled")).toBeUndefined();
    faults.clear();
    await world.settle();
    expect(await readyOf("Preview", "shop-pr-1")).toMatchObject({ status: "True" });
  });

  it("is told as deployed only once it is: status keeps the old revision while Cloudflare refuses the new one", async () => {
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    const first = await revisionOf("shop-dev");
    const { faults } = world.sandbox.context;
    faults.add({
      provider: "cloudflare",
      method: "PUT",
      path: "/workers/scripts/shop-api-dev",
      status: 500,
      body: "down",
      times: 0,
    });
    const sha = commit("dev", { "dist/worker/index.js": code("two") });
    await world.pass(NEXT_RESYNC);
    expect(await readyOf("Environment", "shop-dev")).toMatchObject({ status: "False" });
    expect(await revisionOf("shop-dev")).toBe(first);
    faults.clear();
    await world.pass(NEXT_RESYNC);
    expect(await revisionOf("shop-dev")).toBe(sha);
    expect(await readyOf("Environment", "shop-dev")).toMatchObject({ status: "True" });
  });

  it("is the commit that deploy.revision names, whatever the branch does", async () => {
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    const pinned = await headOf("dev");
    await world.apply(shopEnvironment("staging", { deploy: { revision: pinned } }));
    await world.settle();
    commit("main", { "dist/worker/index.js": code("two") });
    commit("staging", { "dist/worker/index.js": code("three") });
    await world.pass(NEXT_RESYNC);
    expect(await revisionOf("shop-staging")).toBe(pinned);
    expect(bindingsOf("shop-api-staging")["COMMIT_SHA"]?.["text"]).toBe(pinned);
    const newest = await headOf("main");
    await world.apply(shopEnvironment("staging", { deploy: { revision: newest } }));
    await world.settle();
    expect(await revisionOf("shop-staging")).toBe(newest);
  });

  it("is a bundle again when another path is given, and each environment has its own branch's", async () => {
    await world.apply(shopProject(), shopEnvironment("dev"), shopEnvironment("production"));
    await world.settle();
    const before = scriptOf(world, "shop-api-production")["etag"];
    commit("dev", {
      "build/main.js": code("built elsewhere"),
      "build/wrangler.json": JSON.stringify({ main: "main.js", compatibility_date: "2026-02-01" }),
    });
    commit("main", {
      "build/main.js": code("built elsewhere, for production"),
      "build/wrangler.json": JSON.stringify({ main: "main.js", compatibility_date: "2026-02-02" }),
    });
    const workers = [{ name: "api", code: { path: "build" } }];
    await world.apply(shopProject({ cloudflare: { connectionRef: { name: "cloudflare" }, workers } }));
    await world.pass(NEXT_RESYNC);
    expect(scriptOf(world, "shop-api-dev")["mainModule"]).toBe("main.js");
    expect(scriptOf(world, "shop-api-dev")["compatibilityDate"]).toBe("2026-02-01");
    expect(scriptOf(world, "shop-api-production")["compatibilityDate"]).toBe("2026-02-02");
    expect(scriptOf(world, "shop-api-production")["etag"]).not.toBe(before);
  });

  it("binds Workers to their environment's own KV, R2 and Workers, and to what the Project shares", async () => {
    await world.apply(
      shopProject({
        cloudflare: {
          connectionRef: { name: "cloudflare" },
          workers: [
            { name: "api", code: { path: "dist/worker" } },
            { name: "jobs", code: { path: "dist/worker" } },
          ],
          kv: [{ name: "cache" }, { name: "flags", scope: "Project" }],
          r2: [{ name: "files" }],
        },
      }),
      ...(["dev", "staging"] as const).map((short) =>
        shopEnvironment(short, {
          cloudflare: {
            workers: [
              {
                name: "api",
                bindings: [
                  { name: "CACHE", kv: "cache" },
                  { name: "FLAGS", kv: "flags" },
                  { name: "FILES", r2: "files" },
                  { name: "JOBS", worker: "jobs" },
                ],
              },
            ],
          },
        }),
      ),
    );
    await world.settle();
    const account = stateOf(world).cloudflare.accounts[0];
    const kv = new Map((account?.kv ?? []).map(({ id, title }) => [title, id] as const));
    expect([...kv.keys()].toSorted()).toEqual(["shop-cache-dev", "shop-cache-staging", "shop-flags"]);
    expect((account?.r2 ?? []).map(({ name }) => name).toSorted()).toEqual([
      "shop-files-dev",
      "shop-files-staging",
    ]);
    for (const short of ["dev", "staging"]) {
      expect(bindingsOf(`shop-api-${short}`)).toMatchObject({
        CACHE: { type: "kv_namespace", namespace_id: kv.get(`shop-cache-${short}`) },
        FLAGS: { type: "kv_namespace", namespace_id: kv.get("shop-flags") },
        FILES: { type: "r2_bucket", bucket_name: `shop-files-${short}` },
        JOBS: { type: "service", service: `shop-jobs-${short}` },
      });
    }
  });

  it("answers under the routes, domains and crons of its environment, and under workers.dev unless told not to", async () => {
    const worker = {
      name: "api",
      workersDev: false,
      routes: [{ pattern: "dev.acme.example/api/*", zone: "acme.example" }],
      domains: [{ hostname: "dev-app.acme.example", zone: "acme.example" }],
      crons: ["*/5 * * * *", "0 3 * * *"],
    };
    await world.apply(
      shopProject(),
      shopEnvironment("dev", { cloudflare: { workers: [worker] } }),
      shopEnvironment("staging"),
    );
    await world.settle();
    expect(await other.cloudflare("GET", "/workers/scripts/shop-api-dev/subdomain")).toMatchObject({
      enabled: false,
    });
    expect(await other.cloudflare("GET", "/workers/scripts/shop-api-staging/subdomain")).toMatchObject({
      enabled: true,
    });
    expect(await other.zone<{ pattern: string; script: string }[]>("GET", "/workers/routes")).toMatchObject([
      { pattern: "dev.acme.example/api/*", script: "shop-api-dev" },
    ]);
    expect(await other.cloudflare<Fields[]>("GET", "/workers/domains")).toMatchObject([
      { hostname: "dev-app.acme.example", service: "shop-api-dev" },
    ]);
    expect(scriptOf(world, "shop-api-dev")["schedules"]).toEqual(["*/5 * * * *", "0 3 * * *"]);
    const { url, urls } = statusOf(await world.get("Environment", "shop-dev"));
    expect(url).toBe("https://dev-app.acme.example");
    expect(urls).toEqual(["https://dev-app.acme.example"]);
    await world.apply(shopEnvironment("dev", { cloudflare: { workers: [{ ...worker, workersDev: true }] } }));
    await world.settle();
    expect(await other.cloudflare("GET", "/workers/scripts/shop-api-dev/subdomain")).toMatchObject({
      enabled: true,
    });
    expect(statusOf(await world.get("Environment", "shop-dev"))["urls"]).toHaveLength(2);
  });

  it("keeps bindings that others put on the Worker, unless bindingsPolicy is Exclusive", async () => {
    const exclusive = {
      bindingsPolicy: "Exclusive",
      workers: [{ name: "api", vars: [{ name: "A", value: "1" }] }],
    };
    await world.apply(
      shopProject(),
      shopEnvironment("dev"),
      shopEnvironment("staging", { cloudflare: exclusive }),
    );
    await world.settle();
    for (const name of ["shop-api-dev", "shop-api-staging"]) {
      await other.cloudflare("PUT", `/workers/scripts/${name}/secrets`, {
        name: "THEIRS",
        type: "secret_text",
        text: "kept",
      });
    }
    commit("dev", { "dist/worker/index.js": code("two") });
    commit("staging", { "dist/worker/index.js": code("two") });
    await world.pass(NEXT_RESYNC);
    expect(scriptOf(world, "shop-api-dev").secrets["THEIRS"]).toBe("kept");
    expect(Object.keys(scriptOf(world, "shop-api-staging").secrets)).toEqual(["DATABASE_URL"]);
    for (const name of ["shop-dev", "shop-staging"])
      expect(await readyOf("Environment", name)).toMatchObject({ status: "True" });
  });

  it("is what exists under another name, once it is adopted", async () => {
    await other.cloudflare("POST", "/storage/kv/namespaces", { title: "legacy-cache" });
    const form = new FormData();
    form.set(
      "metadata",
      new Blob([JSON.stringify({ main_module: "index.js", compatibility_date: "2026-01-01" })], {
        type: "application/json",
      }),
    );
    form.set("index.js", new Blob([code("legacy")], { type: "application/javascript+module" }), "index.js");
    await other.cloudflare("PUT", "/workers/scripts/legacy-api", form);
    const legacy = scriptOf(world, "legacy-api")["etag"];
    const environment = shopEnvironment("dev", {
      cloudflare: {
        names: { api: "legacy-api", cache: "legacy-cache" },
        workers: [{ name: "api", bindings: [{ name: "CACHE", kv: "cache" }] }],
      },
    });
    await world.apply(
      shopProject({
        cloudflare: {
          connectionRef: { name: "cloudflare" },
          workers: [{ name: "api", code: { path: "dist/worker" } }],
          kv: [{ name: "cache" }],
        },
      }),
      environment,
    );
    await world.pass(5 * MINUTE);
    const ready = await readyOf("Environment", "shop-dev");
    expect(ready).toMatchObject({ status: "False", reason: "Conflict" });
    expect(ready?.message).toContain("flaresmith.dev/adopt: cloudflareKv/cache");
    expect(scriptOf(world, "legacy-api")["etag"]).toBe(legacy);
    await world.annotate("Environment", "shop-dev", {
      "flaresmith.dev/adopt": "cloudflareKv/cache, cloudflareWorker/api",
    });
    await world.settle();
    expect(await readyOf("Environment", "shop-dev")).toMatchObject({ status: "True" });
    expect([...scriptsOf(world).keys()]).toEqual(["legacy-api"]);
    expect(scriptOf(world, "legacy-api")["etag"]).not.toBe(legacy);
    const kv = stateOf(world).cloudflare.accounts[0]?.kv ?? [];
    expect(kv.map(({ title }) => title)).toEqual(["legacy-cache"]);
    expect(bindingsOf("legacy-api")["CACHE"]).toMatchObject({ namespace_id: kv[0]?.id });
  });
});

describe("two Projects in one repository", () => {
  let world: World | undefined;
  afterEach(async () => {
    await world?.stop();
  });

  const admin: Manifest = {
    kind: "Project",
    metadata: { name: "admin" },
    spec: {
      github: { connectionRef: { name: "github" }, mode: "Reference", repository: "shop" },
      neon: { connectionRef: { name: "neon" }, region: "aws-eu-central-1" },
      cloudflare: {
        connectionRef: { name: "cloudflare" },
        workers: [{ name: "web", code: { path: "dist/worker" } }],
      },
    },
  };
  const adminDev: Manifest = {
    kind: "Environment",
    metadata: { name: "admin-dev" },
    spec: { projectRef: { name: "admin" }, stage: "Dev", deploy: { branch: "main" } },
  };

  it("deploy from it side by side, and the one with mode: Reference never writes its settings", async () => {
    world = await createWorld();
    seedTemplate(world);
    await world.apply(
      shopProject({ neon: undefined }),
      shopEnvironment("production", { secrets: undefined }),
    );
    await world.settle();
    const since = world.mark();
    await world.apply(admin, adminDev);
    await world.settle();
    await world.pass(15 * MINUTE);
    expect([...scriptsOf(world).keys()].toSorted()).toEqual(["admin-web-dev", "shop-api-production"]);
    expect(neonProjectOf(world).name).toBe("admin");
    expect(world.changes(since).filter(({ provider }) => provider === "github")).toEqual([]);
    const [first, second] = await Promise.all(
      ["shop-production", "admin-dev"].map(
        async (name) => statusOf(await (world as World).get("Environment", name))["revision"],
      ),
    );
    expect(second).toBe(first);
    await world.delete("Project", "admin");
    await world.until(async () => (await world?.find("Project", "admin")) === undefined);
    expect(world.changes(since).filter(({ provider }) => provider === "github")).toEqual([]);
    expect(conditionOf(await world.get("Project", "shop"), "Ready")).toMatchObject({ status: "True" });
    expect(scriptsOf(world).has("admin-web-dev")).toBe(false);
    expect(scriptsOf(world).has("shop-api-production")).toBe(true);
  });
});
