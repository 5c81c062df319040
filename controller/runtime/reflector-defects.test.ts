/** What is wrong with the informer of @kubernetes/client-node 2.0.1, defect by defect, is not wrong with ours. */
import { describe, expect, test } from "vitest";
import { MINUTE, names, reflectedWorld, sameAs } from "../store/cluster/testing/reflected-world.ts";

describe("what the stock informer gets wrong", () => {
  test("a: an object that holds a raw U+2028 is not lost, nor is what comes after it", async () => {
    const world = reflectedWorld();
    await world.start();
    world.server.put("a", { text: "one\u2028two\u2029three" });
    world.server.put("b");
    await world.clock.settle();
    expect(world.cache.get({ namespace: "team", name: "a" })?.["spec"]).toEqual({
      text: "one\u2028two\u2029three",
    });
    expect(names(world.cache)).toEqual(["a", "b"]);
  });

  test("b: a line that cannot be parsed is counted, and the listing is made anew", async () => {
    const world = reflectedWorld({ streaming: false });
    await world.start();
    world.server.send("{ this is no event\n");
    world.server.put("after");
    await world.clock.advance(MINUTE);
    expect(await world.restarts()).toEqual({ malformed: 1 });
    expect(world.lists()).toHaveLength(2);
    sameAs(world);
  });

  test("c: a handler that throws is logged and counted; the revision moves on and others still hear", async () => {
    const world = reflectedWorld();
    world.cache.subscribe(() => {
      throw new Error("handler");
    });
    await world.start();
    world.server.put("a");
    world.server.put("b");
    await world.clock.settle();
    expect(world.events).toEqual(["added a", "added b"]);
    expect(world.cache.revision).toBe("2");
    expect(await world.metric("handler_errors_total")).toEqual([
      'flaresmith_cache_handler_errors_total{kind="Project"} 2',
    ]);
  });

  test("d: one failed listing or one dropped connection ends nothing", async () => {
    const world = reflectedWorld({ streaming: false });
    world.server.fail("list", { status: 503 }, 6);
    await world.start();
    await world.clock.advance(MINUTE);
    expect(world.cache.hasSynced).toBe(true);
    world.server.cut();
    world.server.put("a");
    await world.clock.advance(MINUTE);
    sameAs(world);
    expect(world.server.openWatches).toBe(1);
  });

  test("e: stopped during the back-off, it opens no watch behind anybody's back", async () => {
    const world = reflectedWorld();
    await world.start();
    world.server.fail("watch", { status: 503 }, 1);
    world.server.cut();
    await world.clock.settle();
    world.stop.abort(new Error("stop"));
    await world.clock.advance(10 * MINUTE);
    expect(world.server.openWatches).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
  });

  test("f: an ERROR event other than 410 is not passed over", async () => {
    const world = reflectedWorld();
    await world.start();
    const refusal = { kind: "Status", code: 403, reason: "Forbidden", message: "no" };
    world.server.send(`${JSON.stringify({ type: "ERROR", object: refusal })}\n`);
    await world.clock.advance(MINUTE);
    expect(await world.restarts()).toEqual({ refused: 1 });
    expect(world.server.openWatches).toBe(1);
  });

  test("g: 200,000 objects of one namespace are no error", async () => {
    const world = reflectedWorld({ streaming: false, pageSize: 200_000 });
    for (let index = 0; index < 200_000; index++) world.server.put(`p-${index}`);
    await world.start();
    await world.cache.synced();
    expect(world.cache.list("team")).toHaveLength(200_000);
  }, 60_000);

  test("h: after a 410 the watch begins right after the listing, not after another wait", async () => {
    const world = reflectedWorld({ streaming: false });
    await world.start();
    await world.clock.advance(5_000);
    world.server.silence();
    world.server.put("missed");
    world.server.compact();
    world.server.end();
    await world.clock.settle();
    expect(world.clock.monotonic()).toBe(5_000);
    expect(world.server.openWatches).toBe(1);
    sameAs(world);
  });

  test("i: on a quiet type the revision stays young, so that an ended watch goes on without a listing", async () => {
    const world = reflectedWorld({ streaming: false });
    world.server.put("a");
    await world.start();
    for (let hour = 0; hour < 6; hour++) {
      // Others are busy; of this type nothing happens.
      world.server.elsewhere();
      world.server.bookmark();
      await world.clock.settle();
      world.server.compact();
      await world.clock.advance(10 * MINUTE);
    }
    expect(world.lists()).toEqual(["list"]);
    sameAs(world);
  });
});
