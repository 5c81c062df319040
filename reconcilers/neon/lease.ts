/** Neon's `expires_at` as a dead man's switch: a branch that nobody renews any more deletes itself. Pure. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";

/** Neon refuses an expiry more than 30 days ahead (docs "Branch expiration"). */
const LONGEST = 30 * 24 * 3_600_000 - 3_600_000;

/**
 * The lease to write: the moment until which the branch is needed, or as far ahead as Neon allows.
 * @param now wall clock, milliseconds
 * @returns RFC 3339 with second precision
 * @throws FlaresmithError SPEC_INVALID when it is no time, or one that Neon cannot take because it is over
 */
export function leaseTarget(expiresAt: string, now: number): string {
  if (!(Date.parse(expiresAt) > now)) {
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `a Neon branch cannot be needed until ${expiresAt}: it must be a time ahead`,
      hint: "Set a later keepUntil or a longer ttl.",
    });
  }
  return new Date(Math.min(Date.parse(expiresAt), now + LONGEST)).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/**
 * Whether the lease must be written again (law 4): the moment moved, or it lies further ahead than one lease reaches and
 * less than half of the term is left.
 */
export function leaseMoved(expiresAt: string, current: string | undefined, now: number): boolean {
  const wanted = Date.parse(expiresAt);
  // What is over cannot be leased; its owner removes it.
  if (wanted <= now) return false;
  if (current === undefined) return true;
  const held = Date.parse(current);
  if (Math.abs(wanted - held) < 1000) return false;
  if (wanted <= now + LONGEST) return true;
  return held > wanted || held - now < LONGEST / 2;
}

/**
 * Whether a lease that nobody remembers writing stands for the same need: it is still to end, not before `earliest` and
 * not after the moment until which the branch is needed.
 */
export function leaseStands(
  need: { expiresAt: string; earliest: string | undefined },
  current: string | undefined,
  now: number,
): boolean {
  if (current === undefined || need.earliest === undefined) return false;
  const held = Date.parse(current);
  return held > now && held >= Date.parse(need.earliest) && held <= Date.parse(need.expiresAt);
}
