/** What response headers say about rate limits, in the dialects that providers speak. Pure. */

export interface Quota {
  /** Name of the limit, e.g. GitHub's `core` or Cloudflare's `default`. */
  readonly resource: string;
  readonly limit?: number | undefined;
  readonly remaining?: number | undefined;
  /** Wall clock in milliseconds at which the quota is whole again. */
  readonly resetAt?: number | undefined;
}

const number = (text: string | null | undefined): number | undefined => {
  if (text === null || text === undefined || !/^\s*\d+(\.\d+)?\s*$/.test(text)) return undefined;
  return Number(text);
};

/**
 * When `Retry-After` says to come back: seconds or an HTTP date.
 *
 * @param now wall clock in milliseconds
 * @returns wall clock in milliseconds, not before now
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function parseRetryAfter(headers: Headers, now: number): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  const seconds = number(text);
  if (seconds !== undefined) return now + seconds * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(now, date + aheadOf(headers, now));
}

/** How far our clock is ahead of the one that wrote these headers, in milliseconds: moments in them are by that one. */
function aheadOf(headers: Headers, now: number): number {
  const theirs = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(theirs) ? 0 : now - theirs;
}

/**
 * The quota that the answer reports: `x-ratelimit-*` (GitHub and others), or `Ratelimit: "default";r=50;t=30` with
 * `Ratelimit-Policy: "default";q=100;w=60` (Cloudflare, IETF draft ratelimit-headers).
 *
 * @param now wall clock in milliseconds
 */
export function parseQuota(headers: Headers, now: number): Quota | undefined {
  const remaining = number(headers.get("x-ratelimit-remaining"));
  if (remaining !== undefined) {
    const reset = number(headers.get("x-ratelimit-reset"));
    return {
      resource: headers.get("x-ratelimit-resource") ?? "default",
      limit: number(headers.get("x-ratelimit-limit")),
      remaining,
      resetAt: reset === undefined ? undefined : resetTime(reset, headers, now),
    };
  }
  const state = headers.get("ratelimit");
  if (state === null) return undefined;
  const resource = /^\s*"([^"]*)"/.exec(state)?.[1] ?? "default";
  const parameter = (text: string | null, name: string): number | undefined =>
    number(new RegExp(`;\\s*${name}=(\\d+)`).exec(text ?? "")?.[1]);
  const seconds = parameter(state, "t");
  return {
    resource,
    limit: parameter(headers.get("ratelimit-policy"), "q"),
    remaining: parameter(state, "r"),
    resetAt: seconds === undefined ? undefined : now + seconds * 1000,
  };
}

/** `x-ratelimit-reset` is epoch seconds at GitHub, seconds from now elsewhere: small numbers cannot be an epoch. */
function resetTime(reset: number, headers: Headers, now: number): number {
  return reset > 1e9 ? reset * 1000 + aheadOf(headers, now) : now + reset * 1000;
}

/** GitHub's secondary limits answer 403 with prose and without a quota that is used up. */
const secondaryLimit = /secondary rate limit|abuse detection|rate limit exceeded/i;

/**
 * Whether an answer means "too many requests": 429, or a 403 whose quota is used up, that says when to come back, or
 * that names a rate limit.
 *
 * @param body text of the answer, read only for a 403
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function isRateLimited(status: number, headers: Headers, body: string): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers.get("x-ratelimit-remaining") === "0" || headers.has("retry-after") || secondaryLimit.test(body)
  );
}
