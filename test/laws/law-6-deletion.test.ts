/** Law 6: deletion needs nothing that may already be gone, and leaks nothing whenever it comes. */
import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate, settledShop } from "../support/shop.ts";
import { createWorld, typeOf } from "../support/world.ts";
import type { Manifest, World } from "../support/world.ts";
import {
  breakProvider,
  conditionText,
  heal,
  names,
  providers,
  requestAll,
  syncedOf,
  unready,
} from "./support.ts";
import { fleetingShop, gone } from "./small-shop.ts";

const MINUTE = 60_000;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

async function settled(): Promise<World> {
  const made = await createWorld();
  world = made;
  seedTemplate(made);
  await made.apply(...fleetingShop());
  await made.settle();
  return made;
}

describe("deleting a Project", () => {
  it("takes previews first, then environments, then its own things", async () => {
    const shop = await settled();
    const since = shop.mark();
    await shop.delete("Project", "shop");
    await gone(shop);
    expect(names(shop.sandbox)).toEqual([]);
    const deletes = shop
      .changes(since)
      .filter((entry) => entry.method === "DELETE")
      .map((entry) => entry.path);
    const at = (part: RegExp): number => deletes.findIndex((path) => part.test(path));
    expect(at(/\/previews\//)).toBeGreaterThanOrEqual(0);
    expect(at(/\/previews\//)).toBeLessThan(at(/\/scripts\/shop-api-dev/));
    expect(at(/\/scripts\/shop-api-dev/)).toBeLessThan(at(/r2\/buckets/));
    expect(at(/\/branches\//)).toBeLessThan(
      deletes.findIndex((path) => /\/api\/v2\/projects\/[^/]+$/.test(path)),
    );
    expect(at(/environments\/dev$/)).toBeLessThan(at(/^\/repos\/acme\/shop$/));
  });

  it("while it is suspended waits, and goes on afterwards", async () => {
    const shop = await settled();
    const [project] = fleetingShop();
    await shop.apply({ ...(project as Manifest), spec: { ...project?.spec, suspend: true } });
    await shop.settle().catch(() => undefined);
    await shop.delete("Project", "shop");
    const before = names(shop.sandbox);
    await shop.pass(5 * MINUTE);
    expect(names(shop.sandbox)).toEqual(before);
    await shop.apply({ ...(project as Manifest), spec: { ...project?.spec, suspend: false } });
    await gone(shop);
    expect(names(shop.sandbox)).toEqual([]);
  });
});

describe("an Environment that is deleted by its name", () => {
  it("takes the previews that are based on it and nothing of others", async () => {
    world = await createWorld();
    await settledShop(world);
    const since = world.mark();
    await world.delete("Environment", "shop-staging");
    const shop = world;
    await shop.until(async () => (await shop.find("Environment", "shop-staging")) === undefined, 30 * MINUTE);
    const left = names(world.sandbox);
    expect(left).not.toContain("cloudflare worker shop-api-staging");
    expect(left).not.toContain("neon shop branch preview/pr-1");
    expect(left).not.toContain("github acme/shop environment staging");
    expect(left).toContain("neon shop branch staging");
    expect(left).toContain("cloudflare worker shop-api-dev");
    expect(left).toContain("cloudflare worker shop-api-production");
    for (const entry of world.changes(since)) expect(entry.path).not.toMatch(/dev|production/);
    await world.settle();
    expect(await unready(world)).toEqual([]);
  });

  it("needs no Project any more: it can be gone, finalizer and all", async () => {
    const shop = await settled();
    await shop.store.patch(
      typeOf("Project"),
      { namespace: "default", name: "shop" },
      { type: "merge", body: { metadata: { finalizers: null } } },
      { fieldManager: "kubectl" },
    );
    await shop.delete("Project", "shop").catch(() => undefined);
    await shop.pass(MINUTE);
    for (const kind of ["Preview", "Environment"])
      for (const { metadata } of await shop.list(kind))
        if (metadata.deletionTimestamp === undefined) await shop.delete(kind, metadata.name);
    await shop.until(
      async () => (await shop.list("Preview")).length + (await shop.list("Environment")).length === 0,
      30 * MINUTE,
    );
    const left = names(shop.sandbox);
    expect(left.filter((name) => /pr-1|worker|kv|branch dev$|environment/.test(name))).toEqual([]);
  });
});

describe("deletion without working credentials", () => {
  it.each([
    ["github", "token"],
    ["neon", "apiKey"],
    ["cloudflare", "apiToken"],
  ] as const)("of %s waits, says so, and ends once they are right again", async (provider, key) => {
    const shop = await settled();
    const secret = (value: string): Manifest => ({
      kind: "Secret",
      metadata: { name: `${provider}-credentials` },
      stringData: { [key]: value },
    });
    await shop.apply(secret("wrong-credentials"));
    await shop.pass(1_000);
    const before = names(shop.sandbox, provider);
    await shop.delete("Environment", "shop-dev");
    await shop.pass(10 * MINUTE);
    expect(names(shop.sandbox, provider)).toEqual(before);
    const kind = provider === "github" ? "Environment" : "Preview";
    const object = await shop.get(kind, provider === "github" ? "shop-dev" : "shop-pr-1");
    expect(conditionText(object, syncedOf[provider])).toMatch(/^False (Credentials|Auth)/);
    await shop.apply(secret(shop.sandbox.seed[provider].token));
    await shop.until(async () => (await shop.list("Environment")).length === 0, 60 * MINUTE);
    await shop.delete("Project", "shop");
    await gone(shop);
    expect(names(shop.sandbox)).toEqual([]);
  });

  it("whose Secret is gone waits, and ends once it is back", async () => {
    const shop = await settled();
    await shop.store.delete(typeOf("Secret"), { namespace: "default", name: "cloudflare-credentials" });
    await shop.delete("Project", "shop");
    await shop.pass(10 * MINUTE);
    const preview = await shop.get("Preview", "shop-pr-1");
    expect(conditionText(preview, "CloudflareSynced")).toContain("cloudflare-credentials");
    expect(names(shop.sandbox)).toContain("cloudflare worker shop-api-dev");
    await shop.apply({
      kind: "Secret",
      metadata: { name: "cloudflare-credentials" },
      stringData: { apiToken: shop.sandbox.seed.cloudflare.token },
    });
    await gone(shop);
    expect(names(shop.sandbox)).toEqual([]);
  });
});

describe.each(providers)("deletion while %s is down", (provider) => {
  it("waits for it, removes the rest, and ends when it is back", async () => {
    const shop = await settled();
    breakProvider(shop, provider, { status: 503, body: { message: "down" } });
    await shop.delete("Preview", "shop-pr-1");
    await shop.pass(5 * MINUTE);
    const left = names(shop.sandbox);
    if (provider !== "neon") expect(left).not.toContain("neon shop branch preview/pr-1");
    if (provider !== "cloudflare") expect(left).not.toContain("cloudflare worker shop-api-dev preview pr-1");
    heal(shop);
    await shop.delete("Project", "shop");
    breakProvider(shop, provider, { status: 503, body: { message: "down" }, method: "DELETE" });
    await shop.pass(5 * MINUTE);
    heal(shop);
    await gone(shop);
    expect(names(shop.sandbox)).toEqual([]);
  });
});

describe("a Project made again under the same name while the old one goes", () => {
  it("converges with things of its own", async () => {
    const shop = await settled();
    await shop.delete("Project", "shop");
    await gone(shop);
    await shop.apply(...fleetingShop());
    await shop.settle(30 * MINUTE);
    await requestAll(shop);
    await shop.settle(30 * MINUTE);
    expect(await unready(shop)).toEqual([]);
    const all = names(shop.sandbox);
    expect(all).toEqual([...new Set(all)]);
    expect(all.length).toBeGreaterThan(20);
  });
});
