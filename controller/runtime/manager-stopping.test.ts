import { describe, expect, it } from "vitest";
import { done } from "./manager.ts";
import { managedWorld as setUp, object, projects } from "./testing/managed-world.ts";

describe("stopping", () => {
  it("finishes what is being reconciled, takes up nothing new, writes the last events, leaves no timer", async () => {
    const finished: string[] = [];
    const world = setUp(
      async ({ key, clock, tracker, object: project }) => {
        await clock.sleep(5000);
        tracker.event(project, { type: "Normal", reason: "UpdatedExternalResource", message: key.name });
        finished.push(key.name);
        return done;
      },
      { concurrency: 1 },
    );
    for (const name of ["a", "b"]) await world.client.create(projects, object("Project", name));
    const running = world.manager.start(world.stop.signal);
    await world.clock.settle();
    expect(world.manager.ready).toBe(true);
    world.stop.abort();
    await world.clock.advance(6000);
    await running;
    expect(finished).toEqual(["a"]);
    expect(world.client.requests).toContain("create events");
    expect(world.manager.ready).toBe(false);
    expect(world.client.openWatches).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it("aborts what is still running after the drain time, and counts it as no failure", async () => {
    const world = setUp(async ({ clock, signal }) => {
      await clock.sleep(3_600_000, signal);
      return done;
    });
    await world.client.create(projects, object("Project", "shop"));
    const running = world.manager.start(world.stop.signal);
    await world.clock.settle();
    const stopped = world.manager.stop();
    await world.clock.advance(19_000);
    expect(world.lines).toEqual([]);
    await world.clock.advance(1000);
    await stopped;
    await running;
    expect((await world.tracker.exposition()).body).toContain('result="error"} 0');
  });

  it("ends at once when told to, e.g. because somebody else leads", async () => {
    const world = setUp(async ({ clock, signal }) => {
      await clock.sleep(3_600_000, signal);
      return done;
    });
    await world.client.create(projects, object("Project", "shop"));
    const running = world.manager.start(world.stop.signal);
    await world.clock.settle();
    await world.manager.stop({ drain: 0 });
    await running;
    expect(world.clock.monotonic()).toBe(0);
  });

  it("ends at once when told to while it lets reconciliations finish", async () => {
    const world = setUp(async ({ clock, signal }) => {
      await clock.sleep(3_600_000, signal);
      return done;
    });
    await world.client.create(projects, object("Project", "shop"));
    const running = world.manager.start(world.stop.signal);
    await world.clock.settle();
    const draining = world.manager.stop();
    await world.clock.advance(5_000);
    await world.manager.stop({ drain: 0 });
    await Promise.all([draining, running]);
    expect(world.clock.monotonic()).toBe(5_000);
    expect(world.lines).toEqual([]);
  });

  it("does not wait for what ignores that it was aborted", async () => {
    const world = setUp(() => new Promise<never>(() => undefined));
    await world.client.create(projects, object("Project", "shop"));
    void world.manager.start(world.stop.signal);
    await world.clock.settle();
    const draining = world.manager.stop();
    await world.clock.advance(5_000);
    await world.manager.stop({ drain: 0 });
    await draining;
    expect(world.clock.monotonic()).toBe(5_000);
  });

  it("ends also while the caches were never filled", async () => {
    const world = setUp();
    for (let index = 0; index < 100; index++)
      world.client.failures.push({ on: "watch", error: new Error("down") });
    const running = world.manager.start(world.stop.signal);
    await world.clock.advance(1000);
    expect(world.manager.ready).toBe(false);
    world.stop.abort();
    await running;
    expect(world.runs).toEqual([]);
  });
});
