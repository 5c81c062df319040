import { createHmac, timingSafeEqual } from "node:crypto";
import { failure } from "./envelope.ts";
import type { World } from "./world.ts";

/** What an asset JWT says: the session it belongs to and whether it completes the upload. */
export interface AssetClaims {
  session: string;
  account: string;
  script: string;
  complete: boolean;
  /** Seconds since the epoch. */
  exp: number;
}

const lifetimeSeconds = 3600;

function signature(world: World, body: string): string {
  const stored = world.meta.get("asset-key");
  const key = typeof stored === "string" ? stored : world.context.random.string(64);
  if (stored === undefined) world.meta.set("asset-key", key);
  return createHmac("sha256", key).update(body).digest("base64url");
}

/** A JWT of an asset upload session; it is valid for one hour. */
export function signAssetToken(world: World, claims: Omit<AssetClaims, "exp">): string {
  const exp = Math.floor(world.context.clock.now() / 1000) + lifetimeSeconds;
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ ...claims, exp })}`;
  return `${body}.${signature(world, body)}`;
}

/**
 * Reads a JWT made by `signAssetToken`.
 * @throws CloudflareFailure 403 10000 when it is forged or expired
 */
export function readAssetToken(world: World, token: string): AssetClaims {
  const [head = "", body = "", mark = ""] = token.split(".");
  const expected = Buffer.from(signature(world, `${head}.${body}`));
  const given = Buffer.from(mark);
  if (expected.length !== given.length || !timingSafeEqual(expected, given))
    throw failure(403, 10000, "Authentication error");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as AssetClaims;
  if (claims.exp * 1000 <= world.context.clock.now()) throw failure(403, 10000, "Authentication error");
  return claims;
}
