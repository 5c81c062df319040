import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEtagCache } from "./etag-cache.ts";

const response = (bytes: number) => ({ etag: '"e"', body: new Uint8Array(bytes), headers: [] });
const key = (path: string, accept = "json") => ({ url: `https://api.example.com${path}`, accept });

describe("the ETag cache", () => {
  it("never holds more bytes than allowed, and forgets the least recently used first", () => {
    const cache = createEtagCache({ maxBytes: 10_000 });
    cache.set(key("/a"), response(1000));
    cache.set(key("/b"), response(1000));
    cache.get(key("/a"));
    for (const path of ["/c", "/d", "/e"]) cache.set(key(path), response(1000));
    expect(cache.get(key("/a"))).toBeDefined();
    expect(cache.get(key("/b"))).toBeUndefined();
    cache.set(key("/huge"), response(9000));
    expect(cache.get(key("/huge"))).toBeUndefined();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.nat(3000))), (sets) => {
        const bounded = createEtagCache({ maxBytes: 8000 });
        for (const [name, bytes] of sets) {
          bounded.set(key(`/${name}`), response(bytes));
          expect(bounded.size).toBeLessThanOrEqual(8000);
        }
        bounded.invalidate("https://api.example.com/");
        expect(bounded.size).toBe(0);
      }),
    );
  });

  it("forgets at a write the path, what lies below and what lies above, by whole segments", () => {
    const cache = createEtagCache();
    const paths = [
      "/repos/a/shop",
      "/repos/a/shop/topics",
      "/repos/a/shop-two",
      "/repos/a",
      "/user",
      "/repos/a/shop?page=2",
    ];
    for (const path of paths) cache.set(key(path), response(1));
    cache.invalidate("https://api.example.com/repos/a/shop?x=1");
    expect(paths.filter((path) => cache.get(key(path)) !== undefined)).toEqual([
      "/repos/a/shop-two",
      "/user",
    ]);
    cache.invalidate("https://other.example.com/user");
    expect(cache.get(key("/user"))).toBeDefined();
  });

  it("keeps answers of different Accept headers apart", () => {
    const cache = createEtagCache();
    cache.set(key("/a", "raw"), response(1));
    expect(cache.get(key("/a", "json"))).toBeUndefined();
  });
});
