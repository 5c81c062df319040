import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { virtualClock } from "./adapters/virtual.ts";
import { createBudget } from "./budget.ts";

describe("the budget", () => {
  it("never lets more through in any window than the share of the published limit and its burst", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 120 }),
        fc.constantFrom(0.25, 0.5, 0.8, 1),
        async (pauses, share) => {
          const clock = virtualClock();
          const budget = createBudget({ clock, limits: [{ requests: 20, per: 1000, burst: 5 }], share });
          const starts: number[] = [];
          for (const pause of pauses) {
            const { granted, delay } = budget.take(1, 200);
            if (granted) starts.push(clock.monotonic() + delay);
            else expect(delay).toBeGreaterThan(200);
            await clock.advance(pause);
          }
          for (const start of starts) {
            const within = starts.filter((other) => other >= start && other < start + 1000).length;
            expect(within).toBeLessThanOrEqual(Math.max(1, 5 * share) + 20 * share + 1);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes nothing when it refuses, and follows a changed share", async () => {
    const clock = virtualClock();
    const budget = createBudget({ clock, limits: [{ requests: 10, per: 10_000 }], share: 1 });
    expect(budget.take(10, 0)).toEqual({ granted: true, delay: 0 });
    expect(budget.take(5, 1000)).toEqual({ granted: false, delay: 5000 });
    expect(budget.take(1, 1000)).toEqual({ granted: true, delay: 1000 });
    await clock.advance(11_000);
    budget.setShare(0.5);
    expect(budget.take(6, 1000)).toEqual({ granted: false, delay: 2000 });
    expect(budget.take(5, 0).granted).toBe(true);
  });
});
