import { failure, type Reply } from "./failure.ts";
import type { Identity } from "./call.ts";
import type { World } from "./world.ts";

/** Limits per identity; documented values are the defaults, `Infinity` switches one off. */
export interface RateLimits {
  /** Requests per hour of a token. */
  primary: number;
  /** Requests per hour without credentials. */
  anonymous: number;
  /** Points per minute: reads 1, writes 5. */
  pointsPerMinute: number;
  /** Writes that create content, per minute and per hour. */
  contentPerMinute: number;
  contentPerHour: number;
  /** Status of an exceeded primary limit; the docs allow both. */
  primaryStatus: 403 | 429;
  /** Whether a secondary limit's answer says how long to wait. */
  retryAfter: boolean;
}

/** docs.github.com, "Rate limits for the REST API". */
const DOCUMENTED_LIMITS: RateLimits = Object.freeze({
  primary: 5000,
  anonymous: 60,
  pointsPerMinute: 900,
  contentPerMinute: 80,
  contentPerHour: 500,
  primaryStatus: 403,
  retryAfter: true,
});

/** Nothing is ever refused; headers still count. */
export const NO_LIMITS: RateLimits = Object.freeze({
  ...DOCUMENTED_LIMITS,
  primary: Number.POSITIVE_INFINITY,
  anonymous: Number.POSITIVE_INFINITY,
  pointsPerMinute: Number.POSITIVE_INFINITY,
  contentPerMinute: Number.POSITIVE_INFINITY,
  contentPerHour: Number.POSITIVE_INFINITY,
});

interface Usage {
  hourStart: number;
  used: number;
  content: number;
  minuteStart: number;
  points: number;
  minuteContent: number;
}

/** What `GET /rate_limit` and the headers tell; `reset` in seconds since the epoch. */
export interface RateView {
  limit: number;
  remaining: number;
  used: number;
  reset: number;
}

export interface RateLimiter {
  /** Counts a request; the refusal when a limit is exceeded. */
  admit(identity: Identity, method: string): Reply | undefined;
  /** Takes a request back out of the primary count: a 304 is free. */
  refund(identity: Identity): void;
  view(identity: Identity): RateView;
  setLimits(limits: Partial<RateLimits>): void;
  /** Sets how much of the running hour is used up. */
  setUsed(identity: Identity, used: number): void;
}

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** What the headers show when the limit is switched off. */
const SHOWN_WITHOUT_LIMIT = 5000;

/** Limits counted in fixed windows of the sandbox's clock, remembered in the world's storage. */
export function createRateLimiter(world: World, initial: Partial<RateLimits>): RateLimiter {
  let limits: RateLimits = { ...DOCUMENTED_LIMITS, ...initial };
  const usages = world.context.storage.collection<Usage>("github.rate-limits");
  const keyOf = (identity: Identity): string => {
    if (identity.kind === "anonymous") return "anonymous";
    if (identity.kind === "app") return `app:${identity.app.id}`;
    const { installationId, actor } = identity.token;
    // Tokens of one user share the user's budget, tokens of one installation the installation's.
    return installationId === undefined ? `user:${actor.toLowerCase()}` : `installation:${installationId}`;
  };
  const usageOf = (identity: Identity): Usage => {
    const now = world.now();
    const usage = usages.get(keyOf(identity)) ?? {
      hourStart: now,
      used: 0,
      content: 0,
      minuteStart: now,
      points: 0,
      minuteContent: 0,
    };
    if (now - usage.hourStart >= HOUR) Object.assign(usage, { hourStart: now, used: 0, content: 0 });
    if (now - usage.minuteStart >= MINUTE)
      Object.assign(usage, { minuteStart: now, points: 0, minuteContent: 0 });
    return usage;
  };
  const limitOf = (identity: Identity): number =>
    identity.kind === "anonymous" ? limits.anonymous : limits.primary;
  const view = (identity: Identity): RateView => {
    const usage = usageOf(identity);
    const limit = Number.isFinite(limitOf(identity)) ? limitOf(identity) : SHOWN_WITHOUT_LIMIT;
    const used = Number.isFinite(limitOf(identity)) ? Math.min(usage.used, limit) : 0;
    return { limit, remaining: limit - used, used, reset: Math.ceil((usage.hourStart + HOUR) / 1000) };
  };
  const secondary = (usage: Usage, until: number): Reply => {
    const { reply } = failure(
      403,
      "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    );
    const seconds = Math.max(1, Math.ceil((until - world.now()) / 1000));
    return limits.retryAfter ? { ...reply, headers: { "retry-after": String(seconds) } } : reply;
  };
  return {
    admit: (identity, method) => {
      const usage = usageOf(identity);
      const writing = method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
      const creating = method === "POST" || method === "PUT" || method === "PATCH";
      if (usage.used >= limitOf(identity)) {
        const who = identity.kind === "anonymous" ? "127.0.0.1" : keyOf(identity).replace(":", " ID ");
        return failure(limits.primaryStatus, `API rate limit exceeded for ${who}.`).reply;
      }
      if (usage.points + (writing ? 5 : 1) > limits.pointsPerMinute)
        return secondary(usage, usage.minuteStart + MINUTE);
      if (creating && usage.minuteContent >= limits.contentPerMinute)
        return secondary(usage, usage.minuteStart + MINUTE);
      if (creating && usage.content >= limits.contentPerHour) return secondary(usage, usage.hourStart + HOUR);
      usage.used += 1;
      usage.points += writing ? 5 : 1;
      usage.content += creating ? 1 : 0;
      usage.minuteContent += creating ? 1 : 0;
      usages.set(keyOf(identity), usage);
      return undefined;
    },
    refund: (identity) => {
      const usage = usageOf(identity);
      usages.set(keyOf(identity), { ...usage, used: Math.max(0, usage.used - 1) });
    },
    view,
    setLimits: (next) => {
      limits = { ...limits, ...next };
    },
    setUsed: (identity, used) => usages.set(keyOf(identity), { ...usageOf(identity), used }),
  };
}
