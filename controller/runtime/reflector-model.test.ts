/** Whatever happens between an API server and a cache, and in whatever order: in the end the cache equals the server. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { watchedServer, watchedType } from "../store/cluster/testing/watched-server.ts";
import type { WatchedServer } from "../store/cluster/testing/watched-server.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import { createCache } from "./cache.ts";
import type { CacheEvent } from "./cache.ts";
import { createTracker } from "./tracker.ts";

type Act =
  | { act: "put" | "remove"; name: string }
  | { act: "pass"; milliseconds: number }
  | { act: "fail"; on: "list" | "watch"; code: number; times: number }
  | { act: "lag"; milliseconds: number }
  | { act: "garbage"; text: string }
  | { act: "initial"; sent: boolean }
  // Not `restore`: revisions that are given out twice cannot be told apart by anybody.
  | { act: "cut" | "end" | "silence" | "compact" | "bookmark" | "elsewhere" };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ act: fc.constant("put" as const), name: fc.constantFrom(..."abcdefgh") }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant("remove" as const), name: fc.constantFrom(..."abcdefgh") }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant("pass" as const),
      milliseconds: fc.constantFrom(0, 1, 500, 2_000, 40_000, 200_000, 700_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant("fail" as const),
      on: fc.constantFrom("list" as const, "watch" as const),
      code: fc.constantFrom(0, 400, 403, 404, 410, 422, 429, 500, 503),
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constant("lag" as const), milliseconds: fc.constantFrom(0, 10, 5_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant("garbage" as const),
      text: fc.constantFrom("{\n", '{"type":"NEW","object":{"metadata":{}}}\n', "\n\n", '{"type":"ADDED"}\n'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant("initial" as const), sent: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constantFrom(...(["cut", "end", "silence", "compact", "bookmark", "elsewhere"] as const)),
    }),
  },
);

function perform(server: WatchedServer, one: Exclude<Act, { act: "pass" }>): void {
  switch (one.act) {
    case "put":
      server.put(one.name);
      return;
    case "remove":
      server.remove(one.name);
      return;
    case "fail": {
      const { code, on, times } = one;
      const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
      server.fail(on, code === 0 ? reset : { status: code }, times);
      return;
    }
    case "lag":
      server.lag = one.milliseconds;
      return;
    case "garbage":
      server.send(one.text);
      return;
    case "initial":
      server.sendsInitialEvents = one.sent;
      return;
    default:
      server[one.act]();
  }
}

/** What a handler knows of the objects; complains about news that cannot be. */
function listener(): {
  hear: (event: CacheEvent<KubernetesObject>) => void;
  known: Map<string, KubernetesObject>;
  complaints: string[];
} {
  const known = new Map<string, KubernetesObject>();
  const complaints: string[] = [];
  const hear = (event: CacheEvent<KubernetesObject>): void => {
    const { name } = event.object.metadata;
    const before = known.get(name);
    if (event.type === "added" && before !== undefined) complaints.push(`${name} was added twice`);
    if (event.type === "updated" && before !== event.old)
      complaints.push(`${name} was not what it is said to have been`);
    if (event.type === "deleted" && before === undefined)
      complaints.push(`${name} was deleted and never there`);
    if (event.type === "deleted") known.delete(name);
    else known.set(name, event.object);
  };
  return { hear, known, complaints };
}

const versions = (objects: Iterable<KubernetesObject>): string[] =>
  [...objects]
    .map(({ metadata: { name, resourceVersion, uid } }) => `${name} ${uid} ${resourceVersion}`)
    .toSorted();

test("the cache ends equal to the server, and so does what its handlers heard", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 40 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 3 }),
      fc.nat(),
      async (acts, streaming, pageSize, seed) => {
        const clock = virtualClock();
        const server = watchedServer(clock);
        const cache = createCache<KubernetesObject>({
          client: server.client,
          type: watchedType,
          clock,
          random: seededRandom(seed),
          tracker: createTracker({ clock }),
          streaming,
          pageSize,
        });
        const { complaints, hear, known } = listener();
        cache.subscribe(hear);
        const stop = new AbortController();
        const running = cache.run(stop.signal);
        for (const one of acts) {
          if (one.act === "pass") await clock.advance(one.milliseconds);
          else perform(server, one);
        }
        server.heal();
        server.lag = 0;
        // The longest a silent watch is believed, and the longest back-off after it.
        await clock.advance(720_000);
        expect(versions(cache.list())).toEqual(versions(server.objects().values()));
        expect(versions(known.values())).toEqual(versions(server.objects().values()));
        expect(complaints).toEqual([]);
        expect(cache.hasSynced).toBe(true);
        expect(server.openWatches).toBe(1);
        stop.abort(new Error("over"));
        await running;
        expect(server.openWatches).toBe(0);
        expect(clock.pendingTimers).toBe(0);
      },
    ),
    { numRuns: 2_000 },
  );
}, 120_000);
