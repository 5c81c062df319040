import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leaseMoved, leaseStands, leaseTarget } from "./lease.ts";

const DAY = 24 * 3_600_000;
const NOW = Date.UTC(2026, 0, 1);
const text = (at: number): string => new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");

/** Whole seconds in ms, up to 60 days ahead. */
const ahead = fc.integer({ min: 1, max: 60 * 86_400 }).map((seconds) => seconds * 1000);
const moment = fc.integer({ min: 0, max: 86_400_000 }).map((offset) => NOW + offset);

describe("the lease of a preview's branch", () => {
  it("is a time that Neon takes: ahead, at most 30 days, whole seconds, never later than needed", () => {
    fc.assert(
      fc.property(moment, ahead, (now, term) => {
        const needed = text(now + term + 1000);
        const lease = leaseTarget(needed, now);
        expect(lease).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(Date.parse(lease)).toBeGreaterThan(now - 1000);
        expect(Date.parse(lease)).toBeLessThanOrEqual(Math.min(Date.parse(needed), now + 30 * DAY));
      }),
    );
  });

  it("is quiet once it was written, until less than half of the term is left", () => {
    fc.assert(
      fc.property(moment, ahead, fc.double({ min: 0, max: 0.49, noNaN: true }), (now, term, share) => {
        const needed = text(now + term + 1000);
        const held = leaseTarget(needed, now);
        expect(leaseMoved(needed, held, now)).toBe(false);
        const later = now + (Date.parse(held) - now) * share;
        const reachable = Date.parse(needed) - later <= 30 * DAY - 3_600_000;
        expect(leaseMoved(needed, held, later)).toBe(reachable && Date.parse(held) !== Date.parse(needed));
      }),
    );
  });

  it("never runs out while the branch is needed, if it is looked at once a day", () => {
    fc.assert(
      fc.property(moment, ahead, (start, term) => {
        const needed = text(start + term + 1000);
        let held = leaseTarget(needed, start);
        let writes = 0;
        for (let now = start; now < Date.parse(needed); now += DAY) {
          expect(Date.parse(held)).toBeGreaterThan(now - 1000);
          if (leaseMoved(needed, held, now)) {
            held = leaseTarget(needed, now);
            writes += 1;
          }
        }
        expect(held).toBe(needed);
        expect(writes, "60 days ahead are at most four terms of half a month").toBeLessThanOrEqual(4);
      }),
    );
  });

  it("is written when it is missing, when the moment moved, and never for a moment that is over", () => {
    fc.assert(
      fc.property(moment, ahead, ahead, (now, one, other) => {
        const needed = text(now + one + 1000);
        const held = text(now + other + 1000);
        expect(leaseMoved(needed, undefined, now)).toBe(true);
        if (one !== other && one < 29 * DAY) expect(leaseMoved(needed, held, now)).toBe(true);
        expect(leaseMoved(text(now - one), held, now)).toBe(false);
        expect(leaseMoved(text(now - one), undefined, now)).toBe(false);
      }),
    );
  });

  it("stands, though nobody remembers writing it, while it is still to end and neither too early nor too late", () => {
    const need = { expiresAt: text(NOW + 3 * DAY), earliest: text(NOW + DAY) };
    const stands = (current: string | undefined, now = NOW): boolean => leaseStands(need, current, now);
    for (const held of [DAY, 2 * DAY, 3 * DAY]) expect(stands(text(NOW + held))).toBe(true);
    for (const held of [DAY - 1000, 3 * DAY + 1000]) expect(stands(text(NOW + held))).toBe(false);
    expect(stands(undefined)).toBe(false);
    expect(stands(text(NOW + 2 * DAY), NOW + 2 * DAY)).toBe(false);
    expect(leaseStands({ ...need, earliest: undefined }, text(NOW + 2 * DAY), NOW)).toBe(false);
  });

  it("for a moment that is over, or that is none, is refused with the remedy", () => {
    for (const wrong of [text(NOW), text(NOW - DAY), "soon", ""]) {
      expect(() => leaseTarget(wrong, NOW)).toThrowError(
        expect.objectContaining({ code: "SPEC_INVALID", hint: expect.stringContaining("keepUntil") }),
      );
    }
  });
});
