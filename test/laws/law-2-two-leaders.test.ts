/** Law 2: two controllers that both believe to lead make exactly one of everything. A lease is no fence; the store is. */
import { describe, expect, it } from "vitest";
import { createLeaderElection, leaseType } from "../../controller/runtime/leader-election.ts";
import type { LeaderElection } from "../../controller/runtime/leader-election.ts";
import { createTracker } from "../../controller/runtime/tracker.ts";
import { seededRandom } from "../../sandbox/core/random.ts";
import { startController } from "../support/controller.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { laggingStore } from "./lagging.ts";
import { pausableProcess } from "./pausable.ts";
import { applySmallShop, fleetingShop, gone, smallShop, smallShopNames } from "./small-shop.ts";
import { connectedStore, names, unready } from "./support.ts";

const expected = await smallShopNames();

describe("two that act all the time, each with caches of its own", () => {
  for (let seed = 1; seed <= 8; seed++) {
    it(`exactly one of everything, and nothing is left when all is deleted (seed ${seed})`, async () => {
      const base = await connectedStore();
      const noise = seededRandom(seed);
      const late = (): ReturnType<typeof laggingStore> =>
        laggingStore(base.store, base.time, () => Math.floor(noise.next() * 3_000));
      const worlds: World[] = [];
      for (const [index, { store }] of [late(), late()].entries()) {
        const { sandbox, time } = base;
        worlds.push(await createWorld({ sandbox, store, time, seed: seed * 10 + index }));
      }
      const [one] = worlds;
      if (one === undefined) throw new Error("there is no world");
      seedTemplate(one);
      await one.apply(...fleetingShop());
      await one.settle(60 * 60_000);
      expect(await unready(one)).toEqual([]);
      expect(names(one.sandbox)).toEqual(expected);
      await one.delete("Project", "shop");
      await gone(one);
      expect(names(one.sandbox)).toEqual([]);
      for (const world of worlds) await world.stop();
    });
  }
});

interface Replica {
  process: ReturnType<typeof pausableProcess>;
  election: LeaderElection;
  /** Resolves when the lease is lost and the process has ended. */
  lost: Promise<void>;
}

/** A whole controller with its election, as the command puts them together. */
function startReplica(
  base: World,
  name: string,
  seed: number,
  pause?: Parameters<typeof pausableProcess>[1],
): Replica {
  const process = pausableProcess(base, pause);
  const noise = seededRandom(seed);
  const random = {
    next: () => noise.next(),
    hex: (bytes: number) => noise.string(bytes * 2),
    uuid: () => noise.uuid(),
  };
  const { client, clock, fetch } = process;
  const lease = { namespace: "default", name: "flaresmith-controller", identity: name };
  const election = createLeaderElection({
    client,
    clock,
    random,
    tracker: createTracker({ clock }),
    ...lease,
  });
  const lost = Promise.withResolvers<void>();
  const keeping = new AbortController();
  const controller = startController({
    client,
    clock,
    random,
    fetch,
    leadership: async (signal) => {
      await election.acquire(signal);
      void election.keep(keeping.signal).then(async () => {
        await controller.manager.stop({ drain: 0 });
        controller.abort(new Error("the lease is lost"));
        await controller.ended;
        lost.resolve();
      });
    },
  });
  return { process, election, lost: lost.promise };
}

describe("a leader that is stopped for a minute in the middle of its work, and goes on as if nothing had happened", async () => {
  const counted = await (async () => {
    const base = await connectedStore();
    let changes = 0;
    const replica = startReplica(base, "counting", 3, () => {
      changes++;
      return false;
    });
    await applySmallShop(base);
    await base.settle();
    replica.process.kill();
    return changes;
  })();
  const moments = Array.from({ length: counted }, (_, index) => index);

  it.each(moments)(
    "before its changing request %i: the other one takes over, and there is one of everything",
    async (at) => {
      const base = await connectedStore();
      let seen = 0;
      const first = startReplica(base, "first", 1, () => seen++ === at);
      await applySmallShop(base);
      await base.until(() => first.process.paused, 1_200_000);
      const second = startReplica(base, "second", 2);
      await base.pass(60_000);
      expect([first.election.leads, second.election.leads]).toEqual([false, true]);
      const before = base.mark();
      first.process.goOn();
      await base.settle(30 * 60_000);
      await base.pass(60_000);
      await first.lost;
      expect(await unready(base)).toEqual([]);
      expect(names(base.sandbox)).toEqual(expected);
      // What was on its way is all that the former leader still did.
      expect(first.process.changesSince(before)).toBeLessThanOrEqual(8);
      const lease = await base.store.get(leaseType, { namespace: "default", name: "flaresmith-controller" });
      expect(lease["spec"]).toMatchObject({ holderIdentity: "second", leaseTransitions: 1 });
      first.process.kill();
      second.process.kill();
    },
  );
});

it("one whose news is half an hour late does not bring back what the other took away", async () => {
  const base = await connectedStore();
  const { sandbox, store, time } = base;
  const prompt = await createWorld({ sandbox, store, time, seed: 1 });
  await applySmallShop(prompt);
  await prompt.settle();
  const late = laggingStore(store, time, () => 30 * 60_000);
  const former = await createWorld({ sandbox, store: late.store, time, seed: 2 });
  await prompt.settle();
  const mark = prompt.mark();
  const [project, ...others] = smallShop();
  const github = { ...(project?.spec?.["github"] as Record<string, unknown>), variables: [] };
  await prompt.apply(
    { kind: "Project", metadata: { name: "shop" }, spec: { ...project?.spec, github } },
    ...others,
  );
  await prompt.pass(25 * 60_000);
  expect(names(sandbox)).not.toContain("github acme/shop variable REGION");
  expect(prompt.changes(mark)).toHaveLength(1);
  for (const world of [prompt, former]) await world.stop();
});
