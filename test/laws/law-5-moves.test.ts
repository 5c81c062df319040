/** Law 5: what the credentials or the spec come to mean elsewhere is not made anew, let go or deleted unasked. */
import { afterEach, describe, expect, it } from "vitest";
import { createSandbox } from "../../sandbox/sandbox.ts";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import { conditionText, external, identities, names, syncedOf, unready } from "./support.ts";
import type { Provider } from "./support.ts";

const MINUTE = 60_000;
const OTHER = { orgId: "org-other-1", key: "napi_other", accountId: "b".repeat(32) };
let world: World;
afterEach(() => world.stop());

const cloudflare = {
  connectionRef: { name: "cloudflare" },
  workers: [{ name: "api", code: { path: "dist/worker" } }],
  kv: [{ name: "cache" }],
};
const project = (spec: Record<string, unknown> = {}): Manifest =>
  shopProject({ previews: undefined, cloudflare, ...spec });
const policy = { deletionPolicy: "Delete" };

/** A world with two organisations at Neon, two accounts at Cloudflare and a token that reaches both. */
async function twoOfEach(): Promise<void> {
  // Equal seeds are equal worlds.
  const { seed } = createSandbox({ seed: 1 });
  const { accountId, accountName, token, workersSubdomain } = seed.cloudflare;
  world = await createWorld({
    seed: 1,
    providers: {
      neon: {
        apiKeys: [
          { key: seed.neon.token, kind: "org", orgId: seed.neon.orgId },
          { key: OTHER.key, kind: "org", orgId: OTHER.orgId },
        ],
      },
      cloudflare: {
        tokens: [{ token, accounts: [accountId, OTHER.accountId] }],
        accounts: [
          { id: accountId, name: accountName, workersSubdomain },
          { id: OTHER.accountId, name: "Other", workersSubdomain: "other" },
        ],
      },
    },
  });
  expect(world.sandbox.seed.neon.token).toBe(seed.neon.token);
  seedTemplate(world);
  await world.apply(project(policy), shopEnvironment("staging", policy));
  await world.settle();
  expect(await unready(world)).toEqual([]);
}

function connection(name: string, provider: string, account: string): Manifest {
  const { urls } = world.sandbox;
  return {
    kind: "Connection",
    metadata: { name },
    spec: {
      provider,
      endpoint: provider === "Neon" ? urls.neon : urls.cloudflare,
      account,
      credentials: { secretRef: { name: `${name}-credentials` } },
    },
  };
}

const neonKey = (apiKey: string): Manifest => ({
  kind: "Secret",
  metadata: { name: "neon-credentials" },
  stringData: { apiKey },
});

async function hashIn(kind: string, name: string, provider: Provider): Promise<string> {
  const text = conditionText(await world.get(kind, name), syncedOf[provider]);
  return /flaresmith\.dev\/confirm: (p[0-9a-f]{11})/.exec(text)?.[1] ?? "";
}

describe("another account behind a Connection", () => {
  it("makes no second database before a person agrees, and the first serves on when it is undone", async () => {
    await twoOfEach();
    const before = identities(world.sandbox);
    await world.apply(neonKey(OTHER.key), connection("neon", "Neon", OTHER.orgId));
    await world.pass(30 * MINUTE);
    expect(identities(world.sandbox)).toEqual(before);
    expect(conditionOf(await world.get("Project", "shop"), "NeonSynced")).toMatchObject({
      status: "False",
      reason: "ConfirmationRequired",
      message: expect.stringContaining("the account is another one") as string,
    });
    const { seed } = world.sandbox;
    await world.apply(neonKey(seed.neon.token), connection("neon", "Neon", seed.neon.orgId));
    await world.settle(30 * MINUTE);
    expect(await unready(world)).toEqual([]);
    expect(identities(world.sandbox)).toEqual(before);
  });

  it("gets a database of its own once that is confirmed, and nothing of the first is deleted unasked", async () => {
    await twoOfEach();
    const [first] = external(world.sandbox).neon.projects;
    await world.apply(neonKey(OTHER.key), connection("neon", "Neon", OTHER.orgId));
    await world.pass(30 * MINUTE);
    const hash = await hashIn("Project", "shop", "neon");
    expect(hash).not.toBe("");
    await world.annotate("Project", "shop", { "flaresmith.dev/confirm": hash });
    await world.pass(30 * MINUTE);
    const { projects } = external(world.sandbox).neon;
    expect(projects).toHaveLength(2);
    expect(projects.map(({ id }) => id)).toContain(first?.id);
  });

  it("gets no Worker and no storage before a person agrees", async () => {
    await twoOfEach();
    const before = identities(world.sandbox);
    await world.apply(connection("cloudflare", "Cloudflare", OTHER.accountId));
    await world.pass(30 * MINUTE);
    expect(identities(world.sandbox)).toEqual(before);
    expect(conditionOf(await world.get("Environment", "shop-staging"), "CloudflareSynced")).toMatchObject({
      status: "False",
      reason: "ConfirmationRequired",
    });
    await world.apply(connection("cloudflare", "Cloudflare", world.sandbox.seed.cloudflare.accountId));
    await world.settle(30 * MINUTE);
    expect(await unready(world)).toEqual([]);
    expect(identities(world.sandbox)).toEqual(before);
  });
});

describe("another repository that a Project refers to", () => {
  const reference = (repository: string): Manifest =>
    project({
      github: { connectionRef: { name: "github" }, mode: "Reference", repository },
      neon: undefined,
      cloudflare: undefined,
      ...policy,
    });
  const environment = (): Manifest =>
    shopEnvironment("staging", {
      cloudflare: undefined,
      secrets: [],
      github: { variables: [{ name: "STAGE", value: "staging" }] },
      ...policy,
    });

  async function referred(): Promise<void> {
    world = await createWorld();
    const files = { "README.md": "# Code" };
    world.sandbox.github.seedRepository({ owner: "acme", name: "one", files });
    world.sandbox.github.seedRepository({ owner: "acme", name: "two", files, branches: { staging: {} } });
    await world.apply(reference("one"), environment());
    await world.settle();
    expect(await unready(world)).toEqual([]);
  }

  it("keeps its own branch when the Environment goes, and the one before keeps no environment", async () => {
    await referred();
    expect(names(world.sandbox)).toContain("github acme/one environment staging");
    await world.apply(reference("two"));
    await world.pass(30 * MINUTE);
    expect(names(world.sandbox)).toContain("github acme/two environment staging");
    expect(names(world.sandbox)).not.toContain("github acme/one environment staging");
    await world.delete("Environment", "shop-staging");
    await world.until(async () => (await world.list("Environment")).length === 0, 60 * MINUTE);
    expect(names(world.sandbox)).toContain("github acme/two branch staging");
    expect(names(world.sandbox)).not.toContain("github acme/two environment staging");
  });
});

describe("another logical name for a thing that stays", () => {
  const named = (name: string, names_: Record<string, string> = {}): Manifest[] => [
    project({ ...policy, cloudflare: { ...cloudflare, kv: [{ name }] } }),
    shopEnvironment("staging", {
      ...policy,
      cloudflare: { names: names_, workers: [{ name: "api" }] },
    }),
  ];

  it("deletes nothing, asks for its adoption, and goes on with it then", async () => {
    world = await createWorld();
    seedTemplate(world);
    await world.apply(...named("carts"));
    await world.settle();
    const before = identities(world.sandbox);
    await world.apply(...named("baskets", { baskets: "shop-carts-staging" }));
    await world.pass(30 * MINUTE);
    expect(identities(world.sandbox)).toEqual(before);
    const text = conditionText(await world.get("Environment", "shop-staging"), "CloudflareSynced");
    const slot = /flaresmith\.dev\/adopt: (\S+?)\.?$/.exec(text)?.[1] ?? "";
    expect(slot).toContain("baskets");
    await world.annotate("Environment", "shop-staging", { "flaresmith.dev/adopt": slot });
    await world.settle(30 * MINUTE);
    expect(await unready(world)).toEqual([]);
    expect(identities(world.sandbox)).toEqual(before);
  });
});
