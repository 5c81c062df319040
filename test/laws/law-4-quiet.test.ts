/** Law 4: what is as it should be is left in peace, and looking at it costs little. */
import { afterEach, describe, expect, it } from "vitest";
import type { JournalEntry } from "../../sandbox/core/journal.ts";
import { seedTemplate, settledShop, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { external, lookEvery, ownKinds, requestAll, restart, versions } from "./support.ts";
import { applySmallShop } from "./small-shop.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let world: World | undefined;
afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const everything = [...ownKinds, "Event", "ConfigMap", "Secret"];
/** GitHub answers reads of what did not change with 304, free of charge. */
const billable = (requests: JournalEntry[]): string[] =>
  requests
    .filter((entry) => entry.status !== 304)
    .map((entry) => `${entry.provider} ${entry.method} ${entry.path} ${entry.status}`);

/** Settled, and one resync later: the first after the writes fills caches that the writes emptied. */
async function rested(): Promise<World> {
  const made = await createWorld();
  await settledShop(made);
  await made.pass(12 * MINUTE);
  return made;
}

describe("a converged project with three environments and a preview", () => {
  it("is left in peace by an hour of resyncs: no change at a provider, no write to any object", async () => {
    world = await rested();
    const before = await versions(world, everything);
    const since = world.mark();
    await world.pass(HOUR);
    expect(world.changes(since)).toEqual([]);
    expect(await versions(world, everything)).toEqual(before);
    expect(world.requests(since).length).toBeGreaterThan(0);
  });

  it("costs at most 5 billable calls per shallow resync", async () => {
    world = await rested();
    const since = world.mark();
    await world.pass(HOUR);
    const calls = billable(world.requests(since));
    expect(calls.length, calls.join("\n")).toBeLessThanOrEqual(6 * 5);
  });

  it("costs at most 90 billable calls for a deep pass that a person asks for, past every cache, and the request's answer is the only write", async () => {
    world = await rested();
    const before = await versions(world, ["Event", "ConfigMap", "Secret", "Connection"]);
    const since = world.mark();
    await requestAll(world);
    await world.settle();
    await world.pass(MINUTE);
    expect(world.changes(since)).toEqual([]);
    expect(await versions(world, ["Event", "ConfigMap", "Secret", "Connection"])).toEqual(before);
    const calls = billable(world.requests(since));
    expect(calls.length, calls.join("\n")).toBeLessThanOrEqual(90);
    const answered = await versions(world, everything);
    await world.pass(11 * MINUTE);
    expect(await versions(world, everything)).toEqual(answered);
  });

  it("costs at most 40 billable calls when every field is compared again, every six hours", async () => {
    world = await rested();
    await world.pass(5 * HOUR + 30 * MINUTE);
    const since = world.mark();
    await world.pass(50 * MINUTE);
    const calls = billable(world.requests(since));
    expect(calls.length, calls.join("\n")).toBeLessThanOrEqual(4 * 5 + 40);
  });

  it("is left in peace by a controller that starts anew", async () => {
    const first = await rested();
    const before = await versions(first, everything);
    const since = first.mark();
    world = await restart(first);
    await world.pass(25 * MINUTE);
    expect(world.changes(since)).toEqual([]);
    expect(await versions(world, everything)).toEqual(before);
  });

  it("is left in peace by the deep pass every six hours", async () => {
    world = await rested();
    const before = await versions(world, [...ownKinds, "Event"]);
    const since = world.mark();
    await world.pass(6.5 * HOUR);
    expect(world.changes(since)).toEqual([]);
    expect(await versions(world, [...ownKinds, "Event"])).toEqual(before);
  });
});

describe("a project with storage, routes and crons", () => {
  it("is quiet too", async () => {
    world = await createWorld();
    await applySmallShop(world);
    await world.settle();
    await world.pass(12 * MINUTE);
    const before = await versions(world, everything);
    const since = world.mark();
    await requestAll(world);
    await world.pass(7 * HOUR);
    expect(world.changes(since)).toEqual([]);
    const after = await versions(world, ["Event", "ConfigMap", "Secret", "Connection"]);
    expect(before).toMatchObject(after);
  });
});

describe("the lease of a preview's database branch", () => {
  const leases = (of: World): JournalEntry[] =>
    of.requests(0).filter((entry) => entry.provider === "neon" && entry.method === "PATCH" && entry.changed);

  // What is looked at rarely makes long times quick to live through.
  const interval = "6h";

  it("is written once when it fits into Neon's limit, and again only when its end moves", async () => {
    world = await createWorld();
    seedTemplate(world);
    await world.apply(shopProject({ interval }), shopEnvironment("staging", { interval }));
    await world.settle();
    await world.apply(shopPreview({ interval, branch: "staging" }));
    await lookEvery(world, interval);
    await world.settle();
    await world.pass(24 * HOUR);
    expect(leases(world)).toEqual([]);
    await world.apply(shopPreview({ interval, branch: "staging", ttl: "96h" }));
    await world.settle();
    await world.pass(HOUR);
    expect(leases(world)).toHaveLength(1);
    const branch = external(world.sandbox).neon.projects[0]?.branches.find(
      (one) => one.name === "preview/pr-1",
    );
    const preview = await world.get("Preview", "shop-pr-1");
    const expiresAt = (preview["status"] as { expiresAt: string }).expiresAt;
    expect(branch?.expiresAt).toBe(Date.parse(expiresAt));
  });

  it("is lengthened in few writes while a preview is kept as long as can be, and never runs out before its end", async () => {
    world = await createWorld();
    seedTemplate(world);
    const keepUntil = new Date(world.time.now() + 60 * 24 * HOUR).toISOString().replace(/\.\d{3}Z$/, "Z");
    await world.apply(
      shopProject({ interval }),
      shopEnvironment("staging", { interval }),
      shopPreview({ interval, branch: "staging", keepUntil }),
    );
    await lookEvery(world, interval);
    await world.settle();
    const { expiresAt } = (await world.get("Preview", "shop-pr-1"))["status"] as { expiresAt: string };
    while (world.time.now() + 24 * HOUR < Date.parse(expiresAt)) {
      await world.pass(24 * HOUR);
      const branch = external(world.sandbox).neon.projects[0]?.branches.find(
        (one) => one.name === "preview/pr-1",
      );
      expect(branch?.expiresAt ?? 0).toBeGreaterThan(world.time.now());
    }
    expect(world.time.now()).toBeGreaterThan(1_767_225_600_000 + 20 * 24 * HOUR);
    expect(leases(world).length).toBeLessThanOrEqual(5);
    expect(leases(world).length).toBeGreaterThan(0);
    // Two months of life: some ten seconds on a machine that has other things to do.
  }, 60_000);
});
