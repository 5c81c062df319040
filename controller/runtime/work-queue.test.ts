import { describe, expect, it } from "vitest";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import { createWorkQueue, priorities } from "./work-queue.ts";
import type { WorkQueueOptions } from "./work-queue.ts";

const setUp = (options: Partial<WorkQueueOptions> = {}) => {
  const clock = virtualClock();
  return { clock, queue: createWorkQueue({ clock, random: seededRandom(), ...options }) };
};

describe("the work queue", () => {
  it("holds a key once, in order of arrival", () => {
    const { queue } = setUp();
    queue.add("a");
    queue.add("b");
    queue.add("a");
    expect(queue.length).toBe(2);
    expect(queue.tryGet()?.key).toBe("a");
    expect(queue.tryGet()?.key).toBe("b");
    expect(queue.tryGet()).toBeUndefined();
  });

  it("never hands a key out twice at a time, and again when it was added meanwhile", () => {
    const { queue } = setUp();
    queue.add("a");
    queue.tryGet();
    queue.add("a");
    queue.add("a");
    expect(queue.tryGet()).toBeUndefined();
    queue.done("a");
    expect(queue.tryGet()?.key).toBe("a");
    queue.done("a");
    expect(queue.tryGet()).toBeUndefined();
  });

  it("serves a person's edit before webhooks, deletions and resyncs, also when the key was already there", () => {
    const { queue } = setUp();
    queue.add("resync");
    queue.add("edited");
    queue.add("deleted", { priority: priorities.deletion });
    queue.add("hooked", { priority: priorities.webhook });
    queue.add("edited", { priority: priorities.userEdit });
    queue.add("edited", { priority: priorities.resync });
    const order = Array.from({ length: 4 }, () => queue.tryGet()?.key);
    expect(order).toEqual(["edited", "hooked", "deleted", "resync"]);
  });

  it("wakes a waiting worker when a delayed key is due, the earliest of several delays counting", async () => {
    const { clock, queue } = setUp();
    let got: string | undefined;
    void queue.get().then((item) => (got = item?.key));
    queue.add("a", { after: 1000 });
    queue.add("a", { after: 400 });
    queue.add("a", { after: 2000 });
    await clock.advance(399);
    expect(got).toBeUndefined();
    await clock.advance(1);
    expect(got).toBe("a");
    queue.done("a");
    await clock.advance(5000);
    expect(queue.length).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("an edit of a key that waits for its retry runs at once", async () => {
    const { clock, queue } = setUp();
    queue.add("a", { after: 60_000 });
    queue.add("a", { priority: priorities.userEdit });
    expect(queue.tryGet()).toMatchObject({ key: "a", priority: priorities.userEdit });
    queue.done("a");
    await clock.advance(120_000);
    expect(queue.length).toBe(0);
  });

  it("backs off per key, doubling with full jitter up to the cap, and starts over when forgotten", () => {
    const { queue } = setUp({ random: { ...seededRandom(), next: () => 0 } });
    const delays = Array.from({ length: 20 }, () => {
      const delay = queue.addRateLimited("a");
      return delay;
    });
    expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(delays.at(-1)).toBe(1_000_000);
    expect(queue.failures("a")).toBe(20);
    expect(queue.addRateLimited("b")).toBe(5);
    queue.forget("a");
    expect(queue.addRateLimited("a")).toBe(5);
    const jittered = createWorkQueue({
      clock: virtualClock(),
      random: { ...seededRandom(), next: () => 0.75 },
    });
    expect(jittered.addRateLimited("a")).toBe(1.25);
  });

  it("backs off for each reason apart", () => {
    const { queue } = setUp({ random: { ...seededRandom(), next: () => 0 } });
    for (let waited = 0; waited < 20; waited += 1) queue.addRateLimited("a", { reason: "waits" });
    expect(queue.addRateLimited("a", { reason: "refused" })).toBe(5);
    expect(queue.addRateLimited("a", { reason: "waits" })).toBe(1_000_000);
    expect(queue.addRateLimited("a", { reason: "refused" })).toBe(10);
    queue.forget("a");
    expect(queue.addRateLimited("a", { reason: "waits" })).toBe(5);
  });

  it("keeps nothing of what was removed, also when nobody takes from it", () => {
    const { queue } = setUp();
    queue.add("stays");
    const removed = Array.from({ length: 10_000 }, (_, index) => {
      const key = `namespace-${index}/gone`;
      queue.add(key);
      queue.remove(key);
      return key;
    });
    expect(removed).toHaveLength(10_000);
    expect(queue.slots).toBeLessThan(2_000);
    expect(queue.tryGet()?.key).toBe("stays");
    expect(queue.tryGet()).toBeUndefined();
  });

  it("a waiting worker is released by its signal and takes nothing with it", async () => {
    const { queue } = setUp();
    const controller = new AbortController();
    const waiting = queue.get(controller.signal);
    controller.abort(new Error("stop"));
    await expect(waiting).rejects.toThrow("stop");
    queue.add("a");
    expect((await queue.get())?.key).toBe("a");
  });

  it("shutting down drains: ready keys are still handed out, delayed ones dropped, new ones refused", async () => {
    const { clock, queue } = setUp();
    const idle = setUp();
    const waiting = idle.queue.get();
    await idle.queue.shutDown();
    expect(await waiting).toBeUndefined();

    queue.add("ready");
    queue.add("later", { after: 50 });
    let drained = false;
    void queue.shutDown().then(() => (drained = true));
    queue.add("new");
    expect((await queue.get())?.key).toBe("ready");
    await clock.advance(100);
    expect(drained).toBe(false);
    queue.done("ready");
    await clock.settle();
    expect(drained).toBe(true);
    expect(await queue.get()).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  it("shutting down with discard finishes only what is being processed", async () => {
    const { queue } = setUp();
    queue.add("working");
    queue.add("ready");
    queue.tryGet();
    queue.add("working");
    const end = queue.shutDown({ discard: true });
    expect(await queue.get()).toBeUndefined();
    queue.done("working");
    await end;
    expect(queue.length).toBe(0);
  });

  it("a removed key does not come back, even when it was added while being processed", async () => {
    const { clock, queue } = setUp();
    queue.add("a");
    queue.add("b", { after: 10 });
    queue.tryGet();
    queue.add("a");
    queue.remove("a");
    queue.remove("b");
    queue.done("a");
    await clock.advance(20);
    expect(queue.tryGet()).toBeUndefined();
    expect(queue.delayed).toBe(0);
  });

  it("tells how long keys waited and were worked on", async () => {
    const seen: string[] = [];
    const { clock, queue } = setUp({
      observer: {
        added: (priority) => seen.push(`added ${priority}`),
        handedOut: (item) => seen.push(`out ${item.waited}`),
        done: (key, worked) => seen.push(`done ${key} ${worked}`),
        retried: () => seen.push("retried"),
      },
    });
    queue.add("a");
    await clock.advance(30);
    queue.tryGet();
    await clock.advance(20);
    queue.done("a");
    queue.addRateLimited("a");
    expect(seen).toEqual(["added 0", "out 30", "done a 20", "retried", "added 0"]);
  });
});
