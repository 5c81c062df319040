import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PreviewObject, ProjectObject } from "./objects.ts";
import { lifeOf, lifeUntil } from "./preview-life.ts";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 0, 1);
const project = { spec: {} } as ProjectObject;
const text = (at: number): string => new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");

const preview = (ttl: number, keepUntil: number | undefined, created: number): PreviewObject =>
  ({
    metadata: { name: "shop-pr-1", generation: 1, creationTimestamp: text(created) },
    spec: { ttl: `${ttl}h`, ...(keepUntil === undefined ? {} : { keepUntil: text(keepUntil) }) },
  }) as PreviewObject;

const ttls = fc.integer({ min: 24, max: 168 });
const keeps = fc.option(fc.integer({ min: 1, max: 60 * 24 }), { nil: undefined });

describe("the life of a preview whose status was lost", () => {
  it("goes on until its lease ends, and its beginning lies back accordingly", () => {
    fc.assert(
      fc.property(ttls, keeps, fc.integer({ min: 0, max: 30 * 86_400 }), (ttl, keep, lived) => {
        const keepUntil = keep === undefined ? undefined : NOW + keep * HOUR;
        const before = lifeOf(preview(ttl, keepUntil, NOW), project, NOW);
        const now = NOW + lived * 1000;
        fc.pre(now < Date.parse(before.expiresAt));
        const again = preview(ttl, keepUntil, now);
        const anew = lifeOf(again, project, now);
        // With keepUntil so far ahead that the longest life cuts it off, the spec itself says that a new life ends later.
        fc.pre(Date.parse(before.expiresAt) >= Date.parse(anew.earliestEnd));
        expect(before.expiresAt <= anew.expiresAt).toBe(true);
        const found = lifeUntil(before.expiresAt, again, project, now);
        expect(found.expiresAt).toBe(before.expiresAt);
        expect(found.activatedAt <= anew.activatedAt).toBe(true);
        // What the status then remembers leads to the same end.
        const remembering = { ...again, status: { ...found, activatedGeneration: 1 } } as PreviewObject;
        expect(lifeOf(remembering, project, now)).toMatchObject({ expiresAt: before.expiresAt });
      }),
    );
  });

  it("does not go on by a lease that ends before keepUntil", () => {
    const life = lifeOf(preview(24, NOW + 100 * HOUR, NOW), project, NOW);
    expect(life).toMatchObject({ earliestEnd: text(NOW + 100 * HOUR), expiresAt: text(NOW + 100 * HOUR) });
    expect(lifeOf(preview(24, NOW + 10 * HOUR, NOW), project, NOW)).toMatchObject({
      earliestEnd: text(NOW + 10 * HOUR),
      expiresAt: text(NOW + 24 * HOUR),
    });
    expect(lifeOf(preview(24, undefined, NOW), project, NOW).earliestEnd).toBe(text(NOW));
  });
});
