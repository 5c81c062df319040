import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { virtualClock } from "./adapters/virtual.ts";
import { createBreaker } from "./breaker.ts";
import type { Breaker, BreakerPass } from "./breaker.ts";

const pass = (breaker: Breaker): BreakerPass => {
  const admission = breaker.acquire();
  if (admission.pass === undefined) throw new Error("the breaker is open");
  return admission.pass;
};

describe("the breaker", () => {
  it("opens at the tenth failure within a minute, however many calls succeed in between", async () => {
    const changes: string[] = [];
    const clock = virtualClock();
    const breaker = createBreaker({ clock, onChange: (state) => changes.push(state) });
    for (let index = 0; index < 10; index++) {
      expect(breaker.state).toBe("closed");
      for (let success = 0; success < 9; success++) pass(breaker).success();
      pass(breaker).failure();
      await clock.advance(5900);
    }
    expect(changes).toEqual(["open"]);
  });

  it("stays closed when failures are spread wider", async () => {
    const clock = virtualClock();
    const breaker = createBreaker({ clock });
    for (let index = 0; index < 50; index++) {
      pass(breaker).failure();
      await clock.advance(6700);
    }
    expect(breaker.state).toBe("closed");
  });

  it("lets one probe through at a time; a failed one opens for another 30 s", async () => {
    const clock = virtualClock();
    const breaker = createBreaker({ clock });
    for (let index = 0; index < 10; index++) pass(breaker).failure();
    expect(breaker.acquire()).toEqual({ pass: undefined, retryIn: 30_000 });
    await clock.advance(30_000);
    const failed = pass(breaker);
    expect(failed.probe).toBe(true);
    expect(breaker.acquire().pass).toBeUndefined();
    failed.failure();
    expect(breaker.acquire()).toEqual({ pass: undefined, retryIn: 30_000 });
    await clock.advance(30_000);
    pass(breaker).success();
    expect(breaker.state).toBe("closed");
  });

  it("after a probe that showed nothing waits as long for the next, and has not opened once more", async () => {
    const changes: string[] = [];
    const clock = virtualClock();
    const breaker = createBreaker({ clock, onChange: (state) => changes.push(state) });
    for (let index = 0; index < 10; index++) pass(breaker).failure();
    for (let round = 0; round < 3; round++) {
      await clock.advance(30_000);
      pass(breaker).neutral();
      expect(breaker.acquire()).toEqual({ pass: undefined, retryIn: 30_000 });
    }
    expect(changes).toEqual(["open", "halfOpen"]);
    await clock.advance(30_000);
    pass(breaker).success();
    expect(changes).toEqual(["open", "halfOpen", "closed"]);
  });

  it("is at rest when no failure of the last minute can open it", async () => {
    const clock = virtualClock();
    const breaker = createBreaker({ clock });
    expect(breaker.atRest).toBe(true);
    pass(breaker).failure();
    expect(breaker.atRest).toBe(false);
    await clock.advance(60_000);
    expect(breaker.atRest).toBe(true);
    for (let index = 0; index < 10; index++) pass(breaker).failure();
    await clock.advance(120_000);
    expect(breaker.atRest).toBe(false);
  });

  it("is not moved by calls that began before it changed", async () => {
    const clock = virtualClock();
    const breaker = createBreaker({ clock });
    const late = Array.from({ length: 12 }, () => pass(breaker));
    for (let index = 0; index < 10; index++) pass(breaker).failure();
    late[0]?.success();
    expect(breaker.state).toBe("open");
    await clock.advance(30_000);
    pass(breaker).success();
    for (const call of late) call.failure();
    expect(breaker.state).toBe("closed");
  });

  it("never lets two probes through and never stays shut for ever", async () => {
    const step = fc.oneof(
      fc.constantFrom("success", "failure", "neutral" as const).map((end) => ({ end })),
      fc.integer({ min: 0, max: 40_000 }).map((wait) => ({ wait })),
    ) as fc.Arbitrary<{ end: "success" | "failure" | "neutral" } | { wait: number }>;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = virtualClock();
        const breaker = createBreaker({ clock, threshold: 3 });
        for (const next of steps) {
          if ("wait" in next) {
            await clock.advance(next.wait);
            continue;
          }
          const { pass: first } = breaker.acquire();
          if (first?.probe === true) expect(breaker.acquire().pass).toBeUndefined();
          first?.[next.end]();
        }
        await clock.advance(30_000);
        expect(breaker.acquire().pass).toBeDefined();
      }),
      { numRuns: 60 },
    );
  });
});
