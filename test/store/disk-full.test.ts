/** Class 25: the disk of the store fills up under the whole controller, at any moment, and has room again later. */
import { describe, expect, it } from "vitest";
import { createdTypes } from "../laws/intended.ts";
import { smallShop } from "../laws/small-shop.ts";
import { names, unready } from "../laws/support.ts";
import { openShop, storedEntries } from "./shop-on-disk.ts";

const MINUTE = 60_000;

describe("a full disk", async () => {
  const clean = await openShop();
  const before = clean.commits;
  await clean.world.apply(...smallShop());
  await clean.world.settle();
  const commits = clean.commits - before;
  const expected = names(clean.world.sandbox);
  await clean.end();

  it("refuses what is applied, makes nothing, and goes on by itself when there is room", async () => {
    const shop = await openShop();
    const { world } = shop;
    const since = world.mark();
    shop.breakDisk("full");
    await expect(world.apply(...smallShop())).rejects.toMatchObject({
      code: 507,
      reason: "InsufficientStorage",
    });
    await world.pass(30 * MINUTE);
    expect(world.changes(since)).toEqual([]);
    shop.mendDisk();
    await world.pass(10_000);
    await world.apply(...smallShop());
    await world.settle();
    expect(names(world.sandbox)).toEqual(expected);
    await shop.end();
  });

  it("met between the objects and their intents: not one create is sent, and the queue backs off", async () => {
    const shop = await openShop();
    const { world } = shop;
    await world.apply(...smallShop());
    const since = world.mark();
    const stored = storedEntries(shop);
    shop.breakDisk("full");
    await world.pass(60 * MINUTE);
    expect(world.changes(since)).toEqual([]);
    expect(storedEntries(shop)).toEqual(stored);
    const reads = world.requests(since).length;
    expect(reads, "an hour of a full disk costs a bounded number of calls").toBeLessThan(400);
    expect(shop.log.join("")).toContain("STORE_UNAVAILABLE");
    expect((await world.tracker.exposition()).body).toMatch(
      /errors_total\{code="STORE_UNAVAILABLE",severity="critical"\} [1-9]/,
    );
    shop.mendDisk();
    // Not the longest back-off of the queue, which is a quarter of an hour: what was refused is told.
    await world.settle(2 * MINUTE);
    expect(await unready(world)).toEqual([]);
    expect(names(world.sandbox)).toEqual(expected);
    await shop.end();
  });

  // Crashes and refusals at every single write are the simulation's; each moment of a convergence is met here.
  it.each(Array.from({ length: Math.ceil(commits / 3) }, (_, index) => index * 3))(
    "from commit %i of a convergence on: nothing is created without a durable intent, and one of everything comes of it",
    async (index) => {
      const shop = await openShop();
      const { world } = shop;
      shop.breakDisk("full", shop.commits + index);
      await world.apply(...smallShop()).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 507 });
      });
      await world.pass(2 * MINUTE);
      expect(shop.creations.missing).toEqual([]);
      shop.mendDisk();
      await world.pass(6_000);
      await world.apply(...smallShop());
      await world.settle(30 * MINUTE);
      expect(await unready(world)).toEqual([]);
      expect(names(world.sandbox)).toEqual(expected);
      const since = world.mark();
      await world.pass(21 * MINUTE);
      expect(world.changes(since), "and then it is quiet").toEqual([]);
      await shop.end();
    },
  );

  it("the clean run sees every type that needs an intent", () => {
    expect(createdTypes.length).toBe(10);
    expect(commits).toBeGreaterThan(10);
  });
});
