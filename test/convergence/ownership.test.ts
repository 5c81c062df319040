import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { DEEP, fullEnvironment, fullProject, MARGIN, RESYNC, settledFullShop } from "./full-shop.ts";
import { createSandbox } from "../../sandbox/sandbox.ts";
import { shopPreview } from "../support/shop.ts";
import { githubSecret } from "./github-fields.ts";
import type { Fields } from "./outsider.ts";
import { neonProjectOf, outsider, scriptOf, stateOf } from "./outsider.ts";

const objects = [
  ["Project", "shop"],
  ["Environment", "shop-dev"],
  ["Environment", "shop-staging"],
  ["Environment", "shop-production"],
  ["Preview", "shop-pr-1"],
] as const;

/** Everything at the providers as it stands, values of secrets included. */
const worldOf = (world: World): unknown => structuredClone(stateOf(world));

/** Requests that changed something, sorted; that assets were asked about changes nothing that stays. */
const written = (world: World, since: number): string[] =>
  world
    .changes(since)
    .map(({ method, path }) => `${method} ${path.split("?")[0]}`)
    .filter((request) => !request.endsWith("/assets-upload-session"))
    .toSorted();

/** What is remembered of everything, by object and slot; hashes under the store's key are left out. */
async function inventories(world: World): Promise<Record<string, Record<string, unknown>>> {
  const found: Record<string, Record<string, unknown>> = {};
  for (const [kind, name] of objects) {
    const entries = (statusOf(await world.get(kind, name))["inventory"] ?? []) as Fields[];
    for (const { data, id, slot, state, type } of entries) {
      const facts = Object.entries((data ?? {}) as Fields).filter(
        ([, value]) => !String(value).startsWith("hmac:"),
      );
      found[`${name} ${String(slot)}`] = { id, state, type, data: Object.fromEntries(facts) };
    }
  }
  return found;
}

const githubSecrets = [
  "PUT /repos/acme/shop/actions/secrets/NPM_TOKEN",
  "PUT /repos/acme/shop/environments/dev/secrets/DATABASE_URL",
  "PUT /repos/acme/shop/environments/production/secrets/DATABASE_URL",
  "PUT /repos/acme/shop/environments/staging/secrets/DATABASE_URL",
];

/** Second credentials of the same identities. */
const rotated = { github: `ghp_${"r".repeat(36)}`, cloudflare: "r".repeat(40) };

describe("after the store is lost", () => {
  let first: World;
  let world: World | undefined;
  let before: unknown;
  beforeEach(async () => {
    const { accountId, token } = createSandbox().seed.cloudflare;
    const tokens = [token, rotated.cloudflare].map((one) => ({ token: one, accounts: [accountId] }));
    first = await createWorld({ publicUrl: "https://hooks.example", providers: { cloudflare: { tokens } } });
    first.sandbox.github.addToken({ token: rotated.github, owner: "acme" });
    await settledFullShop(first);
    await first.pass(RESYNC + MARGIN);
    await first.stop();
    before = worldOf(first);
  });
  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });
  const again = async (installation: string, publicUrl = "https://hooks.example"): Promise<World> => {
    const next = await createWorld({
      publicUrl,
      time: first.time,
      sandbox: first.sandbox,
      installation,
    });
    world = next;
    return next;
  };
  const declare = (next: World): Promise<void> =>
    next.apply(
      { kind: "Secret", metadata: { name: "shop-secrets" }, stringData: { npm: "npm-1", stripe: "sk-1" } },
      fullProject(),
      fullEnvironment("dev"),
      fullEnvironment("staging"),
      fullEnvironment("production"),
      shopPreview({ interval: "10m", deepInterval: "40m" }),
    );
  const rotate = (next: World): Promise<void> =>
    next.apply(
      {
        kind: "Secret",
        metadata: { name: "github-credentials" },
        stringData: { token: rotated.github, webhookSecret: "hook-secret" },
      },
      {
        kind: "Secret",
        metadata: { name: "cloudflare-credentials" },
        stringData: { apiToken: rotated.cloudflare },
      },
    );

  it("the same installation recognises everything: nothing is made or deleted, and the world stays the same to the value of every secret", async () => {
    const since = first.mark();
    const next = await again("test");
    await declare(next);
    await next.settle();
    for (const [kind, name] of objects)
      expect(conditionOf(await next.get(kind, name), "Ready"), name).toMatchObject({ status: "True" });
    // GitHub tells neither the value of a secret nor can it keep a witness: these are written once more.
    expect(written(next, since)).toEqual(githubSecrets);
    expect(worldOf(next)).toEqual(before);
    const quiet = next.mark();
    await next.pass(DEEP + MARGIN);
    expect(next.changes(quiet)).toEqual([]);
  });

  it("what is remembered afterwards is what was remembered before, the end of the preview included", async () => {
    const remembered = await inventories(first);
    const life = statusOf(await first.get("Preview", "shop-pr-1"));
    await first.pass(3 * RESYNC);
    const next = await again("test");
    await declare(next);
    await next.settle();
    await next.pass(RESYNC + MARGIN);
    expect(Object.keys(await inventories(next)).toSorted()).toEqual(Object.keys(remembered).toSorted());
    for (const [slot, entry] of Object.entries(await inventories(next)))
      if (/Worker\/|Preview\/|Webhook|neonBranch/.test(slot)) expect(entry, slot).toEqual(remembered[slot]);
    const { activatedAt, expiresAt } = life;
    expect(statusOf(await next.get("Preview", "shop-pr-1"))).toMatchObject({ activatedAt, expiresAt });
  });

  it("what somebody else changes from then on is seen as before", async () => {
    const next = await again("test");
    await declare(next);
    await next.settle();
    await next.pass(RESYNC + MARGIN);
    const since = next.mark();
    await outsider(next).cloudflare("PUT", "/workers/scripts/shop-api-staging/secrets", {
      name: "STRIPE_KEY",
      type: "secret_text",
      text: "not ours",
    });
    await next.pass(RESYNC + MARGIN);
    expect(scriptOf(next, "shop-api-staging").secrets["STRIPE_KEY"]).toBe("sk-1");
    expect(written(next, since)).toEqual([
      expect.stringMatching(/^PUT .*\/scripts\/shop-api-staging$/),
      expect.stringMatching(/^PUT .*\/scripts\/shop-api-staging\/secrets$/),
    ]);
  });

  it("with another address, the webhook is moved there: it stays the only one of ours, and another one's is left", async () => {
    const other = outsider(first);
    await other.github("POST", "/repos/acme/shop/hooks", {
      config: { url: "https://hooks.example/webhooks/github", content_type: "json" },
      events: ["push"],
    });
    const hooks = (): Promise<Fields[]> => other.github<Fields[]>("GET", "/repos/acme/shop/hooks");
    const [ours, theirs] = await hooks();
    const since = first.mark();
    const next = await again("test", "https://other.example");
    await declare(next);
    await next.settle();
    expect(written(next, since)).toEqual([
      `PATCH /repos/acme/shop/hooks/${String(ours?.["id"])}`,
      ...githubSecrets,
    ]);
    const after = await hooks();
    expect(after).toEqual([expect.objectContaining({ id: ours?.["id"] }), theirs]);
    expect(JSON.stringify(after[0]?.["config"])).toContain('"https://other.example/webhooks/github?');
  });

  it("with other credentials as well, what only those could vouch for is written once, and nothing else", async () => {
    const since = first.mark();
    const next = await again("test");
    await rotate(next);
    await declare(next);
    await next.settle();
    const workers = `/client/v4/accounts/${next.sandbox.seed.cloudflare.accountId}/workers`;
    expect(written(next, since).map((request) => request.replace(/(hooks|previews)\/\w+/, "$1/id"))).toEqual([
      `PATCH ${workers}/workers/shop-api-staging/previews/id`,
      "PATCH /repos/acme/shop/hooks/id",
      `POST ${workers}/workers/shop-api-staging/previews/id/deployments`,
      ...["dev", "production", "staging"].map((name) => `PUT ${workers}/scripts/shop-api-${name}`),
      ...githubSecrets,
    ]);
    const quiet = next.mark();
    await next.pass(DEEP + MARGIN);
    expect(next.changes(quiet)).toEqual([]);
  });

  it("with the store at hand, other credentials change nothing at all", async () => {
    const since = first.mark();
    const next = await createWorld({
      publicUrl: "https://hooks.example",
      time: first.time,
      sandbox: first.sandbox,
      store: first.store,
    });
    world = next;
    await rotate(next);
    await next.pass(DEEP + MARGIN);
    for (const [kind, name] of objects)
      expect(conditionOf(await next.get(kind, name), "Ready"), name).toMatchObject({ status: "True" });
    expect(next.changes(since)).toEqual([]);
    expect(next.requests(since).length).toBeGreaterThan(50);
  });

  it("another installation finds every name taken, and touches nothing", async () => {
    const since = first.mark();
    const next = await again("other");
    await declare(next);
    await next.pass(RESYNC + MARGIN);
    expect(next.changes(since)).toEqual([]);
    expect(worldOf(next)).toEqual(before);
    const project = await next.get("Project", "shop");
    for (const type of ["GitHubSynced", "NeonSynced", "CloudflareSynced"])
      expect(conditionOf(project, type), type).toMatchObject({ status: "False", reason: "Conflict" });
    const message = conditionOf(project, "Ready")?.message;
    for (const slot of ["githubRepo", "neonProject", "cloudflareKv/flags"])
      expect(message).toContain(`flaresmith.dev/adopt: ${slot}`);
    for (const [kind, name] of objects)
      expect(conditionOf(await next.get(kind, name), "Ready"), name).toMatchObject({ status: "False" });
  });

  it("another installation takes over what flaresmith.dev/adopt lists, and no more", async () => {
    const repository = stateOf(first).github.repositories.find((one) => one["name"] === "shop")?.["id"];
    const project = neonProjectOf(first).id;
    const next = await again("other");
    await declare(next);
    await next.annotate("Project", "shop", { "flaresmith.dev/adopt": "githubRepo,neonProject" });
    await next.pass(RESYNC + MARGIN);
    const adopted = await next.get("Project", "shop");
    expect(conditionOf(adopted, "NeonSynced")).toMatchObject({ status: "True" });
    expect(conditionOf(adopted, "CloudflareSynced")).toMatchObject({ status: "False", reason: "Conflict" });
    expect(statusOf(adopted)["neonProject"]).toBe(project);
    expect(
      stateOf(next)
        .github.repositories.filter((one) => one["name"] === "shop")
        .map(({ id }) => id),
    ).toEqual([repository]);
    expect(neonProjectOf(next).id).toBe(project);
    // Nothing of the environments was listed.
    const { tags, versions } = scriptOf(next, "shop-api-staging");
    expect({ tags, versions }).toEqual({
      tags: scriptOf(first, "shop-api-staging").tags,
      versions: scriptOf(first, "shop-api-staging").versions,
    });
    expect(JSON.stringify(tags)).not.toContain("other/");
    expect(githubSecret(next, "NPM_TOKEN")).toBe("npm-1");
  });
});
