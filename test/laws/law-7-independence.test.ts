/** Law 7: a provider that is down, or slow, holds up nobody but those who need it. */
import { afterEach, describe, expect, it } from "vitest";
import { seedTemplate, settledShop, shopEnvironment, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { conditionText, heal, identities, names, providers, syncedOf, unready } from "./support.ts";
import type { Provider } from "./support.ts";
import { applySmallShop } from "./small-shop.ts";

const MINUTE = 60_000;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

/** What the small shop has without one provider: what needs it is missing, the rest is there. */
const without: Readonly<Record<Provider, string[]>> = Object.freeze({
  // Without GitHub there is no code to deploy; the database and the stores need none.
  github: [
    "neon shop",
    "neon shop branch dev",
    "neon shop branch preview/pr-1",
    "cloudflare kv shop-cache-dev",
    "cloudflare r2 shop-files",
  ],
  // Without Neon no DATABASE_URL: neither Worker nor the secret at GitHub.
  neon: [
    "github acme/shop",
    "github acme/shop branch dev",
    "github acme/shop environment dev",
    "github acme/shop environment dev variable STAGE",
    "github acme/shop ruleset main is protected",
    "github acme/shop variable REGION",
    "cloudflare kv shop-cache-dev",
    "cloudflare r2 shop-files",
  ],
  cloudflare: [
    "github acme/shop",
    "github acme/shop branch dev",
    "github acme/shop environment dev",
    "github acme/shop environment dev secret DATABASE_URL",
    "github acme/shop environment dev variable STAGE",
    "github acme/shop ruleset main is protected",
    "github acme/shop variable REGION",
    "neon shop",
    "neon shop branch dev",
    "neon shop branch preview/pr-1",
  ],
});

const others = (down: Provider): Provider[] => providers.filter((provider) => provider !== down);

describe.each(providers)("while %s is down altogether", (down) => {
  const everywhere = { provider: down, path: "", status: 503, body: { message: "down" }, times: 0 };

  it("a new project gets everything that does not need it, says who is missing, and completes by itself", async () => {
    world = await createWorld();
    world.sandbox.context.faults.add(everywhere);
    await applySmallShop(world);
    await world.pass(5 * MINUTE);
    const made = names(world.sandbox);
    expect(names(world.sandbox, down)).toEqual([]);
    for (const thing of without[down]) expect(made, thing).toContain(thing);
    const project = await world.get("Project", "shop");
    expect(conditionOf(project, syncedOf[down])?.status).toBe("False");
    expect(conditionText(project, syncedOf[down])).not.toMatch(/undefined|INTERNAL|Internal/);
    for (const other of others(down))
      expect(conditionText(project, syncedOf[other])).toBe("True Synced Synced.");
    expect(conditionOf(project, "Ready")?.status).toBe("False");
    expect(conditionOf(project, "Stalled")).toBeUndefined();
    heal(world);
    await world.settle(20 * MINUTE);
    expect(await unready(world)).toEqual([]);
    const all = names(world.sandbox);
    expect(all).toEqual([...new Set(all)]);
  });

  it("changes at the others go through on a project that has converged", async () => {
    world = await createWorld();
    await settledShop(world);
    world.sandbox.context.faults.add(everywhere);
    const before = identities(world.sandbox, down);
    const spec = shopProject().spec ?? {};
    const github = {
      ...(spec["github"] as object),
      variables: [
        { name: "REGION", value: "eu" },
        { name: "NEW", value: "1" },
      ],
    };
    const cloudflare = { ...(spec["cloudflare"] as object), kv: [{ name: "new" }] };
    const neon = { ...(spec["neon"] as object), historyRetention: "12h" };
    await world.apply(shopProject({ github, cloudflare, neon }), shopEnvironment("dev"));
    await world.pass(5 * MINUTE);
    const made = names(world.sandbox);
    expect(made.includes("github acme/shop variable NEW")).toBe(down !== "github");
    expect(made.includes("cloudflare kv shop-new-dev")).toBe(down !== "cloudflare");
    expect(identities(world.sandbox, down)).toEqual(before);
    heal(world);
    await world.settle(20 * MINUTE);
    expect(await unready(world)).toEqual([]);
    expect(names(world.sandbox)).toContain("github acme/shop variable NEW");
    expect(names(world.sandbox)).toContain("cloudflare kv shop-new-dev");
  });

  it("its Connection says so and is Authenticated again by itself", async () => {
    world = await createWorld();
    await world.settle();
    world.sandbox.context.faults.add(everywhere);
    await applySmallShop(world);
    await world.pass(12 * MINUTE);
    heal(world);
    await world.settle(20 * MINUTE);
    expect(conditionOf(await world.get("Connection", down), "Ready")?.status).toBe("True");
  });
});

describe.each(providers)("while %s answers 20 seconds late", (slow) => {
  it("the others begin at once and are complete within minutes; healed, all is", async () => {
    world = await createWorld();
    seedTemplate(world);
    await world.settle();
    world.sandbox.context.faults.add({ provider: slow, path: "", delay: 20_000, times: 0 });
    await applySmallShop(world);
    await world.pass(19_000);
    const first = ["github acme/shop", "neon shop", "cloudflare r2 shop-files"];
    const early = names(world.sandbox);
    for (const thing of first) expect(early.includes(thing), thing).toBe(!thing.startsWith(slow));
    // A pass ends with its slowest call: each of the few passes that the others need takes that long.
    await world.pass(8 * MINUTE);
    const made = names(world.sandbox);
    for (const thing of without[slow]) expect(made, thing).toContain(thing);
    heal(world);
    await world.settle(30 * MINUTE);
    expect(await unready(world)).toEqual([]);
    const all = names(world.sandbox);
    expect(all).toEqual([...new Set(all)]);
  });
});

describe("one project whose GitHub repository is in conflict", () => {
  it("does not hold up another project at the same providers", async () => {
    world = await createWorld();
    seedTemplate(world);
    world.sandbox.github.seedRepository({ owner: "acme", name: "taken", files: { "README.md": "theirs\n" } });
    const project = (name: string, repository: string) => {
      const spec = shopProject().spec ?? {};
      return {
        kind: "Project",
        metadata: { name },
        spec: { ...spec, previews: undefined, github: { ...(spec["github"] as object), repository } },
      };
    };
    await world.apply(project("first", "taken"), project("second", "second"));
    await world.settle();
    expect(conditionText(await world.get("Project", "first"), "GitHubSynced")).toMatch(/^False Conflict/);
    expect(conditionOf(await world.get("Project", "first"), "NeonSynced")?.status).toBe("True");
    expect(conditionOf(await world.get("Project", "second"), "Ready")?.status).toBe("True");
  });
});
