import { describe, expect, it } from "vitest";
import { ApiError } from "../store/resource-client.ts";
import type { KubernetesObject, ResourceType } from "../store/resource-client.ts";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import { createCache } from "./cache.ts";
import type { CacheEvent, CacheOptions } from "./cache.ts";
import { memoryResourceClient } from "./testing/memory-resource-client.ts";
import { createTracker } from "./tracker.ts";

const projects: ResourceType = {
  group: "flaresmith.dev",
  version: "v1alpha1",
  kind: "Project",
  plural: "projects",
  namespaced: true,
};
const project = (name: string, spec: Record<string, unknown> = {}, namespace = "team"): KubernetesObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Project",
  metadata: { name, namespace },
  spec,
});

const setUp = (options: Partial<CacheOptions<KubernetesObject>> = {}) => {
  const clock = virtualClock();
  const client = memoryResourceClient();
  const tracker = createTracker({ clock });
  const stop = new AbortController();
  const cache = createCache({ client, type: projects, clock, random: seededRandom(), tracker, ...options });
  const events: string[] = [];
  const hear = (event: CacheEvent<KubernetesObject>): void => {
    const old = event.type === "updated" ? ` was ${JSON.stringify(event.old["spec"])}` : "";
    const initial = event.type === "added" && event.initial ? " initially" : "";
    events.push(`${event.type} ${event.object.metadata.name}${initial}${old}`);
  };
  const names = (): string[] =>
    cache
      .list()
      .map(({ metadata }) => metadata.name)
      .toSorted();
  return { clock, client, tracker, stop, cache, events, hear, names };
};

describe("the cache", () => {
  it("lists in pages, then follows every change, and tells handlers what was before", async () => {
    const { clock, client, stop, cache, events, hear, names } = setUp({ pageSize: 2, streaming: false });
    for (const name of ["a", "b", "c"]) await client.create(projects, project(name));
    cache.subscribe(hear);
    expect(cache.hasSynced).toBe(false);
    void cache.run(stop.signal);
    await cache.synced();
    expect(client.requests.filter((request) => request.startsWith("list"))).toHaveLength(2);
    expect(names()).toEqual(["a", "b", "c"]);
    await client.create(projects, project("d"));
    await client.patch(
      projects,
      { namespace: "team", name: "a" },
      { type: "merge", body: { spec: { x: 1 } } },
    );
    await client.delete(projects, { namespace: "team", name: "b" });
    await clock.settle();
    expect(events).toEqual([
      "added a initially",
      "added b initially",
      "added c initially",
      "added d",
      "updated a was {}",
      "deleted b",
    ]);
    expect(cache.get({ namespace: "team", name: "a" })).toMatchObject({ spec: { x: 1 } });
    expect(names()).toEqual(["a", "c", "d"]);
  });

  it("hands out frozen, shared objects without managed fields", async () => {
    const { client, stop, cache } = setUp();
    const managedFields = [
      { manager: "m", operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1: {} },
    ] as const;
    const raw = project("a", { list: [{ deep: 1 }] });
    await client.create(projects, {
      ...raw,
      metadata: { ...raw.metadata, managedFields: [...managedFields] },
    });
    void cache.run(stop.signal);
    await cache.synced();
    const object = cache.get({ namespace: "team", name: "a" });
    expect(object?.metadata).not.toHaveProperty("managedFields");
    const spec = object?.["spec"] as { list: object[] } | undefined;
    expect(Object.isFrozen(spec?.list[0])).toBe(true);
    expect(cache.get({ namespace: "team", name: "a" })).toBe(object);
  });

  it("finds by index and by namespace, and forgets what an object no longer says", async () => {
    const byOwner = (object: KubernetesObject): string[] => [
      String((object["spec"] as { owner?: string }).owner),
    ];
    const { clock, client, stop, cache } = setUp({ indexes: { owner: byOwner } });
    await client.create(projects, project("a", { owner: "x" }));
    await client.create(projects, project("b", { owner: "x" }, "other"));
    void cache.run(stop.signal);
    await cache.synced();
    const owned = (owner: string): string[] =>
      cache
        .byIndex("owner", owner)
        .map(({ metadata }) => metadata.name)
        .toSorted();
    expect(owned("x")).toEqual(["a", "b"]);
    expect(cache.list("other").map(({ metadata }) => metadata.name)).toEqual(["b"]);
    await client.patch(
      projects,
      { namespace: "team", name: "a" },
      { type: "merge", body: { spec: { owner: "y" } } },
    );
    await client.delete(projects, { namespace: "other", name: "b" });
    await clock.settle();
    expect(owned("x")).toEqual([]);
    expect(owned("y")).toEqual(["a"]);
    expect(() => cache.byIndex("unknown", "x")).toThrow(RangeError);
    cache.addIndex("name", ({ metadata }) => [metadata.name]);
    expect(cache.byIndex("name", "a")).toHaveLength(1);
  });

  it("an object that was deleted and made anew while nobody watched is two objects", async () => {
    const { clock, client, stop, cache, events, hear } = setUp();
    await client.create(projects, project("a"));
    void cache.run(stop.signal);
    await cache.synced();
    cache.subscribe(hear);
    await clock.settle();
    client.failures.push({
      on: "watch",
      error: new ApiError({ code: 503, reason: "ServiceUnavailable", message: "down" }),
    });
    client.endWatches();
    await clock.settle();
    await client.delete(projects, { namespace: "team", name: "a" });
    await client.create(projects, project("a"));
    client.compact();
    await clock.advance(60_000);
    expect(events).toEqual(["added a initially", "deleted a", "added a"]);
  });

  it("is not stopped by a handler that throws, and tells late subscribers what is there", async () => {
    const { clock, client, tracker, stop, cache, events, hear } = setUp();
    cache.subscribe(() => {
      throw new Error("handler");
    });
    void cache.run(stop.signal);
    await cache.synced();
    await client.create(projects, project("a"));
    await clock.settle();
    const leave = cache.subscribe(hear);
    leave();
    await client.create(projects, project("b"));
    await clock.settle();
    expect(events).toEqual(["added a initially"]);
    expect(cache.size).toBe(2);
    expect((await tracker.exposition()).body).toContain(
      'flaresmith_cache_handler_errors_total{kind="Project"} 2',
    );
  });
});
