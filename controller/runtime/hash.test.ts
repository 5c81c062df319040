import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, equalInConstantTime, hashOf, keyedHash, sha256 } from "./hash.ts";

const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, shuffled(member)]),
  );
};

describe("hashes", () => {
  it("do not depend on the order of keys", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(hashOf(shuffled(plain))).toBe(hashOf(plain));
        expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
      }),
    );
  });

  it("differ when the values differ", () => {
    expect(hashOf({ a: 1 })).not.toBe(hashOf({ a: "1" }));
    expect(hashOf([1, 2])).not.toBe(hashOf([2, 1]));
    expect(hashOf({ a: undefined })).toBe(hashOf({}));
  });

  it("refuse what JSON cannot say", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    for (const value of [Number.NaN, 1n, () => 1, cycle, undefined]) {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    }
    const shared = { a: 1 };
    expect(canonicalJson([shared, shared])).toBe('[{"a":1},{"a":1}]');
  });

  it("are the published ones", () => {
    // FIPS 180-2 example and RFC 4231 test case 2.
    expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(keyedHash("Jefe", "what do ya want for nothing?")).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });

  it("compare texts of different lengths without throwing", () => {
    expect(equalInConstantTime("a", "a")).toBe(true);
    expect(equalInConstantTime("a", "ab")).toBe(false);
  });
});
