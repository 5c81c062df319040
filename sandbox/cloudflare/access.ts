import type { MiddlewareHandler } from "hono";
import type { SandboxHono } from "../core/provider.ts";
import { CloudflareFailure, failure } from "./envelope.ts";
import type { CloudflareRequest } from "./envelope.ts";
import type { TokenOptions } from "./model.ts";
import type { World } from "./world.ts";

interface RateWindow {
  startedAt: number;
  count: number;
  blockedUntil: number;
}

/** The token of a request; answers as the API does when there is none or it is unknown. */
export function authenticate(world: World, c: CloudflareRequest): TokenOptions {
  const header = c.req.header("authorization");
  if (header === undefined) {
    throw failure(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
  }
  const given = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
  if (given === undefined) {
    const error_chain = [{ code: 6111, message: "Invalid format for Authorization header" }];
    throw new CloudflareFailure(400, [{ code: 6003, message: "Invalid request headers", error_chain }]);
  }
  const token = world.options.tokens.find((candidate) => candidate.token === given);
  if (token) return token;
  if (c.req.path.endsWith("/tokens/verify")) throw failure(401, 1000, "Invalid API Token");
  throw failure(401, 10000, "Authentication error");
}

function areaOf(path: string): string | undefined {
  if (/^\/(accounts|zones)\/[^/]+\/tags(\/|$)/.test(path)) return "Account Tags";
  if (/^\/accounts\/[^/]+\/storage\/kv\//.test(path)) return "Workers KV Storage";
  if (/^\/accounts\/[^/]+\/r2\//.test(path)) return "Workers R2 Storage";
  if (/^\/zones\/[^/]+\/workers\/routes/.test(path)) return "Workers Routes";
  if (/^\/accounts\/[^/]+\/workers\//.test(path)) return "Workers Scripts";
  if (/^\/zones(\/|$)/.test(path)) return "Zone";
  return undefined;
}

function checkPermission(token: TokenOptions, method: string, path: string): void {
  const area = areaOf(path);
  if (token.permissions === undefined || area === undefined) return;
  const reads = method === "GET" || method === "HEAD";
  const granted =
    token.permissions.includes(`${area} Write`) || (reads && token.permissions.includes(`${area} Read`));
  if (!granted) throw failure(403, 10000, "Authentication error");
}

function checkScope(world: World, token: TokenOptions, path: string): void {
  const account = /^\/accounts\/([^/]+)/.exec(path)?.[1];
  if (account !== undefined) {
    if (!/^[0-9a-f]{32}$/.test(account))
      throw failure(400, 7003, `Could not route to ${path}, perhaps your object identifier is invalid?`);
    const known = world.options.accounts.some((candidate) => candidate.id === account);
    if (!known || !token.accounts.includes(account)) throw failure(403, 10000, "Authentication error");
  }
  const zone = /^\/zones\/([^/]+)/.exec(path)?.[1];
  if (zone === undefined) return;
  const known = world.options.zones.find((candidate) => candidate.id === zone);
  if (!known)
    throw failure(400, 7003, `Could not route to ${path}, perhaps your object identifier is invalid?`);
  if (!token.accounts.includes(known.accountId))
    throw failure(403, 9109, "Unauthorized to access requested resource");
}

function chargeRateLimit(world: World, token: string): Record<string, string> {
  const limit = world.options.rateLimit ?? { requests: 1200, windowSeconds: 300 };
  if (limit === false) return {};
  const windows = world.context.storage.collection<RateWindow>("cloudflare.rate");
  const now = world.context.clock.now();
  const length = limit.windowSeconds * 1000;
  const stored = windows.get(token);
  const running =
    stored && now < stored.startedAt + length
      ? stored
      : { startedAt: now, count: 0, blockedUntil: stored?.blockedUntil ?? 0 };
  if (now < running.blockedUntil) {
    throw rateLimited(limit, Math.ceil((running.blockedUntil - now) / 1000));
  }
  const count = running.count + 1;
  if (count > limit.requests) {
    windows.set(token, { startedAt: now, count: 0, blockedUntil: now + length });
    throw rateLimited(limit, limit.windowSeconds);
  }
  windows.set(token, { ...running, count });
  const seconds = Math.ceil((running.startedAt + length - now) / 1000);
  return rateHeaders(limit, limit.requests - count, seconds);
}

function rateHeaders(
  limit: { requests: number; windowSeconds: number },
  remaining: number,
  seconds: number,
): Record<string, string> {
  return {
    Ratelimit: `"default";r=${remaining};t=${seconds}`,
    "Ratelimit-Policy": `"default";q=${limit.requests};w=${limit.windowSeconds}`,
  };
}

function rateLimited(limit: { requests: number; windowSeconds: number }, seconds: number): CloudflareFailure {
  const errors = [{ code: 971, message: "Please wait and consider throttling your request speed" }];
  return new CloudflareFailure(429, errors, {
    ...rateHeaders(limit, 0, seconds),
    "Retry-After": String(seconds),
  });
}

/**
 * Checks token, rate limit, account and zone scope and permission, in this order, and sets the rate headers.
 * Uploads of asset blobs carry the session's JWT instead of a token and pass here.
 */
export function access(world: World): MiddlewareHandler<SandboxHono> {
  return async (c, next) => {
    const path = c.req.path.slice(world.basePath.length);
    if (/^\/accounts\/[^/]+\/workers\/assets\/upload$/.test(path)) return next();
    const token = authenticate(world, c);
    const headers = chargeRateLimit(world, token.token);
    checkScope(world, token, path);
    checkPermission(token, c.req.method, path);
    await next();
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
    return undefined;
  };
}
