import { badRequest, unprocessable } from "./errors.ts";
import { longestExpiry } from "./limits.ts";
import type { BranchRecord } from "./records.ts";

/**
 * The expiry fields of a branch for a requested `expires_at` (docs "Branch expiration": RFC 3339 with zone, whole seconds,
 * in the future, at most 30 days ahead; not on default, protected or parent branches).
 * @param options.value as sent; fractions of a second are cut off
 * @throws NeonError 400 for a time that is not acceptable, 422 for a branch that cannot expire
 */
export function checkExpiry(options: {
  branch: BranchRecord;
  children: number;
  now: number;
  value: string;
}): { expiresAt: number; ttlSeconds: number } {
  const { branch, children, now, value } = options;
  const expiresAt = Math.floor(Date.parse(value) / 1_000) * 1_000;
  if (expiresAt <= now) throw badRequest("expires_at must be in the future");
  if (expiresAt > now + longestExpiry) throw badRequest("expires_at must be at most 30 days in the future");
  if (branch.default) throw unprocessable("cannot set an expiration on the default branch");
  if (branch.protected) throw unprocessable("cannot set an expiration on a protected branch");
  if (children > 0) throw unprocessable("cannot set an expiration on a branch that has children");
  return { expiresAt, ttlSeconds: Math.floor((expiresAt - now) / 1_000) };
}
