import { describe, expect, it } from "vitest";
import { isRateLimited, parseQuota, parseRetryAfter } from "./rate-limit.ts";

const now = Date.UTC(2026, 0, 1);

describe("rate limit headers", () => {
  it.each([
    ["30", now + 30_000],
    ["0", now],
    ["Thu, 01 Jan 2026 00:02:00 GMT", now + 120_000],
    ["Wed, 31 Dec 2025 00:00:00 GMT", now],
    ["soon", undefined],
  ])("Retry-After: %s", (text, expected) => {
    expect(parseRetryAfter(new Headers({ "retry-after": text }), now)).toBe(expected);
  });

  it("of GitHub, of Cloudflare, and of APIs that count seconds from now", () => {
    expect(
      parseQuota(
        new Headers({
          "x-ratelimit-limit": "5000",
          "x-ratelimit-remaining": "4990",
          "x-ratelimit-reset": String(now / 1000 + 60),
          "x-ratelimit-resource": "core",
        }),
        now,
      ),
    ).toEqual({ resource: "core", limit: 5000, remaining: 4990, resetAt: now + 60_000 });
    expect(
      parseQuota(
        new Headers({ ratelimit: '"default";r=50;t=30', "ratelimit-policy": '"default";q=100;w=60' }),
        now,
      ),
    ).toEqual({ resource: "default", limit: 100, remaining: 50, resetAt: now + 30_000 });
    expect(
      parseQuota(new Headers({ "x-ratelimit-remaining": "1", "x-ratelimit-reset": "7" }), now)?.resetAt,
    ).toBe(now + 7000);
    expect(parseQuota(new Headers({ "x-ratelimit-remaining": "many" }), now)).toBeUndefined();
  });

  it.each([3_600_000, -3_600_000])(
    "moments are by the provider's clock, of which ours is %i ms ahead",
    (ahead) => {
      const headers = new Headers({
        date: new Date(now).toUTCString(),
        "retry-after": new Date(now + 60_000).toUTCString(),
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": String(now / 1000 + 60),
      });
      expect(parseRetryAfter(headers, now + ahead)).toBe(now + ahead + 60_000);
      expect(parseQuota(headers, now + ahead)?.resetAt).toBe(now + ahead + 60_000);
    },
  );

  it("a 403 is a rate limit only when it says so", () => {
    const none = new Headers();
    expect(isRateLimited(429, none, "")).toBe(true);
    expect(isRateLimited(403, none, "Resource not accessible by integration")).toBe(false);
    expect(isRateLimited(403, none, "You have exceeded a secondary rate limit")).toBe(true);
    expect(isRateLimited(403, new Headers({ "x-ratelimit-remaining": "0" }), "")).toBe(true);
    expect(isRateLimited(403, new Headers({ "x-ratelimit-remaining": "10" }), "")).toBe(false);
    expect(isRateLimited(200, new Headers({ "x-ratelimit-remaining": "0" }), "")).toBe(false);
  });
});
