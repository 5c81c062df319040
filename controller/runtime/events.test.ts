import { describe, expect, it } from "vitest";
import { ApiError } from "../store/resource-client.ts";
import type { KubernetesObject, ResourceClient, ResourceType } from "../store/resource-client.ts";
import { virtualClock } from "./adapters/virtual.ts";
import { createEventRecorder, eventType } from "./events.ts";
import type { EventInput } from "./events.ts";
import { memoryResourceClient } from "./testing/memory-resource-client.ts";

const shop: KubernetesObject = {
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Project",
  metadata: { name: "shop", namespace: "team", uid: "u-1" },
};
const created: EventInput = {
  type: "Normal",
  reason: "CreatedExternalResource",
  message: "Created repository acme/shop.",
};

const setUp = () => {
  const clock = virtualClock();
  const client = memoryResourceClient();
  const dropped: string[] = [];
  const make = () =>
    createEventRecorder({
      clock,
      component: "flaresmith",
      redact: (text) => text.replaceAll("hunter22", "[redacted]"),
      dropped: (reason) => dropped.push(reason),
    });
  const stop = new AbortController();
  const stored = async () => (await client.list(eventType)).items;
  return { clock, client, dropped, make, stop, stored };
};

describe("events", () => {
  it("are written once, with a count for repetitions, and nothing is written when nothing happened", async () => {
    const { clock, client, make, stop, stored } = setUp();
    const recorder = make();
    void recorder.run(client, stop.signal);
    await clock.advance(60_000);
    expect(client.requests).toEqual([]);

    recorder.record(shop, created);
    recorder.record(shop, created);
    await recorder.flush();
    await clock.advance(60_000);
    recorder.record(shop, created);
    await recorder.flush();
    expect(await stored()).toMatchObject([
      {
        metadata: { namespace: "team" },
        involvedObject: { kind: "Project", namespace: "team", name: "shop", uid: "u-1" },
        type: "Normal",
        reason: "CreatedExternalResource",
        count: 3,
        firstTimestamp: "2026-01-01T00:01:00Z",
        lastTimestamp: "2026-01-01T00:02:00Z",
        source: { component: "flaresmith" },
      },
    ]);
  });

  it("go on counting after a restart", async () => {
    const { client, make, stop, stored } = setUp();
    for (const recorder of [make(), make()]) {
      void recorder.run(client, stop.signal);
      recorder.record(shop, created);
      await recorder.flush();
    }
    expect(await stored()).toMatchObject([{ count: 2 }]);
  });

  it("become one combined event when an object floods with similar ones, and are limited per object", async () => {
    const { client, dropped, make, stop, stored } = setUp();
    const recorder = make();
    void recorder.run(client, stop.signal);
    for (let index = 0; index < 40; index++) {
      recorder.record(shop, { type: "Warning", reason: "CannotObserve", message: `message ${index}` });
    }
    await recorder.flush();
    const items = await stored();
    expect(items).toHaveLength(11);
    expect(items.find(({ message }) => String(message).startsWith("(combined"))).toMatchObject({ count: 15 });
    expect(dropped).toHaveLength(15);
    recorder.record({ ...shop, metadata: { ...shop.metadata, name: "other" } }, created);
    await recorder.flush();
    expect(await stored()).toHaveLength(12);
  });

  it("are written once however many loops write, and every loop ends", async () => {
    const { clock, client, make, stop, stored } = setUp();
    const recorder = make();
    const loops = [recorder.run(client, stop.signal), recorder.run(client, stop.signal)];
    for (const message of ["a", "b", "c"]) recorder.record(shop, { ...created, message });
    await recorder.flush();
    await clock.settle();
    recorder.record(shop, { ...created, message: "d" });
    await recorder.flush();
    expect(await stored()).toHaveLength(4);
    stop.abort();
    await Promise.all(loops);
  });

  it("carry no secret", async () => {
    const { client, make, stop, stored } = setUp();
    const recorder = make();
    void recorder.run(client, stop.signal);
    recorder.record(shop, { ...created, message: "refused hunter22" });
    await recorder.flush();
    expect(JSON.stringify(await stored())).not.toContain("hunter22");
  });

  it("survive an outage of the store, give up on a refusal, and are written when the process stops", async () => {
    const { clock, client, dropped, make, stop, stored } = setUp();
    const recorder = make();
    const running = recorder.run(client, stop.signal);
    client.failures.push({
      on: "create",
      error: new ApiError({ code: 503, reason: "ServiceUnavailable", message: "down" }),
    });
    recorder.record(shop, created);
    await clock.advance(9_000);
    expect(await stored()).toHaveLength(0);
    await clock.advance(2_000);
    expect(await stored()).toHaveLength(1);

    client.failures.push({
      on: "create",
      error: new ApiError({ code: 403, reason: "Forbidden", message: "terminating" }),
    });
    recorder.record(shop, { ...created, message: "refused" });
    await recorder.flush();
    expect(dropped).toEqual(["refused"]);

    recorder.record(shop, { ...created, message: "last" });
    stop.abort();
    await running;
    expect(await stored()).toHaveLength(2);
  });

  it("that are left when the process stops have two seconds, also the one that is being written", async () => {
    const { clock, client, make, stop } = setUp();
    const recorder = make();
    const create = (
      _type: ResourceType,
      _object: unknown,
      _options?: unknown,
      signal?: AbortSignal,
    ): Promise<never> =>
      new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    const hanging: ResourceClient = { ...client, create };
    let ended = false;
    void recorder.run(hanging, stop.signal).then(() => (ended = true));
    for (let index = 0; index < 20; index++) recorder.record(shop, { ...created, message: `${index}` });
    await clock.advance(1_000);
    stop.abort();
    await clock.advance(1_900);
    expect(ended).toBe(false);
    await clock.advance(100);
    expect(ended).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it("that are left are given up when the store is away as the process stops", async () => {
    const { clock, client, make, stop, stored } = setUp();
    const recorder = make();
    for (let index = 0; index < 20; index++) {
      recorder.record({ ...shop, metadata: { ...shop.metadata, name: `shop-${index}` } }, created);
    }
    client.failures.push({
      on: "create",
      error: new ApiError({ code: 503, reason: "ServiceUnavailable", message: "down" }),
    });
    stop.abort();
    await recorder.run(client, stop.signal);
    expect(client.requests).toEqual(["create events"]);
    expect(await stored()).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
