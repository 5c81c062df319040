import type { SandboxClock } from "../core/clock.ts";
import { NeonError } from "./errors.ts";
import type { NeonApiKey, ProjectRecord } from "./records.ts";

/** Requests allowed per account: per minute in all, and per second on one route (docs "Neon API rate limits"). */
export interface RateLimits {
  perMinute: number;
  perRoutePerSecond: number;
}

export const defaultRateLimits: Readonly<RateLimits> = Object.freeze({
  perMinute: 700,
  perRoutePerSecond: 40,
});

/**
 * The key that a request carries.
 * @throws NeonError 401 when missing or unknown
 */
export function authenticate(header: string | undefined, keys: readonly NeonApiKey[]): NeonApiKey {
  const token = /^Bearer\s+(.+)$/i.exec(header ?? "")?.[1]?.trim();
  const key = keys.find((candidate) => candidate.key === token);
  if (!key) throw new NeonError({ status: 401, message: "supplied credentials do not pass authentication" });
  return key;
}

/** Whether the key reaches the project. What it does not reach answers 404, as if it did not exist. */
export function reaches(key: NeonApiKey, project: ProjectRecord): boolean {
  return project.orgId === key.orgId && (key.kind !== "project" || key.projectId === project.id);
}

/**
 * The organization a request is about.
 * @throws NeonError 400 when a personal key names none, 403 when a key may not use the one it names
 */
export function organizationOf(key: NeonApiKey, orgId: string | undefined): string {
  if (orgId === undefined) {
    if (key.kind === "user") {
      throw new NeonError({
        status: 400,
        message: "org_id is required, you can find it on your organization settings page",
      });
    }
    return key.orgId;
  }
  if (orgId !== key.orgId)
    throw new NeonError({ status: 403, message: "user has no access to organization" });
  return orgId;
}

/**
 * Counts requests per account in fixed windows. Counters live in memory: a restarted sandbox starts with full budgets.
 * @returns a function that throws NeonError 429 when a budget is spent; limits of undefined never throw
 */
export function createRateLimiter(
  clock: SandboxClock,
  limits: RateLimits | undefined,
): (account: string, route: string) => void {
  const windows = new Map<string, { start: number; count: number }>();
  const spend = (name: string, length: number, limit: number): void => {
    const now = clock.now();
    const start = now - (now % length);
    const window = windows.get(name);
    const count = window?.start === start ? window.count + 1 : 1;
    windows.set(name, { start, count });
    if (count > limit) {
      throw new NeonError({ status: 429, message: "too many requests, retry later" });
    }
  };
  return (account, route) => {
    if (!limits) return;
    spend(account, 60_000, limits.perMinute);
    spend(`${account} ${route}`, 1_000, limits.perRoutePerSecond);
  };
}
