import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createByteCache } from "./byte-cache.ts";

describe("a cache bounded by bytes", () => {
  it("throws out what was not used for longest", () => {
    const cache = createByteCache<string>(10);
    cache.set("a", "A", 4);
    cache.set("b", "B", 4);
    cache.get("a");
    cache.set("c", "C", 4);
    expect(["a", "b", "c"].map((key) => cache.get(key))).toEqual(["A", undefined, "C"]);
  });

  it("does not keep what is larger than itself, nor its older value", () => {
    const cache = createByteCache<string>(10);
    cache.set("a", "A", 4);
    cache.set("a", "larger", 11);
    expect(cache.get("a")).toBeUndefined();
  });

  it("never holds more than its limit, and always what was put in last", () => {
    const step = fc.record({
      key: fc.constantFrom("a", "b", "c", "d"),
      bytes: fc.integer({ min: 0, max: 8 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const cache = createByteCache<number>(10);
        for (const { key, bytes } of steps) {
          cache.set(key, bytes, bytes);
          expect(cache.get(key)).toBe(bytes);
          const held = ["a", "b", "c", "d"].map((name) => cache.get(name) ?? 0);
          expect(held.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(10);
        }
      }),
    );
  });
});
