import { createPublicKey, verify } from "node:crypto";
import { failure } from "./failure.ts";
import type { AppRecord } from "./records.ts";
import type { World } from "./world.ts";

/** Longest life of an App's JWT in seconds (docs: "Generating a JSON Web Token for a GitHub App"). */
const LONGEST_LIFE = 600;
/** Clock skew granted to `iat`, in seconds. */
const SKEW = 60;

function part(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The App that signed a JWT: RS256, `iss` the App's id or client id, `exp` at most ten minutes ahead.
 * @throws ApiFailure 401 or 404 with GitHub's words for what is wrong with it
 */
export function verifyAppToken(world: World, jwt: string): AppRecord {
  const [head = "", claims = "", signature = ""] = jwt.split(".");
  const header = part(head);
  const payload = part(claims);
  const undecodable = failure(401, "A JSON web token could not be decoded");
  if (!header || !payload || header["alg"] !== "RS256") throw undecodable;
  const { iss } = payload;
  const issuer = typeof iss === "string" || typeof iss === "number" ? String(iss) : "";
  if (issuer === "") throw failure(401, "'Issuer' claim ('iss') must be provided");
  const app = world.apps
    .values()
    .find((candidate) => String(candidate.id) === issuer || candidate.clientId === issuer);
  if (!app) throw failure(404, "Integration not found");
  const signed = Buffer.from(`${head}.${claims}`);
  if (!verify("RSA-SHA256", signed, createPublicKey(app.publicKey), Buffer.from(signature, "base64url")))
    throw undecodable;
  const now = Math.floor(world.now() / 1000);
  const { exp, iat } = payload;
  if (typeof iat !== "number" || !Number.isInteger(iat) || iat > now + SKEW)
    throw failure(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  if (typeof exp !== "number" || !Number.isInteger(exp) || exp <= now)
    throw failure(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (exp > now + LONGEST_LIFE + SKEW)
    throw failure(401, "'Expiration time' claim ('exp') is too far in the future");
  return app;
}
