/** Who leads, as several processes see it that share nothing but a Lease. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { builtinTypes, openEmbeddedStore } from "../store/embedded/index.ts";
import type { EmbeddedStore } from "../store/embedded/index.ts";
import { ApiError } from "../store/resource-client.ts";
import type { KubernetesObject, ResourceClient } from "../store/resource-client.ts";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import type { VirtualClock } from "./adapters/virtual.ts";
import type { Clock } from "./clock.ts";
import { createLeaderElection, leaseType } from "./leader-election.ts";
import type { LeaderElection } from "./leader-election.ts";
import { createTracker } from "./tracker.ts";
import type { Tracker } from "./tracker.ts";

const KEY = { namespace: "flaresmith-system", name: "flaresmith-controller" };

/** The way between one candidate and the API. */
interface Network {
  /** Milliseconds that a request takes. */
  latency: number;
  state: "up" | "refused" | "silent";
}

interface Candidate {
  election: LeaderElection;
  network: Network;
  tracker: Tracker;
  /** Whether it acts as the leader: what the rest of the process believes. */
  readonly acts: boolean;
  /** Times at which it began and ceased to lead. */
  readonly history: string[];
  /** Ends in order: the lease is released. */
  shutDown: () => Promise<void>;
  /** Ends as a killed process does. */
  crash: () => void;
  /** The process is stopped (SIGSTOP, a paused machine): its timers wait until it goes on. */
  pause: () => void;
  goOn: () => void;
}

interface World {
  clock: VirtualClock;
  store: EmbeddedStore;
  candidate: (name: string, options?: { skew?: number }) => Candidate;
  lease: () => Promise<KubernetesObject>;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function createWorld(seed = 1): Promise<World> {
  const clock = virtualClock();
  const random = seededRandom(seed);
  const store = await openEmbeddedStore({ path: ":memory:", clock, random, types: builtinTypes });
  const namespaces = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
  await store.create(namespaces, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: KEY.namespace },
  });
  closing.push(() => store.close());
  const candidate: World["candidate"] = (name, { skew = 0 } = {}) => {
    const network: Network = { latency: 0, state: "up" };
    const life = new AbortController();
    const keeping = new AbortController();
    const history: string[] = [];
    let acts = false;
    // Each process has a clock of its own: the time differs, the speed does not.
    const { ownClock, goOn, pause } = pausable({ ...clock, now: () => clock.now() + skew });
    const tracker = createTracker({ clock: ownClock });
    const election = createLeaderElection({
      client: over(store, network, clock, life.signal),
      clock: ownClock,
      random: seededRandom(random.next() * 2 ** 31),
      tracker,
      ...KEY,
      identity: name,
    });
    const live = async (): Promise<void> => {
      await election.acquire(life.signal);
      acts = true;
      history.push(`leads at ${clock.monotonic()}`);
      await election.keep(keeping.signal);
      if (!keeping.signal.aborted) {
        acts = false;
        history.push(`lost at ${clock.monotonic()}`);
      }
    };
    const living = live().catch(() => undefined);
    return {
      election,
      network,
      tracker,
      history,
      get acts() {
        return acts;
      },
      shutDown: async () => {
        if (!acts) life.abort(new Error("shutdown"));
        keeping.abort(new Error("shutdown"));
        await living;
        acts = false;
        await election.release();
        life.abort(new Error("shutdown"));
      },
      pause,
      goOn,
      crash: () => {
        acts = false;
        network.state = "silent";
        life.abort(new Error("killed"));
        keeping.abort(new Error("killed"));
      },
    };
  };
  return {
    clock,
    store,
    candidate,
    lease: () => store.get(leaseType, KEY),
  };
}

/** A clock whose timers can be held. */
function pausable(clock: Clock): { ownClock: Clock; pause: () => void; goOn: () => void } {
  let held: (() => void)[] | undefined;
  const setTimer: Clock["setTimer"] = (milliseconds, callback) =>
    clock.setTimer(milliseconds, () => {
      if (held === undefined) callback();
      else held.push(callback);
    });
  const sleep: Clock["sleep"] = (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimer(milliseconds, resolve);
      const abort = (): void => {
        timer.cancel();
        reject(signal?.reason as Error);
      };
      if (signal?.aborted === true) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  return {
    ownClock: { ...clock, setTimer, sleep },
    pause: () => {
      held ??= [];
    },
    goOn: () => {
      const due = held ?? [];
      held = undefined;
      for (const callback of due) callback();
    },
  };
}

/** The store over a network. A dead process hears nothing any more. */
function over(
  store: EmbeddedStore,
  network: Network,
  clock: VirtualClock,
  life: AbortSignal,
): ResourceClient {
  const travel = async (signal?: AbortSignal): Promise<void> => {
    const { latency, state } = network;
    if (state === "silent" || life.aborted) {
      await new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
      });
    }
    if (latency > 0) await clock.sleep(latency / 2);
    if (state === "refused")
      throw new ApiError({ code: 503, reason: "ServiceUnavailable", message: "refused" });
  };
  const call =
    (method: "get" | "create" | "update") =>
    async (...parameters: unknown[]): Promise<unknown> => {
      const signal = parameters.find((parameter) => parameter instanceof AbortSignal);
      await travel(signal);
      // What has arrived is done, whatever becomes of the answer.
      const written = parameters.filter((parameter) => !(parameter instanceof AbortSignal));
      const answer: unknown = await (store[method] as (...all: unknown[]) => Promise<unknown>)(...written);
      await travel(signal);
      return answer;
    };
  return { get: call("get"), create: call("create"), update: call("update") } as unknown as ResourceClient;
}

const leading = (candidates: readonly Candidate[]): number =>
  candidates.filter(({ acts, election }) => acts && election.leads).length;

describe("one of several", () => {
  it("leads, and the others wait and know who does", async () => {
    const { candidate, clock, lease } = await createWorld();
    const [a, b] = [candidate("a"), candidate("b")];
    await clock.advance(60_000);
    expect([a.acts, b.acts]).toEqual([true, false]);
    expect(b.election.lease?.holder).toBe("a");
    expect((await lease()).spec).toEqual({
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: "2026-01-01T00:01:00.000000Z",
      leaseTransitions: 0,
    });
    expect(await metrics(a)).toBe('leader_election_master_status{name="flaresmith-controller"} 1');
    expect(await metrics(b)).toBe('leader_election_master_status{name="flaresmith-controller"} 0');
  });

  it("ends in order, and the next one leads within 3 seconds, so that it has acted after 5", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { candidate, clock, lease } = await createWorld(seed);
      const [a, b] = [candidate("a"), candidate("b")];
      await clock.advance(30_000 + 150 * seed);
      const leader = a.acts ? a : b;
      await leader.shutDown();
      expect((await lease()).spec).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
      await clock.advance(3_000);
      expect(leading([a, b])).toBe(1);
      expect(leader.acts).toBe(false);
      expect((await lease()).spec).toMatchObject({ leaseTransitions: 1, leaseDurationSeconds: 15 });
    }
  });

  it("is killed, and the next one leads after the lease ran out and within 18 seconds, so that it has acted after 20", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { candidate, clock } = await createWorld(seed);
      const [a, b] = [candidate("a"), candidate("b")];
      await clock.advance(30_000 + 10 * seed);
      a.crash();
      await clock.advance(12_000);
      expect(b.acts).toBe(false);
      await clock.advance(6_000);
      expect(b.acts).toBe(true);
    }
  });

  it("keeps the lease though its clock is an hour off, either way", async () => {
    for (const skew of [3_600_000, -3_600_000]) {
      const { candidate, clock } = await createWorld();
      const [a, b] = [candidate("a"), candidate("b", { skew })];
      await clock.advance(300_000);
      expect([a.acts, b.acts]).toEqual([true, false]);
      a.crash();
      await clock.advance(20_000);
      expect(b.acts).toBe(true);
      const back = candidate("c");
      await clock.advance(300_000);
      expect([back.acts, b.acts]).toEqual([false, true]);
    }
  });
});

it("that was stopped for a minute knows as soon as it goes on, and the lease is somebody else's", async () => {
  const { candidate, clock } = await createWorld();
  const [a, b] = [candidate("a"), candidate("b")];
  await clock.advance(10_000);
  a.pause();
  await clock.advance(60_000);
  expect([a.acts, a.election.leads, b.acts]).toEqual([true, false, true]);
  a.goOn();
  await clock.settle();
  expect(a.acts).toBe(false);
});

describe("the API", () => {
  it("is away for 7 seconds: the leader stays", async () => {
    const { candidate, clock } = await createWorld();
    const [a, b] = [candidate("a"), candidate("b")];
    await clock.advance(30_000);
    for (const one of [a, b]) one.network.state = "refused";
    await clock.advance(7_000);
    for (const one of [a, b]) one.network.state = "up";
    await clock.advance(60_000);
    expect(a.history).toEqual(["leads at 0"]);
    expect(b.history).toEqual([]);
  });

  it("is away for longer: the leader gives up before anybody else may take over", async () => {
    const { candidate, clock } = await createWorld();
    const [a, b] = [candidate("a"), candidate("b")];
    await clock.advance(30_000);
    a.network.state = "silent";
    await clock.advance(11_000);
    expect([a.acts, a.election.leads, b.acts]).toEqual([false, false, false]);
    expect(await metrics(a)).toMatch(/ 0$/);
    await clock.advance(9_000);
    expect(b.acts).toBe(true);
  });

  it("has one request that hangs: the lease is not lost over it", async () => {
    const { candidate, clock } = await createWorld();
    const a = candidate("a");
    await clock.advance(30_500);
    a.network.state = "silent";
    await clock.advance(2_000);
    a.network.state = "up";
    await clock.advance(60_000);
    expect(a.history).toEqual(["leads at 0"]);
  });

  it("lets the lease be edited by a person: the leader renews what it then is", async () => {
    const { candidate, clock, lease, store } = await createWorld();
    const a = candidate("a");
    await clock.advance(10_000);
    const note = { metadata: { annotations: { note: "who is that?" } } };
    await store.patch(leaseType, KEY, { type: "merge", body: note });
    await clock.advance(60_000);
    expect(a.history).toEqual(["leads at 0"]);
    expect((await lease()).metadata.annotations).toEqual({ note: "who is that?" });
  });

  it("lets the lease be deleted: somebody leads again, and never two", async () => {
    const { candidate, clock, store } = await createWorld();
    const [a, b] = [candidate("a"), candidate("b")];
    await clock.advance(10_000);
    await store.delete(leaseType, KEY);
    await clock.advance(30_000);
    expect(leading([a, b])).toBe(1);
  });

  it("lets the lease be taken away by force: the former leader stops at its next renewal", async () => {
    const { candidate, clock, store } = await createWorld();
    const a = candidate("a");
    await clock.advance(10_500);
    await store.patch(leaseType, KEY, { type: "merge", body: { spec: { holderIdentity: "somebody" } } });
    await clock.advance(2_000);
    expect(a.acts).toBe(false);
  });
});

it("what happens is told in an event about the lease", async () => {
  const { candidate, clock, store } = await createWorld();
  const a = candidate("a");
  const stop = new AbortController();
  void a.tracker.events.run(store, stop.signal);
  await clock.advance(1_000);
  a.network.state = "silent";
  await clock.advance(20_000);
  const events = { group: "", version: "v1", kind: "Event", plural: "events", namespaced: true };
  const { items } = await store.list(events);
  expect(
    items.map(({ involvedObject, message, reason }) => ({ ...(involvedObject as object), message, reason })),
  ).toEqual(
    ["a became leader", "a stopped leading"].map((message) =>
      expect.objectContaining({ kind: "Lease", name: KEY.name, reason: "LeaderElection", message }),
    ),
  );
  stop.abort(new Error("over"));
});

it("times that cannot work are refused", async () => {
  const { clock, store } = await createWorld();
  const make = (times: object): LeaderElection =>
    createLeaderElection({
      client: store,
      clock,
      random: seededRandom(),
      tracker: createTracker({ clock }),
      ...KEY,
      identity: "a",
      ...times,
    });
  expect(() => make({ leaseDuration: 10_000 })).toThrow(RangeError);
  expect(() => make({ renewDeadline: 2_000 })).toThrow(RangeError);
  make({ leaseDuration: 60_000, renewDeadline: 50_000, retryPeriod: 10_000 });
});

describe("whatever happens", () => {
  const trouble = fc.record({
    who: fc.integer({ min: 0, max: 2 }),
    what: fc.constantFrom("refused", "silent", "slow", "up", "crash", "shutDown", "pause"),
    after: fc.constantFrom(0, 300, 1_900, 2_100, 4_900, 9_000, 14_900, 15_100, 40_000),
  });

  it("two never lead at once, and in the end one does", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(trouble, { maxLength: 25 }), fc.nat(), async (troubles, seed) => {
        const { candidate, clock } = await createWorld(seed);
        const candidates = ["a", "b", "c"].map((name, index) => candidate(name, { skew: index * 777_000 }));
        const gone: Candidate[] = [];
        let born = 0;
        const watchFor = async (milliseconds: number): Promise<void> => {
          for (let passed = 0; passed < milliseconds; passed += 500) {
            await clock.advance(Math.min(500, milliseconds - passed));
            expect(leading([...candidates, ...gone])).toBeLessThanOrEqual(1);
          }
        };
        for (const { after, what, who } of troubles) {
          const one = candidates[who];
          if (one === undefined) continue;
          if (what === "crash") one.crash();
          else if (what === "shutDown") void one.shutDown();
          if (what === "slow") one.network.latency = 3_000;
          else if (what === "up") Object.assign(one.network, { latency: 0, state: "up" });
          else if (what === "refused" || what === "silent") one.network.state = what;
          else if (what === "pause") one.pause();
          if (what === "crash" || what === "shutDown") {
            gone.push(one);
            candidates[who] = candidate(`${"abc"[who] ?? ""}${++born}`, { skew: born * -333_000 });
          }
          await watchFor(after);
          one.goOn();
        }
        for (const one of candidates) Object.assign(one.network, { latency: 0, state: "up" });
        // Those that lost the lease have ended, as the process does; one more is always there.
        candidates.push(candidate("last"));
        await watchFor(30_000);
        expect(leading(candidates)).toBe(1);
      }),
      { numRuns: 150 },
    );
  }, 120_000);
});

async function metrics({ tracker }: Candidate): Promise<string> {
  const { body } = await tracker.exposition();
  return body.split("\n").find((line) => line.startsWith("leader_election_master_status")) ?? "";
}
