/** What the reflector promises, number by number, against an API server that misbehaves in every known way. */
import { describe, expect, test } from "vitest";
import { MINUTE, names, reflectedWorld, sameAs } from "../store/cluster/testing/reflected-world.ts";
import { watchedType } from "../store/cluster/testing/watched-server.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { seededRandom } from "./adapters/virtual.ts";
import { createManager, done } from "./manager.ts";
import { priorities } from "./work-queue.ts";

describe("what ours promises", () => {
  test("1: one loop for as long as it runs; it ends with its signal, whatever it was doing", async () => {
    for (const moment of ["listing", "watching", "waiting"] as const) {
      const world = reflectedWorld({ streaming: false });
      if (moment === "listing") world.stop.abort(new Error("before anything"));
      if (moment === "waiting") world.server.fail("list", { status: 403 }, 100);
      const running = world.cache.run(world.stop.signal);
      await world.clock.advance(5_000);
      world.stop.abort(new Error("stop"));
      await running;
      expect(world.server.openWatches).toBe(0);
      expect(world.clock.pendingTimers).toBe(0);
    }
  });

  test("2: pages are taken over at once; what is missing in a later listing is deleted, its final state unknown", async () => {
    const world = reflectedWorld({ streaming: false, pageSize: 2 });
    for (const name of ["a", "b", "c", "d", "e"]) world.server.put(name, { version: 1 });
    const sizes: number[] = [];
    world.cache.subscribe(() => void sizes.push(world.cache.size));
    await world.start();
    expect(world.lists()).toEqual(["list", "list continued", "list continued"]);
    // Whoever hears the first of them finds them all.
    expect(sizes).toEqual([5, 5, 5, 5, 5]);
    await world.clock.advance(5_000);
    world.events.length = 0;
    world.server.silence();
    world.server.remove("b");
    world.server.put("c", { version: 2 });
    world.server.remove("d");
    world.server.put("d", { version: 3 });
    world.server.put("f");
    world.server.compact();
    world.server.end();
    await world.clock.settle();
    expect(world.events).toEqual([
      "deleted b, unheard",
      'updated c was {"version":1}',
      "deleted d, unheard",
      "added d",
      "added f",
    ]);
    expect(world.lists().slice(3)).toEqual(["list", "list continued", "list continued"]);
  });

  test("2: a listing is not older than what was seen; after a 410 or a lost history it is the newest", async () => {
    const world = reflectedWorld({ streaming: false });
    for (const name of ["a", "b", "c", "d"]) world.server.put(name);
    await world.start();
    world.server.fail("watch", { status: 403 });
    world.server.cut();
    await world.clock.advance(MINUTE);
    world.server.restore();
    world.server.cut();
    await world.clock.advance(MINUTE);
    expect(world.lists()).toEqual(["list", "list not older than 4", "list"]);
    sameAs(world);
    // The server was restored to a time before ours while we were about to list.
    world.server.fail("watch", { status: 403 });
    world.server.cut();
    world.server.restore();
    await world.clock.advance(MINUTE);
    expect(world.lists().slice(3)).toEqual(["list not older than 2", "list"]);
  });

  test("2: a listing whose later pages expire begins anew, and nothing of the broken one is seen", async () => {
    const world = reflectedWorld({ streaming: false, pageSize: 1 });
    for (const name of ["a", "b", "c"]) world.server.put(name);
    void world.cache.run(world.stop.signal);
    while (world.server.requests.length < 2) await Promise.resolve();
    world.server.compact();
    expect(world.cache.size).toBe(0);
    await world.clock.advance(MINUTE);
    expect(world.server.requests.filter((request) => request === "list")).toHaveLength(2);
    sameAs(world);
  });

  test("3: what exists comes by watch where the server sends it, and is complete at the marked bookmark", async () => {
    const world = reflectedWorld();
    world.server.put("a");
    world.server.put("b");
    world.server.lag = 1_000;
    await world.start();
    expect(world.server.requests).toEqual(["watch"]);
    expect(world.cache.hasSynced).toBe(true);
    world.server.put("c");
    await world.clock.advance(1_000);
    expect(world.events).toEqual(["added a initially", "added b initially", "added c"]);
    expect(world.server.requests).toEqual(["watch"]);
  });

  test("3: a server that does not, or that never ends what it begins, is listed, and not asked again", async () => {
    const refusing = reflectedWorld();
    refusing.server.sendsInitialEvents = false;
    refusing.server.put("a");
    await refusing.start();
    expect(refusing.server.requests).toEqual(["watch", "list", "watch from 1"]);
    refusing.server.compact();
    refusing.server.restore();
    refusing.server.cut();
    await refusing.clock.advance(MINUTE);
    expect(refusing.server.requests.filter((request) => request === "watch")).toHaveLength(1);
    const silent = reflectedWorld();
    // One event, no bookmark, and then nothing.
    silent.server.put("a");
    silent.server.fail("watch", { body: '{"type":"ADDED","object":{"metadata":{"name":"half"}}}\n' });
    await silent.start();
    expect(silent.cache.hasSynced).toBe(true);
    expect(names(silent.cache)).toEqual(["a"]);
    expect(silent.events).toEqual(["added a initially"]);
  });

  test("3: a connection that breaks before the bookmark leaves nothing behind", async () => {
    const world = reflectedWorld();
    world.server.put("a");
    world.server.fail("watch", Object.assign(new Error("reset"), { code: "ECONNRESET" }), 3);
    await world.start();
    expect(world.cache.hasSynced).toBe(false);
    await world.clock.advance(MINUTE);
    expect(world.lists()).toEqual([]);
    sameAs(world);
  });

  test("4: watches ask for bookmarks and for an end after 5 to 10 minutes, and take the revision from bookmarks", async () => {
    const world = reflectedWorld();
    const asked: { allowBookmarks?: boolean; timeoutSeconds?: number }[] = [];
    const { client } = world.server;
    const watch = client.watch.bind(client);
    client.watch = ((type, options, signal) => {
      asked.push(options);
      return watch(type, options, signal);
    }) as typeof client.watch;
    await world.start();
    for (let count = 0; count < 20; count++) {
      world.server.elsewhere();
      world.server.bookmark();
      await world.clock.settle();
      world.server.end();
      await world.clock.advance(2_000);
    }
    expect(asked).toHaveLength(21);
    expect(asked.every(({ allowBookmarks }) => allowBookmarks)).toBe(true);
    const seconds = asked.map(({ timeoutSeconds = 0 }) => timeoutSeconds);
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(300);
    expect(Math.max(...seconds)).toBeLessThanOrEqual(600);
    expect(new Set(seconds).size).toBeGreaterThan(15);
    expect(world.server.requests.at(-1)).toBe("watch from 20");
  });

  test("5: lines end at newlines only, characters may be cut anywhere (see a and b)", async () => {
    const world = reflectedWorld();
    world.server.put("a", { text: "ä€😀\u2028".repeat(50) });
    await world.start();
    world.server.put("b", { text: "😀€ä\u2029".repeat(50) });
    await world.clock.settle();
    for (const name of ["a", "b"])
      expect(world.cache.get({ namespace: "team", name })).toEqual(
        world.server.objects().get(`team/${name}`),
      );
  });

  for (const [code, details, lists, watches, what] of [
    [410, {}, 1, 1, "list at once"],
    [429, { retryAfterSeconds: 45 }, 0, 1, "wait as long as asked, watch on"],
    [500, {}, 0, 1, "watch on"],
    [503, {}, 0, 1, "watch on"],
    [403, {}, 1, 1, "list"],
  ] as const) {
    test(`6: an ERROR event ${code}: ${what}`, async () => {
      const world = reflectedWorld({ streaming: false });
      await world.start();
      const object = { kind: "Status", code, message: "trouble", details };
      world.server.send(`${JSON.stringify({ type: "ERROR", object })}\n`);
      await world.clock.settle();
      const before = world.server.requests.length;
      if (code === 429) {
        await world.clock.advance(44_000);
        expect(world.server.requests).toHaveLength(before);
      }
      await world.clock.advance(MINUTE);
      expect(world.lists().length - 1).toBe(lists);
      expect(world.server.requests.filter((request) => request.startsWith("watch")).length - 1).toBe(watches);
    });
  }

  test("6: a watch that fails inside the server for over a minute is given up for a listing", async () => {
    const world = reflectedWorld({ streaming: false });
    await world.start();
    world.server.fail("watch", { status: 500 }, 100);
    world.server.cut();
    await world.clock.advance(30_000);
    expect(world.lists()).toHaveLength(1);
    await world.clock.advance(2 * MINUTE);
    expect(world.lists().length).toBeGreaterThan(1);
    expect(await world.restarts()).toHaveProperty("failing");
  });

  test("6: a server that asks for hours of patience is asked again within a minute and a half", async () => {
    const world = reflectedWorld({ streaming: false });
    await world.start();
    world.server.fail("watch", { status: 503, headers: { "retry-after": "86400" } });
    world.server.cut();
    await world.clock.advance(1.5 * MINUTE);
    world.server.put("a");
    await world.clock.settle();
    sameAs(world);
  });

  test("7: the back-off grows to 30 s, and two quiet minutes later begins anew", async () => {
    const world = reflectedWorld({ streaming: false });
    world.server.fail("list", { status: 403 }, 1_000);
    await world.start();
    await world.clock.advance(20 * MINUTE);
    const inTwenty = world.server.requests.length;
    // At a full jitter of up to 30 s: one each 15 s on average, after a few quick ones.
    expect(inTwenty).toBeGreaterThan(50);
    expect(inTwenty).toBeLessThan(130);
    world.server.heal();
    await world.clock.advance(5 * MINUTE);
    expect(world.cache.hasSynced).toBe(true);
    world.server.fail("watch", { status: 503 }, 1);
    world.server.cut();
    world.server.put("a");
    await world.clock.advance(1_600 + 800);
    sameAs(world);
  });

  test("7: an API server that is down for an hour is asked now and then, and not listed when it is back", async () => {
    const world = reflectedWorld({ streaming: false });
    await world.start();
    const down = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    world.server.fail("watch", down, 10_000);
    world.server.cut();
    await world.clock.advance(60 * MINUTE);
    world.server.put("a");
    world.server.heal();
    await world.clock.advance(MINUTE);
    expect(world.lists()).toHaveLength(1);
    expect(world.server.requests.filter((request) => request === "watch failed").length).toBeLessThan(400);
    sameAs(world);
  });

  test("8: a watch on which nothing is heard is begun again: three minutes after a bookmark, else when it should have ended", async () => {
    const bookmarked = reflectedWorld({ streaming: false });
    await bookmarked.start();
    bookmarked.server.bookmark();
    await bookmarked.clock.settle();
    bookmarked.server.silence();
    bookmarked.server.put("missed");
    await bookmarked.clock.advance(3 * MINUTE);
    sameAs(bookmarked);
    const plain = reflectedWorld({ streaming: false });
    await plain.start();
    plain.server.silence();
    plain.server.put("missed");
    await plain.clock.advance(5 * MINUTE);
    expect(plain.cache.size).toBe(0);
    await plain.clock.advance(5.5 * MINUTE);
    sameAs(plain);
    expect(await plain.restarts()).toEqual({ silent: 1 });
    expect(plain.lists()).toHaveLength(1);
    expect(plain.server.openWatches).toBe(1);
  });

  test("9: handlers hear a change when readers see it, one after the other (see c for one that throws)", async () => {
    const world = reflectedWorld();
    const seen: boolean[] = [];
    world.cache.subscribe(({ object }) => {
      seen.push(world.cache.get({ namespace: "team", name: object.metadata.name }) === object);
    });
    await world.start();
    world.server.put("a");
    world.server.put("b");
    world.server.put("a", { x: 1 });
    await world.clock.settle();
    expect(seen).toEqual([true, true, true]);
  });

  test("10: synced, initial, the state before, indexes, frozen objects without managed fields", async () => {
    const byOwner = ({ spec }: KubernetesObject): string[] => [String((spec as { owner?: string }).owner)];
    const world = reflectedWorld({ indexes: { owner: byOwner } });
    world.server.put("a", { owner: "x" });
    const stored = world.server.objects().get("team/a");
    Object.assign(stored?.metadata ?? {}, { managedFields: [{ manager: "m" }] });
    expect(world.cache.hasSynced).toBe(false);
    await world.start();
    expect(world.cache.hasSynced).toBe(true);
    const before = world.cache.get({ namespace: "team", name: "a" });
    expect(before?.metadata).not.toHaveProperty("managedFields");
    expect(Object.isFrozen(before?.["spec"])).toBe(true);
    world.server.put("a", { owner: "y" });
    await world.clock.settle();
    expect(world.events).toEqual(["added a initially", 'updated a was {"owner":"x"}']);
    expect(
      [world.cache.byIndex("owner", "x"), world.cache.byIndex("owner", "y")].map(({ length }) => length),
    ).toEqual([0, 1]);
    // What a listing finds unchanged is the same object, not a copy of it.
    const kept = world.cache.get({ namespace: "team", name: "a" });
    world.server.compact();
    world.server.put("b");
    world.server.silence();
    world.server.compact();
    world.server.end();
    await world.clock.advance(MINUTE);
    expect(world.cache.get({ namespace: "team", name: "a" })).toBe(kept);
  });

  test("11: metrics say how long listings took, what they found, why watches began anew, and how old the news is", async () => {
    const world = reflectedWorld({ streaming: false });
    world.tracker.watchCache("Project", world.cache);
    world.server.put("a");
    world.server.put("b");
    await world.start();
    world.server.end();
    await world.clock.advance(40_000);
    expect(await world.metric("list_items")).toEqual(['flaresmith_cache_list_items{kind="Project"} 2']);
    expect(await world.metric("list_duration_seconds_count")).toEqual([
      'flaresmith_cache_list_duration_seconds_count{kind="Project"} 1',
    ]);
    expect(await world.metric("objects")).toEqual(['flaresmith_cache_objects{kind="Project"} 2']);
    expect(await world.metric("last_event_age_seconds")).toEqual([
      'flaresmith_cache_last_event_age_seconds{kind="Project"} 40',
    ]);
    expect(await world.metric("resource_version")).toEqual([
      'flaresmith_cache_resource_version{kind="Project"} 2',
    ]);
    expect(await world.restarts()).toEqual({ "ended at once": 1 });
  });

  test("11: what fails is warned of once, and again when it comes back", async () => {
    const world = reflectedWorld({ streaming: false });
    const forbidden = (message: string) => ({ status: 403, body: { kind: "Status", code: 403, message } });
    world.server.fail("list", forbidden("projects is forbidden: cannot list"), 3);
    await world.start();
    await world.clock.advance(5 * MINUTE);
    // The listing succeeds in between each time, which says nothing about watches.
    world.server.fail("watch", forbidden("projects is forbidden: cannot watch"), 4);
    world.server.cut();
    await world.clock.advance(10 * MINUTE);
    expect(world.warnings()).toEqual([
      "projects is forbidden: cannot list",
      expect.stringContaining("socket hang up"),
      "projects is forbidden: cannot watch",
    ]);
    world.server.bookmark();
    await world.clock.settle();
    expect(world.cache.problem).toBeUndefined();
    world.server.fail("watch", forbidden("projects is forbidden: cannot watch"));
    world.server.end();
    await world.clock.settle();
    expect(world.warnings().slice(3)).toEqual(["projects is forbidden: cannot watch"]);
    expect(world.cache.problem).toBe("projects is forbidden: cannot watch");
  });

  test("11: a history that is over and a server without initial events are nobody's trouble", async () => {
    const world = reflectedWorld();
    world.server.sendsInitialEvents = false;
    await world.start();
    world.server.elsewhere();
    world.server.compact();
    world.server.end();
    await world.clock.advance(MINUTE);
    expect(world.lists()).toHaveLength(2);
    expect(world.warnings()).toEqual([]);
  });

  test("11: the age of a cache that was never filled counts from its start", async () => {
    const world = reflectedWorld();
    world.tracker.watchCache("Project", world.cache);
    world.server.fail("watch", { status: 403 }, 1_000);
    await world.clock.advance(MINUTE);
    await world.start();
    await world.clock.advance(10 * MINUTE);
    expect(await world.metric("last_event_age_seconds")).toEqual([
      'flaresmith_cache_last_event_age_seconds{kind="Project"} 600',
    ]);
    expect(await world.metric("resource_version")).toEqual([]);
  });

  test("12: a full resync takes keys from the cache, behind everything else, and asks the API nothing", async () => {
    const world = reflectedWorld();
    const { clock, server, tracker, stop } = world;
    for (const name of ["a", "b", "c"]) server.put(name);
    const runs: string[] = [];
    const manager = createManager({
      client: server.client,
      clock,
      random: seededRandom(),
      tracker,
      controllers: [
        {
          type: watchedType,
          name: "project",
          concurrency: 1,
          resyncInterval: () => 10 * MINUTE,
          reconcile: async ({ name }, { priority }) => {
            runs.push(`${name} ${priority === priorities.resync ? "resync" : "edit"}`);
            await clock.sleep(100);
            return done;
          },
        },
      ],
    });
    const running = manager.start(stop.signal);
    await clock.advance(MINUTE);
    runs.length = 0;
    await clock.advance(10 * MINUTE);
    expect(runs.toSorted()).toEqual(["a resync", "b resync", "c resync"]);
    expect(world.lists()).toEqual([]);
    expect(server.requests.filter((request) => request === "watch")).toHaveLength(1);
    stop.abort(new Error("over"));
    await clock.advance(MINUTE);
    await running;
  });
});
