/** Class 27: the controller is asked to stop in the middle of its work, with providers that are slow or hang. */
import { describe, expect, it } from "vitest";
import { createWorld } from "../support/world.ts";
import { applySmallShop } from "../laws/small-shop.ts";
import { connectedStore, heal, names, providers, unready } from "../laws/support.ts";

/** What a process has until it is killed. */
const GRACE = 30_000;

describe("a controller that is asked to stop", async () => {
  const reference = await createWorld();
  await reference.settle();
  await applySmallShop(reference);
  await reference.settle();
  const expected = names(reference.sandbox);
  await reference.stop();

  const moments = [0, 50, 1_000, 2_500, 6_000, 14_000];
  const slowness: readonly [string, number, "before" | "after"][] = [
    ["as fast as ever", 0, "before"],
    ["slow to take a change", 6_000, "before"],
    ["slow to answer a change", 6_000, "after"],
    ["hanging before they take a change", 600_000, "before"],
    ["hanging when they have taken a change", 600_000, "after"],
  ];

  it.each(slowness.flatMap((slow) => moments.map((moment) => [...slow, moment] as const)))(
    "while providers are %s (%i ms, %s), %i ms after the beginning: it ends in time, and the next one makes one of everything",
    async (_, delay, when, moment) => {
      const base = await connectedStore();
      const first = await createWorld({
        sandbox: base.sandbox,
        store: base.store,
        time: base.time,
        seed: 31,
      });
      if (delay > 0) {
        for (const provider of providers)
          for (const method of ["POST", "PUT", "PATCH", "DELETE"])
            base.sandbox.context.faults.add({ provider, method, when, delay, times: 0 });
      }
      await applySmallShop(first);
      if (moment > 0) await first.pass(moment);
      const asked = base.time.now();
      await first.stop();
      expect(base.time.now() - asked).toBeLessThan(GRACE);
      expect(first.manager.ready).toBe(false);
      const sequence = base.sandbox.context.journal.last();
      await base.time.drain();
      expect(base.sandbox.context.journal.last(), "and then it is silent").toBe(sequence);
      heal(base);
      const second = await createWorld({
        sandbox: base.sandbox,
        store: base.store,
        time: base.time,
        seed: 32,
      });
      await second.settle(30 * 60_000);
      expect(await unready(second)).toEqual([]);
      expect(names(second.sandbox)).toEqual(expected);
      await second.stop();
    },
  );
});
