import { describe, expect, it } from "vitest";
import { ApiError } from "../store/resource-client.ts";
import { done } from "./manager.ts";
import type { ReconcileContext, ReconcileResult } from "./manager.ts";
import { managedWorld as setUp, object, projects, shop } from "./testing/managed-world.ts";

describe("a 404 about an object that the cache has", () => {
  const missing = (): ApiError =>
    new ApiError({ code: 404, reason: "NotFound", message: 'projects "shop" not found' });
  const write = async ({ client }: ReconcileContext): Promise<ReconcileResult> => {
    await client.patchStatus(projects, shop, { type: "merge", body: { status: { state: "active" } } });
    return done;
  };

  it("that passes delays its status and does not lose it", async () => {
    const world = setUp(write);
    await world.client.create(projects, object("Project", "shop"));
    for (const on of ["patch", "get", "get"]) world.client.failures.push({ on, error: missing() });
    await world.start();
    await world.clock.advance(30_000);
    expect(world.client.failures).toEqual([]);
    expect((await world.client.get(projects, shop))["status"]).toEqual({ state: "active" });
  });

  it("that passes delays a deletion and does not lose it", async () => {
    const world = setUp(async ({ client }) => {
      await client.delete(projects, shop);
      return done;
    });
    const deletionTimestamp = "2026-01-01T00:00:00Z";
    const leaving = object("Project", "shop");
    await world.client.create(projects, { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp } });
    for (let count = 0; count < 2; count++) world.client.failures.push({ on: "get", error: missing() });
    await world.start();
    await world.clock.advance(30_000);
    expect(world.client.failures).toEqual([]);
    await expect(world.client.get(projects, shop)).rejects.toMatchObject({ reason: "NotFound" });
  });

  it("that stays costs one read each time, and ends when the cache hears of it", async () => {
    const world = setUp(write);
    await world.client.create(projects, object("Project", "shop"));
    world.client.failures.push({ on: "patch", error: missing() });
    for (let count = 0; count < 1000; count++) world.client.failures.push({ on: "get", error: missing() });
    await world.start();
    await world.clock.advance(600_000);
    expect(world.runs).toHaveLength(1);
    const reads = (): number => world.client.requests.filter((request) => request.startsWith("get")).length;
    const read = reads();
    expect(read).toBeGreaterThan(50);
    expect(read).toBeLessThan(70);
    await world.client.delete(projects, shop);
    await world.clock.advance(600_000);
    expect(reads()).toBe(read);
  });
});
