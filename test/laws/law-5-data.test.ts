/** Law 5: nothing that holds data or code goes, or is replaced, without a person's word. */
import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import {
  asSomeoneElse,
  conditionText,
  external,
  identities,
  lookEvery,
  names,
  requestAll,
  syncedOf,
  unready,
} from "./support.ts";
import type { Provider } from "./support.ts";
import { applySmallShop, smallShop } from "./small-shop.ts";

const MINUTE = 60_000;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

async function settled(): Promise<World> {
  const made = await createWorld();
  await applySmallShop(made);
  await made.settle();
  world = made;
  return made;
}

async function hashIn(of: World, kind: string, name: string, provider: Provider): Promise<string> {
  const text = conditionText(await of.get(kind, name), syncedOf[provider]);
  return /flaresmith\.dev\/confirm: ([0-9a-z]+)/.exec(text)?.[1] ?? "";
}

async function tombstones(of: World): Promise<Record<string, string>[]> {
  return (await of.list("ConfigMap"))
    .map((one) => one["data"] as Record<string, string>)
    .filter((data) => data["provider"] !== undefined);
}

const projectId = (of: World): string => external(of.sandbox).neon.projects[0]?.id ?? "";
const branchId = (of: World, name: string): string =>
  external(of.sandbox).neon.projects[0]?.branches.find((one) => one.name === name)?.id ?? "";

interface Loss {
  what: string;
  kind: "Project" | "Environment";
  name: string;
  provider: Provider;
  lose: (of: World) => Promise<unknown>;
  /** What is there again after a confirmation. */
  back: string;
}

const losses: Loss[] = [
  {
    what: "a Neon branch",
    kind: "Environment",
    name: "shop-dev",
    provider: "neon",
    lose: (of) =>
      asSomeoneElse(of, "neon", "DELETE", `/projects/${projectId(of)}/branches/${branchId(of, "dev")}`),
    back: "neon shop branch dev",
  },
  {
    what: "a Neon project",
    kind: "Project",
    name: "shop",
    provider: "neon",
    lose: (of) => asSomeoneElse(of, "neon", "DELETE", `/projects/${projectId(of)}`),
    back: "neon shop",
  },
  {
    what: "a KV namespace",
    kind: "Environment",
    name: "shop-dev",
    provider: "cloudflare",
    lose: (of) => {
      const account = of.sandbox.seed.cloudflare.accountId;
      const kv = external(of.sandbox).cloudflare.accounts[0]?.kv.find(
        (one) => one.title === "shop-cache-dev",
      );
      return asSomeoneElse(
        of,
        "cloudflare",
        "DELETE",
        `/accounts/${account}/storage/kv/namespaces/${kv?.id ?? ""}`,
      );
    },
    back: "cloudflare kv shop-cache-dev",
  },
  {
    what: "an R2 bucket",
    kind: "Project",
    name: "shop",
    provider: "cloudflare",
    lose: (of) => {
      const account = of.sandbox.seed.cloudflare.accountId;
      return asSomeoneElse(of, "cloudflare", "DELETE", `/accounts/${account}/r2/buckets/shop-files`);
    },
    back: "cloudflare r2 shop-files",
  },
];

describe.each(losses)("$what that somebody deletes", ({ kind, name, provider, lose, back }) => {
  it("is reported and not made anew until the confirmation of just that", async () => {
    const shop = await settled();
    // The preview is a copy and may be made anew by itself; here it would only hide what is tested.
    await shop.delete("Preview", "shop-pr-1");
    await shop.until(async () => (await shop.list("Preview")).length === 0);
    // Neon takes one change at a time.
    await shop.pass(MINUTE);
    await lose(shop);
    const since = shop.mark();
    await requestAll(shop);
    await shop.pass(15 * MINUTE);
    expect(shop.changes(since)).toEqual([]);
    expect(names(shop.sandbox)).not.toContain(back);
    const waiting = await shop.get(kind, name);
    expect(conditionOf(waiting, syncedOf[provider])).toMatchObject({
      status: "False",
      reason: "ConfirmationRequired",
    });
    expect(conditionOf(waiting, "Ready")).toMatchObject({ status: "False" });
    expect(conditionOf(waiting, "Stalled")).toMatchObject({ status: "True" });
    const hash = await hashIn(shop, kind, name, provider);
    expect(hash).toMatch(/^p[0-9a-f]{11}$/);
    await shop.annotate(kind, name, { "flaresmith.dev/confirm": "0123456789ab" });
    await shop.pass(5 * MINUTE);
    expect(names(shop.sandbox)).not.toContain(back);
    await shop.annotate(kind, name, { "flaresmith.dev/confirm": hash });
    await shop.settle(30 * MINUTE);
    await shop.pass(15 * MINUTE);
    expect(names(shop.sandbox).filter((one) => one === back)).toHaveLength(1);
    expect(conditionOf(await shop.get(kind, name), syncedOf[provider])).toMatchObject({ status: "True" });
  });
});

describe("a preview's copies that somebody deletes", () => {
  it("are made anew without asking: they hold nothing of their own", async () => {
    const shop = await settled();
    await asSomeoneElse(
      shop,
      "neon",
      "DELETE",
      `/projects/${projectId(shop)}/branches/${branchId(shop, "preview/pr-1")}`,
    );
    await shop.pass(MINUTE);
    await shop.request("Preview", "shop-pr-1");
    await shop.settle(20 * MINUTE);
    expect(await unready(shop)).toEqual([]);
    expect(names(shop.sandbox)).toContain("neon shop branch preview/pr-1");
  });
});

describe("a change that would lose data", () => {
  it("stops with the plan's hash and changes nothing; a hash is worth nothing for another plan", async () => {
    const shop = await createWorld();
    world = shop;
    seedTemplate(shop);
    const dev = (neon: Record<string, unknown>): Manifest => shopEnvironment("dev", { neon });
    await shop.apply(shopProject(), dev({}), shopEnvironment("staging"));
    await shop.settle();
    const before = identities(shop.sandbox);
    const since = shop.mark();
    await shop.apply(dev({ parent: "staging" }));
    await shop.pass(15 * MINUTE);
    expect(shop.changes(since)).toEqual([]);
    const waiting = await shop.get("Environment", "shop-dev");
    expect(conditionOf(waiting, "NeonSynced")).toMatchObject({
      status: "False",
      reason: "ConfirmationRequired",
    });
    expect(conditionText(waiting, "NeonSynced")).toContain("parent");
    expect(conditionOf(waiting, "Stalled")).toMatchObject({ status: "True", reason: "ConfirmationRequired" });
    const hash = await hashIn(shop, "Environment", "shop-dev", "neon");
    await shop.annotate("Environment", "shop-dev", { "flaresmith.dev/confirm": hash });
    await shop.apply(dev({ parent: "preview" }));
    await shop.pass(15 * MINUTE);
    expect(await hashIn(shop, "Environment", "shop-dev", "neon")).not.toBe(hash);
    expect(shop.changes(since)).toEqual([]);
    expect(identities(shop.sandbox)).toEqual(before);
    await shop.apply(dev({ parent: "main" }));
    await shop.settle();
    expect(await unready(shop)).toEqual([]);
    expect(identities(shop.sandbox)).toEqual(before);
  });
});

describe("what a deletion leaves", () => {
  it("by default: the repository with its git branches, the database, its branches, KV and R2, each with a tombstone", async () => {
    const shop = await settled();
    await shop.delete("Project", "shop");
    await shop.until(async () => (await shop.list("Project")).length === 0, 30 * MINUTE);
    const left = names(shop.sandbox);
    for (const thing of [
      "github acme/shop",
      "github acme/shop branch dev",
      "github acme/shop branch main",
      "neon shop",
      "neon shop branch dev",
      "neon shop branch main",
      "cloudflare kv shop-cache-dev",
      "cloudflare r2 shop-files",
    ])
      expect(left).toContain(thing);
    for (const thing of left) {
      // What is set on a repository that stays, stays with it.
      expect(thing).not.toMatch(/preview|pr-1|worker|route|environment/);
    }
    const types = (await tombstones(shop)).map((data) => `${data["type"]} ${data["name"]}`).sort();
    expect(types).toEqual([
      "branch dev",
      "gitBranch dev",
      "kvNamespace shop-cache-dev",
      "project shop",
      "r2Bucket shop-files",
      "repository shop",
    ]);
    for (const data of await tombstones(shop)) {
      expect(data["id"]).not.toBe("");
      expect(data["why"]).toMatch(/deleted/);
      expect(data["when"]).toMatch(/^\d{4}-/);
    }
  });

  it("with deletionPolicy Delete: nothing, and no tombstone", async () => {
    const shop = await createWorld();
    world = shop;
    seedTemplate(shop);
    const [project, environment, preview] = smallShop({ deletionPolicy: "Delete" });
    await shop.apply(
      project as Manifest,
      { ...(environment as Manifest), spec: { ...environment?.spec, deletionPolicy: "Delete" } },
      preview as Manifest,
    );
    await shop.settle();
    await shop.delete("Project", "shop");
    await shop.until(async () => (await shop.list("Project")).length === 0, 30 * MINUTE);
    expect(names(shop.sandbox)).toEqual([]);
    expect(await tombstones(shop)).toEqual([]);
  });

  it("a Production stage keeps its Workers too, another stage does not", async () => {
    const shop = await createWorld();
    world = shop;
    seedTemplate(shop);
    await shop.apply(shopProject(), shopEnvironment("dev"), shopEnvironment("production"));
    await shop.settle();
    await shop.delete("Environment", "shop-dev");
    await shop.delete("Environment", "shop-production");
    await shop.until(async () => (await shop.list("Environment")).length === 0, 30 * MINUTE);
    expect(names(shop.sandbox)).toContain("cloudflare worker shop-api-production");
    expect(names(shop.sandbox)).not.toContain("cloudflare worker shop-api-dev");
    expect((await tombstones(shop)).map((data) => data["name"])).toContain("shop-api-production");
    await shop.settle();
  });

  it("a preview takes everything with it, whatever the policy of its project", async () => {
    const shop = await settled();
    await shop.delete("Preview", "shop-pr-1");
    await shop.until(async () => (await shop.list("Preview")).length === 0);
    for (const thing of names(shop.sandbox)) expect(thing).not.toMatch(/pr-1/);
    expect(await tombstones(shop)).toEqual([]);
    await shop.settle();
    expect(await unready(shop)).toEqual([]);
  });

  it("an expired preview too, and it says why it is gone", async () => {
    const shop = await settled();
    await lookEvery(shop, "6h");
    // An hour before and after its end.
    await shop.pass(71 * 60 * MINUTE);
    expect(names(shop.sandbox)).toContain("neon shop branch preview/pr-1");
    await shop.pass(2 * 60 * MINUTE);
    for (const thing of names(shop.sandbox)) expect(thing).not.toMatch(/pr-1/);
    const preview = await shop.get("Preview", "shop-pr-1");
    expect(conditionOf(preview, "Ready")).toMatchObject({ status: "False", reason: "Expired" });
    expect(preview["status"]).toMatchObject({ state: "archived" });
  });
});
