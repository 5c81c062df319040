import { afterEach, describe, expect, it } from "vitest";
import { neonPlans } from "../../sandbox/neon/limits.ts";
import { seedTemplate, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld, typeOf } from "../support/world.ts";
import type { Manifest, World, WorldOptions } from "../support/world.ts";
import { neonProjectOf, outsider, scriptsOf, stateOf } from "./outsider.ts";

const MINUTE = 60_000;

/** Another team's project in the same cluster: whatever is wrong with the shop, this one converges. */
const bystander: Manifest = {
  kind: "Project",
  metadata: { name: "bystander" },
  spec: { github: { connectionRef: { name: "github" }, repository: "bystander" } },
};

const secret = (name: string, stringData: Record<string, string>): Manifest => ({
  kind: "Secret",
  metadata: { name },
  stringData,
});

const github = (extra: Record<string, unknown> = {}): Record<string, unknown> => ({
  connectionRef: { name: "github" },
  repository: "shop",
  template: { owner: "acme", repository: "worker-template" },
  ...extra,
});

describe("wrong input is told with its place and remedy, harms nothing else, and heals once it is right", () => {
  let world: World;
  let running: World | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });
  const start = async (options: WorldOptions = {}): Promise<void> => {
    world = await createWorld(options);
    running = world;
    seedTemplate(world);
    await world.apply(bystander);
  };
  /** Lets the controller try, and expects what the object then says: every pattern in the message of Ready. */
  const says = async (kind: string, name: string, reason: string, ...patterns: RegExp[]): Promise<void> => {
    await world.pass(2 * MINUTE);
    const ready = conditionOf(await world.get(kind, name), "Ready");
    expect(ready).toMatchObject({ status: "False", reason });
    for (const pattern of patterns) expect(ready?.message).toMatch(pattern);
  };
  /** Secrets are not watched; a missing one is looked for so often that nobody has to ask for it. */
  const healsSoon = async (kind: string, name: string): Promise<void> => {
    await world.pass(MINUTE);
    expect(conditionOf(await world.get(kind, name), "Ready")).toMatchObject({ status: "True" });
  };
  const heals = async (...objects: [kind: string, name: string][]): Promise<void> => {
    await world.pass(30 * MINUTE);
    for (const [kind, name] of objects)
      expect(conditionOf(await world.get(kind, name), "Ready"), `${kind} ${name}`).toMatchObject({
        status: "True",
      });
  };
  const bystanderConverged = async (): Promise<void> => {
    expect(conditionOf(await world.get("Project", "bystander"), "Ready")).toMatchObject({ status: "True" });
  };
  const repositories = (): string[] =>
    stateOf(world)
      .github.repositories.map((repository) => String(repository["name"]))
      .toSorted();

  it("a Connection that does not exist", async () => {
    await start();
    await world.apply(shopProject({ github: github({ connectionRef: { name: "nowhere" } }) }));
    await says("Project", "shop", "ReferenceNotFound", /Connection nowhere/, /spec\.github\.connectionRef/);
    await bystanderConverged();
    // What does not need it is made nevertheless (law 7).
    expect(neonProjectOf(world).name).toBe("shop");
    const existing = await world.get("Connection", "github");
    await world.apply({
      kind: "Connection",
      metadata: { name: "nowhere" },
      spec: existing["spec"] as Record<string, unknown>,
    });
    await heals(["Project", "shop"]);
    expect(repositories()).toContain("shop");
  });

  it("a Connection to another provider", async () => {
    await start();
    await world.apply(shopProject({ github: github({ connectionRef: { name: "neon" } }) }));
    await says("Project", "shop", "InvalidSpec", /Connection neon/, /GitHub/, /spec\.github\.connectionRef/);
    await bystanderConverged();
    await world.apply(shopProject({ github: github() }));
    await heals(["Project", "shop"]);
  });

  it("credentials whose Secret does not exist, and then lacks the key", async () => {
    await start();
    const { spec } = (await world.get("Connection", "neon")) as unknown as { spec: Record<string, unknown> };
    await world.apply(
      {
        kind: "Connection",
        metadata: { name: "neon" },
        spec: { ...spec, credentials: { secretRef: { name: "forgotten" } } },
      },
      shopProject(),
    );
    await says("Connection", "neon", "SecretNotFound", /Secret forgotten/);
    await says("Project", "shop", "SecretNotFound", /Secret forgotten/);
    await world.apply(secret("forgotten", { token: "wrong key" }));
    await world.pass(12 * MINUTE);
    await says("Connection", "neon", "SecretKeyNotFound", /Secret forgotten has no key apiKey/);
    await says(
      "Project",
      "shop",
      "SecretKeyNotFound",
      /Connection default\/neon: Secret forgotten has no key apiKey/,
    );
    await bystanderConverged();
    expect(repositories()).toContain("shop");
    await world.apply(secret("forgotten", { apiKey: world.sandbox.seed.neon.token }));
    await healsSoon("Connection", "neon");
    await healsSoon("Project", "shop");
  });

  it.each([
    ["github", "token", "GitHubSynced"],
    ["neon", "apiKey", "NeonSynced"],
    ["cloudflare", "apiToken", "CloudflareSynced"],
  ] as const)("credentials that %s refuses (401)", async (provider, key, condition) => {
    await start();
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    await world.apply(
      secret(`${provider}-credentials`, { [key]: "revoked-0123456789abcdefghijklmnopqrstuvwxyz" }),
    );
    const since = world.mark();
    await world.pass(12 * MINUTE);
    await says("Connection", provider, "CredentialsInvalid", /Secret|credentials/i);
    await says(
      "Environment",
      "shop-dev",
      "CredentialsInvalid",
      new RegExp(`Connection.*${provider}|${provider}.*Connection`, "is"),
    );
    const environment = await world.get("Environment", "shop-dev");
    expect(conditionOf(environment, condition)).toMatchObject({ status: "False" });
    expect(world.changes(since)).toEqual([]);
    await world.apply(secret(`${provider}-credentials`, { [key]: world.sandbox.seed[provider].token }));
    await heals(["Connection", provider], ["Project", "shop"], ["Environment", "shop-dev"]);
    expect(neonProjectOf(world).name).toBe("shop");
  });

  it("a revision that the repository does not have", async () => {
    await start();
    const revision = "0123456789abcdef0123456789abcdef01234567";
    await world.apply(shopProject(), shopEnvironment("dev", { deploy: { revision } }));
    await world.pass(2 * MINUTE);
    const ready = conditionOf(await world.get("Environment", "shop-dev"), "Ready");
    expect(ready).toMatchObject({ status: "False" });
    expect(ready?.message).toContain(revision);
    expect(ready?.message).toContain("acme/shop");
    await bystanderConverged();
    await world.apply(shopEnvironment("dev"));
    await heals(["Environment", "shop-dev"]);
  });

  it("a Preview of a git branch that does not exist, until somebody pushes it", async () => {
    await start();
    await world.apply(shopProject(), shopEnvironment("staging"), shopPreview({ branch: "feature" }));
    await world.pass(2 * MINUTE);
    const ready = conditionOf(await world.get("Preview", "shop-pr-1"), "Ready");
    expect(ready).toMatchObject({ status: "False" });
    expect(ready?.message).toMatch(/branch feature/);
    expect(ready?.message).toMatch(/acme\/shop/);
    world.sandbox.github.commit({
      owner: "acme",
      name: "shop",
      branch: "feature",
      files: { "README.md": "new\n" },
    });
    await heals(["Preview", "shop-pr-1"]);
  });

  it("a Neon branch whose parent does not exist", async () => {
    await start();
    await world.apply(shopProject(), shopEnvironment("dev", { neon: { parent: "stagin" } }));
    await says("Environment", "shop-dev", "ReferenceNotFound", /no branch stagin/, /spec\.neon\.parent/);
    await bystanderConverged();
    await world.apply(shopEnvironment("dev"));
    await heals(["Environment", "shop-dev"]);
  });

  it("a route in a zone that the account does not have", async () => {
    await start();
    const routes = [{ pattern: "shop.elsewhere.example/*", zone: "elsewhere.example" }];
    await world.apply(
      shopProject(),
      shopEnvironment("dev", { cloudflare: { workers: [{ name: "api", routes }] } }),
    );
    await world.pass(2 * MINUTE);
    const ready = conditionOf(await world.get("Environment", "shop-dev"), "Ready");
    expect(ready).toMatchObject({ status: "False" });
    expect(ready?.message).toMatch(/elsewhere\.example/);
    expect(ready?.message).toMatch(/zone/);
    // The Worker itself is deployed (law 7).
    expect(scriptsOf(world).has("shop-api-dev")).toBe(true);
    await world.apply(shopEnvironment("dev"));
    await heals(["Environment", "shop-dev"]);
  });

  it("a reviewer that GitHub does not know", async () => {
    await start();
    await world.apply(shopProject(), shopEnvironment("dev", { github: { reviewers: [{ team: "nobody" }] } }));
    await world.pass(2 * MINUTE);
    const ready = conditionOf(await world.get("Environment", "shop-dev"), "Ready");
    expect(ready).toMatchObject({ status: "False" });
    expect(ready?.message).toMatch(/nobody/);
    expect(ready?.message).toMatch(/reviewers/);
    world.sandbox.github.addTeam({ organization: "acme", slug: "nobody" });
    await heals(["Environment", "shop-dev"]);
  });

  it("credentials without a permission (403) are told which one", async () => {
    await start();
    const { token } = world.sandbox.seed.github;
    world.sandbox.github.changeToken(token, {
      permissions: {
        metadata: "read",
        contents: "write",
        administration: "write",
        actions: "read",
        environments: "write",
        secrets: "write",
        actions_variables: "read",
      },
    });
    await world.apply(shopProject());
    await says("Project", "shop", "PermissionMissing", /acme\/shop/, /actions_variables: write/);
    await bystanderConverged();
    expect(neonProjectOf(world).name).toBe("shop");
    world.sandbox.github.changeToken(token, { permissions: "all" });
    await heals(["Project", "shop"]);
  });

  it("an API token of Cloudflare without a permission (403) is told which one", async () => {
    await start();
    const { faults } = world.sandbox.context;
    const body = {
      success: false,
      errors: [{ code: 10000, message: "Authentication error" }],
      messages: [],
      result: null,
    };
    faults.add({
      provider: "cloudflare",
      method: "PUT",
      path: "/workers/scripts/",
      status: 403,
      body,
      times: 0,
    });
    await world.apply(shopProject(), shopEnvironment("dev"));
    await says("Environment", "shop-dev", "PermissionMissing", /shop-api-dev/, /Workers Scripts/);
    const dev = await world.get("Environment", "shop-dev");
    for (const type of ["GitHubSynced", "NeonSynced"])
      expect(conditionOf(dev, type)).toMatchObject({ status: "True" });
    await bystanderConverged();
    faults.clear();
    await heals(["Project", "shop"], ["Environment", "shop-dev"]);
  });

  it("a repository that the token no longer sees is neither made again nor forgotten", async () => {
    await start();
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    const { token } = world.sandbox.seed.github;
    const before = repositories();
    world.sandbox.github.changeToken(token, { repositories: ["acme/bystander"] });
    const since = world.mark();
    await world.pass(15 * MINUTE);
    await says(
      "Project",
      "shop",
      "RepositoryNotVisible",
      /acme\/shop/,
      /Give the credentials of the Connection access/,
    );
    await says("Environment", "shop-dev", "RepositoryNotVisible", /acme\/shop/);
    await bystanderConverged();
    expect(world.changes(since)).toEqual([]);
    expect(scriptsOf(world).has("shop-api-dev")).toBe(true);
    world.sandbox.github.changeToken(token, { repositories: "all" });
    await heals(["Project", "shop"], ["Environment", "shop-dev"]);
    expect(repositories()).toEqual(before);
  });

  it("a name that a foreign repository has, until it is adopted", async () => {
    await start();
    world.sandbox.github.seedRepository({
      owner: "acme",
      name: "shop",
      description: "Somebody's",
      files: { "README.md": "theirs\n" },
    });
    const since = world.mark();
    await world.apply(shopProject());
    await says(
      "Project",
      "shop",
      "Conflict",
      /repository shop in acme exists/,
      /flaresmith\.dev\/adopt: githubRepo/,
    );
    await bystanderConverged();
    expect(world.changes(since).filter(({ path }) => path.startsWith("/repos/acme/shop"))).toEqual([]);
    expect(neonProjectOf(world).name).toBe("shop");
    await world.annotate("Project", "shop", { "flaresmith.dev/adopt": "githubRepo" });
    await heals(["Project", "shop"]);
    const [shop] = stateOf(world).github.repositories.filter((one) => one["name"] === "shop");
    expect(shop?.["description"]).toBe("The shop");
    expect(shop?.["files"]).toMatchObject({ "README.md": "theirs\n" });
  });

  it("the limit of the Neon plan", async () => {
    await start({ providers: { neon: { plan: { ...neonPlans.launch, projects: 1 } } } });
    const other = outsider(world);
    const theirs = await other.neon<{ project: { id: string } }>("POST", "/projects", {
      project: { name: "theirs", org_id: world.sandbox.seed.neon.orgId },
    });
    await world.apply(shopProject(), shopEnvironment("dev"));
    await says("Project", "shop", "PlanLimitReached", /limit/i, /project/);
    expect(conditionOf(await world.get("Project", "shop"), "GitHubSynced")).toMatchObject({ status: "True" });
    await bystanderConverged();
    await other.neon("DELETE", `/projects/${theirs.project.id}`);
    await heals(["Project", "shop"], ["Environment", "shop-dev"]);
  });

  it("a bundle with content that is not supported, while the Worker before it serves on", async () => {
    await start();
    await world.apply(shopProject(), shopEnvironment("dev"));
    await world.settle();
    const [serving] = [scriptsOf(world).get("shop-api-dev")];
    const place = { owner: "acme", name: "shop", branch: "dev" };
    const config = { main: "index.js", compatibility_date: "2026-01-01" };
    world.sandbox.github.commit({
      ...place,
      files: { "dist/worker/wrangler.json": JSON.stringify({ ...config, vars: { A: "1" } }) },
    });
    await world.pass(15 * MINUTE);
    await says(
      "Environment",
      "shop-dev",
      "BundleUnsupported",
      /dist\/worker\/wrangler\.json/,
      /vars/,
      /spec\.cloudflare\.workers\[\] of the Environment/,
    );
    expect(scriptsOf(world).get("shop-api-dev")?.versions).toEqual(serving?.versions);
    await bystanderConverged();
    world.sandbox.github.commit({ ...place, files: { "dist/worker/wrangler.json": JSON.stringify(config) } });
    await heals(["Environment", "shop-dev"]);
    expect(scriptsOf(world).get("shop-api-dev")?.versions).not.toEqual(serving?.versions);
  });

  it("a bundle whose path is not in the commit", async () => {
    await start();
    const cloudflare = {
      connectionRef: { name: "cloudflare" },
      workers: [{ name: "api", code: { path: "dist/elsewhere" } }],
    };
    await world.apply(shopProject({ cloudflare }), shopEnvironment("dev"));
    await says("Environment", "shop-dev", "BundleNotFound", /dist\/elsewhere/, /acme\/shop/);
    await bystanderConverged();
    expect(conditionOf(await world.get("Environment", "shop-dev"), "NeonSynced")).toMatchObject({
      status: "True",
    });
    await world.apply(shopProject());
    await heals(["Environment", "shop-dev"]);
  });

  it("a binding to something that the Project does not declare", async () => {
    await start();
    const cloudflare = { workers: [{ name: "api", bindings: [{ name: "CACHE", kv: "cache" }] }] };
    await world.apply(shopProject(), shopEnvironment("dev", { cloudflare }));
    await says(
      "Environment",
      "shop-dev",
      "ReferenceNotFound",
      /binding CACHE names the KV namespace cache/,
      /spec\.cloudflare\.workers\[api\]\.bindings\[CACHE\]/,
    );
    await bystanderConverged();
    await world.apply(
      shopProject({
        cloudflare: {
          connectionRef: { name: "cloudflare" },
          workers: [{ name: "api", code: { path: "dist/worker" } }],
          kv: [{ name: "cache" }],
        },
      }),
    );
    await heals(["Environment", "shop-dev"]);
  });

  it("a secret value whose Secret does not exist, and then lacks the key", async () => {
    await start();
    const from = { secretRef: { name: "stripe", key: "live" } };
    await world.apply(
      shopProject(),
      shopEnvironment("dev", { secrets: [{ name: "STRIPE_KEY", from, to: ["Worker", "GitHub"] }] }),
    );
    await says("Environment", "shop-dev", "SecretNotFound", /Secret stripe/, /secrets\[STRIPE_KEY\]/);
    expect(conditionOf(await world.get("Environment", "shop-dev"), "NeonSynced")).toMatchObject({
      status: "True",
    });
    await world.apply(secret("stripe", { test: "sk-test" }));
    await world.pass(12 * MINUTE);
    await says("Environment", "shop-dev", "SecretKeyNotFound", /Secret stripe/, /live/);
    await bystanderConverged();
    await world.apply(secret("stripe", { live: "sk-live" }));
    await healsSoon("Environment", "shop-dev");
    expect(scriptsOf(world).get("shop-api-dev")?.secrets).toEqual({ STRIPE_KEY: "sk-live" });
  });

  it("settings for a Worker that the Project does not declare", async () => {
    await start();
    const workers = [{ name: "apo", vars: [{ name: "STAGE", value: "dev" }] }];
    await world.apply(shopProject(), shopEnvironment("dev", { cloudflare: { workers } }));
    await says(
      "Environment",
      "shop-dev",
      "ReferenceNotFound",
      /Project shop declares no Worker apo/,
      /spec\.cloudflare\.workers\[apo\]/,
    );
    await bystanderConverged();
    await world.apply(shopEnvironment("dev", { cloudflare: { workers: [{ name: "api" }] } }));
    await heals(["Environment", "shop-dev"]);
  });

  it("an Environment and a Preview whose Project does not exist", async () => {
    await start();
    await world.apply(shopEnvironment("dev"), shopPreview({ environmentRef: { name: "shop-dev" } }));
    await says(
      "Environment",
      "shop-dev",
      "ReferenceNotFound",
      /Project shop does not exist in namespace default/,
      /spec\.projectRef\.name/,
    );
    await says("Preview", "shop-pr-1", "ReferenceNotFound", /Project shop/);
    await bystanderConverged();
    await world.apply(shopProject());
    await heals(["Project", "shop"], ["Environment", "shop-dev"], ["Preview", "shop-pr-1"]);
  });

  it("a Preview whose base does not exist", async () => {
    await start();
    await world.apply(shopProject(), shopEnvironment("dev"), shopPreview());
    await says(
      "Preview",
      "shop-pr-1",
      "ReferenceNotFound",
      /Environment shop-staging does not exist/,
      /spec\.environmentRef\.name/,
    );
    expect(conditionOf(await world.get("Environment", "shop-dev"), "Ready")).toMatchObject({
      status: "True",
    });
    await world.apply(shopEnvironment("staging"));
    await heals(["Preview", "shop-pr-1"]);
  });

  it("a Preview of production that does not say what data it may see", async () => {
    await start();
    await world.apply(
      shopProject({ previews: { environmentRef: { name: "shop-production" } } }),
      shopEnvironment("dev"),
      shopEnvironment("production"),
      shopPreview(),
    );
    await says(
      "Preview",
      "shop-pr-1",
      "InvalidSpec",
      /shop-production, a Production environment/,
      /spec\.data/,
      /SchemaOnly/,
    );
    expect(neonProjectOf(world).branches.map(({ name }) => name)).not.toContain("preview/pr-1");
    await world.store.patch(
      typeOf("Preview"),
      { namespace: "default", name: "shop-pr-1" },
      { type: "merge", body: { spec: { data: "SchemaOnly" } } },
      { fieldManager: "kubectl" },
    );
    await heals(["Preview", "shop-pr-1"]);
  });
});
