/** What the controller remembers of a real API server, over a network that breaks in every way a network does. */
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { systemClock, systemRandom } from "../../controller/runtime/adapters/system.ts";
import { seededRandom, virtualClock } from "../../controller/runtime/adapters/virtual.ts";
import { createCache } from "../../controller/runtime/cache.ts";
import { createTracker } from "../../controller/runtime/tracker.ts";
import { connectCluster } from "../../controller/store/cluster/connect.ts";
import type {
  KubernetesObject,
  ResourceClient,
  ResourceType,
} from "../../controller/store/resource-client.ts";
import { eventually } from "../contract/contract-helpers.ts";
import { startKubernetes, type Kubernetes } from "./harness/kubernetes.ts";
import { startTcpProxy } from "./harness/tcp-proxy.ts";

const binaries = inject("binaries");
const NAMESPACE = "default";
const configMaps: ResourceType = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};
const MINUTE = 60_000;
/** How much time passes for a cache while it is waited for, each time that it is looked at. */
const STEP = 250;
/** Names that are written again and again. */
const NAMES = 40;

const connectTo = (access: Kubernetes["admin"], clock = systemClock()) =>
  connectCluster(access, { clock, random: systemRandom() });

describe.skipIf(binaries === undefined)("a cache over kube-apiserver", () => {
  let kubernetes: Kubernetes;
  let direct: ReturnType<typeof connectCluster>;
  const closing: (() => Promise<void> | void)[] = [];
  const random = seededRandom(1);

  beforeAll(async () => {
    kubernetes = await startKubernetes({ binaries: binaries ?? "", controllerManager: false });
    direct = connectTo(kubernetes.admin);
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });
  afterAll(async () => {
    await direct.close();
    await kubernetes.stop();
  });

  /** Creates, changes and deletes objects in any order. */
  async function write(times: number): Promise<void> {
    const { client } = direct;
    for (let left = times; left > 0; left -= 1) {
      const key = { namespace: NAMESPACE, name: `map-${Math.floor(random.next() * NAMES)}` };
      const found = await client.get(configMaps, key).catch(() => undefined);
      const data = { value: String(left), more: "x".repeat(Math.floor(random.next() * 2000)) };
      if (found === undefined)
        await client.create(configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: key, data });
      else if (random.next() < 0.3) await client.delete(configMaps, key);
      else await client.patch(configMaps, key, { type: "merge", body: { data } });
    }
  }

  const versions = (objects: readonly KubernetesObject[]): string[] =>
    objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion ?? ""}`).toSorted();
  const stored = async (client: ResourceClient): Promise<string[]> =>
    versions((await client.list(configMaps, { namespace: NAMESPACE })).items);

  /** A filled cache whose time passes when the test says so; the network and the server have their own. */
  async function follow(streaming: boolean) {
    await write(NAMES);
    const proxy = await startTcpProxy(Number(new URL(kubernetes.url).port));
    const clock = virtualClock();
    const through = connectTo({ ...kubernetes.admin, server: `https://127.0.0.1:${proxy.port}` }, clock);
    const tracker = createTracker({ clock });
    const cache = createCache({
      client: through.client,
      type: configMaps,
      namespace: NAMESPACE,
      clock,
      random: seededRandom(2),
      tracker,
      streaming,
      pageSize: 10,
    });
    const stop = new AbortController();
    const running = cache.run(stop.signal);
    closing.push(async () => {
      stop.abort(new Error("the test is over"));
      await running;
      await through.close();
      await proxy.close();
    });
    await cache.synced();
    const counted = async (name: string): Promise<Record<string, number>> => {
      const lines = (await tracker.exposition()).body.split("\n").filter((line) => line.startsWith(name));
      return Object.fromEntries(
        lines.map((line) => [/reason="([^"]*)"/.exec(line)?.[1] ?? "", Number(line.split(" ").at(-1))]),
      );
    };
    const world = {
      proxy,
      clock,
      cache,
      /** How often everything was read. */
      listings: async () => (await counted("flaresmith_cache_list_duration_seconds_count"))[""] ?? 0,
      restarts: () => counted("flaresmith_cache_watch_restarts_total"),
      /** Resolves when the cache holds what the server holds. */
      current: () =>
        eventually(async () => {
          await clock.advance(STEP);
          expect(versions(cache.list())).toEqual(await stored(direct.client));
        }),
    };
    // The watch is under way when it brings something.
    await write(1);
    await world.current();
    return world;
  }

  describe.each([
    { by: "WatchList", streaming: true },
    { by: "pages", streaming: false },
  ])("filled by $by", ({ streaming }) => {
    test("goes on where it was when connections are cut", async () => {
      const world = await follow(streaming);
      for (let times = 0; times < 4; times += 1) {
        const writing = write(40);
        world.proxy.cut();
        await writing;
        await world.current();
      }
      expect(await world.restarts()).toEqual({ unavailable: expect.any(Number) });
      expect(await world.listings()).toBe(1);
    });

    test("believes a watch that passes nothing on for minutes, then goes on where it was", async () => {
      const world = await follow(streaming);
      const before = versions(world.cache.list());
      world.proxy.silence();
      await write(40);
      await world.clock.advance(2 * MINUTE);
      expect(versions(world.cache.list())).toEqual(before);
      await world.clock.advance(9 * MINUTE);
      await world.current();
      expect(await world.restarts()).toMatchObject({ silent: expect.any(Number) });
      expect(await world.listings()).toBe(1);
    });

    test("reads everything once when its revision is forgotten (410)", async () => {
      const world = await follow(streaming);
      world.proxy.silence();
      await write(40);
      // A server that starts remembers nothing from before.
      await kubernetes.apiServer().kill();
      await kubernetes.startApiServer();
      await write(10);
      await world.clock.advance(11 * MINUTE);
      await world.current();
      expect(await world.restarts()).toMatchObject({ silent: expect.any(Number), expired: 1 });
      expect(await world.listings()).toBe(2);
    });

    test("is current again after the API server was killed and started", async () => {
      const world = await follow(streaming);
      await kubernetes.apiServer().kill();
      await world.clock.advance(5 * MINUTE);
      expect(world.cache.size).toBeGreaterThan(0);
      await kubernetes.startApiServer();
      await write(40);
      await world.current();
      // Nobody was asked for everything while it was away; whether a new server knows the revision is up to it.
      expect(await world.listings()).toBeLessThanOrEqual(2);
    });
  });
});
