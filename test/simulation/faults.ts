/**
 * What goes wrong in a run. Each seed switches on some of the fault classes, with its own rates and its own storms, so
 * that over many seeds every combination comes up ("swarm testing"); all of it ends at one moment, after which the run
 * must converge.
 */
import type { Random } from "../../controller/runtime/clock.ts";
import { between, count, happens, pick, shuffled, spread } from "./chance.ts";

export type ProviderName = "github" | "neon" | "cloudflare";
export const providerNames: readonly ProviderName[] = ["github", "neon", "cloudflare"];

/** Fault classes at the boundary to the providers, drawn for each call. */
const callFaults = [
  "crash-before-call",
  "crash-after-call",
  "lost-request",
  "lost-answer",
  "failure-before",
  "failure-after",
  "html",
  "broken-json",
  "slow",
  "duplicate",
] as const;
/** Fault classes at the boundary to the store. */
const storeFaults = [
  "crash-before-write",
  "crash-after-write",
  "conflict",
  "store-unavailable",
  "lost-write-answer",
  "stale-cache",
  "watch-gone",
  "watch-silent",
  "watch-broken",
] as const;
/** Fault classes that last for a while. */
const periods = [
  "outage",
  "rate-limit",
  "rate-limit-unannounced",
  "locked",
  "token-refused",
  "token-narrowed",
  "lag",
  "two-leaders",
  "clock-jump",
  "terminated",
] as const;

export type FaultClass =
  | (typeof callFaults)[number]
  | (typeof storeFaults)[number]
  | (typeof periods)[number];
const faultClasses: readonly FaultClass[] = [...callFaults, ...storeFaults, ...periods];

/** From when to when, milliseconds since the start of the run. */
export interface Period {
  kind: (typeof periods)[number];
  from: number;
  to: number;
  provider: ProviderName;
  /** What the kind needs: a wait in seconds, a lag or a jump in milliseconds. */
  amount: number;
}

export interface FaultPlan {
  /** Milliseconds since the start at which every fault has ended. */
  end: number;
  /** Probability for each call or write, by class; what is off is missing. */
  rates: ReadonlyMap<FaultClass, number>;
  periods: readonly Period[];
  /** Processes that may die; one that died is followed by another. */
  crashes: number;
}

/** No faults at all. */
export const calm: FaultPlan = Object.freeze({ end: 0, rates: new Map(), periods: [], crashes: 0 });

const crashing: readonly FaultClass[] = [
  "crash-before-call",
  "crash-after-call",
  "crash-before-write",
  "crash-after-write",
];

function periodOf(random: Random, kind: Period["kind"], end: number): Period {
  const from = between(random, 0, end * 0.8);
  const length = spread(random, 2_000, end);
  const amounts: Partial<Record<Period["kind"], () => number>> = {
    "rate-limit": () => count(random, 1, 120),
    // The longest that research found providers to take: research/reliability-performance.md, class 4.
    lag: () => spread(random, 200, 20_000),
    "clock-jump": () => pick(random, [-3_600_000, -60_000, 60_000, 3_600_000]),
  };
  return {
    kind,
    from,
    to: Math.min(end, from + length),
    provider: kind === "locked" ? "neon" : kind === "token-narrowed" ? "github" : pick(random, providerNames),
    amount: amounts[kind]?.() ?? 0,
  };
}

/**
 * @param only the classes that may be drawn. Default: all
 * @param most milliseconds until the last fault ends, at most. Default 5 minutes
 */
export function drawFaults(
  random: Random,
  options: { only?: readonly FaultClass[]; most?: number } = {},
): FaultPlan {
  const { only = faultClasses, most = 300_000 } = options;
  const end = spread(random, 10_000, most);
  const active = shuffled(random, only).slice(0, count(random, 0, Math.min(6, only.length)));
  const rates = new Map<FaultClass, number>();
  for (const kind of active) {
    if ((periods as readonly string[]).includes(kind)) continue;
    rates.set(kind, crashing.includes(kind) ? spread(random, 0.004, 0.06) : spread(random, 0.005, 0.3));
  }
  const drawn = active
    .filter((kind): kind is Period["kind"] => (periods as readonly string[]).includes(kind))
    .flatMap((kind) => Array.from({ length: count(random, 1, 2) }, () => periodOf(random, kind, end)));
  return { end, rates, periods: drawn, crashes: count(random, 1, 4) };
}

/** What the network does with one call. */
export interface CallFate {
  /** Milliseconds until the provider has it, and until its answer is back. */
  there: number;
  back: number;
  crash?: "before" | "after" | undefined;
  /** `request`: it never arrives; `answer`: it is applied and nobody is told. */
  lost?: "request" | "answer" | undefined;
  /** An answer that does not come from the provider: `before` the call is not applied, `after` it is. */
  failure?: "before" | "after" | undefined;
  garbled?: "html" | "broken-json" | undefined;
  /** It arrives twice, as proxies may send again what is idempotent by its method (RFC 9110, 9.2.2). */
  twice?: boolean | undefined;
}

export interface WriteFate {
  there: number;
  back: number;
  crash?: "before" | "after" | undefined;
  refused?: "conflict" | "unavailable" | undefined;
  lost?: boolean | undefined;
}

export interface Faults {
  plan: FaultPlan;
  /** Whether faults may still come. */
  active(): boolean;
  during(kind: Period["kind"], provider: ProviderName): Period | undefined;
  call(method: string): CallFate;
  write(): WriteFate;
  /** Milliseconds by which one event of a watch comes late, beyond the usual. */
  staleness(): number;
  /** What a watch meets at one of its events. */
  watch(): "gone" | "broken" | "silent" | undefined;
}

/** @param elapsed milliseconds since the start of the run */
export function createFaults(
  plan: FaultPlan,
  streams: { latency: Random; faults: Random },
  elapsed: () => number,
): Faults {
  const { faults, latency } = streams;
  const active = (): boolean => elapsed() < plan.end;
  let crashes = plan.crashes;
  const draw = (kind: FaultClass): boolean => {
    const rate = plan.rates.get(kind);
    return rate !== undefined && active() && happens(faults, rate);
  };
  const crash = (before: FaultClass, after: FaultClass): "before" | "after" | undefined => {
    const moment = draw(before) ? "before" : draw(after) ? "after" : undefined;
    if (moment === undefined || crashes === 0) return undefined;
    crashes -= 1;
    return moment;
  };
  const millisecond = (low: number, high: number): number => Math.round(spread(latency, low, high));
  return {
    plan,
    active,
    during: (kind, provider) =>
      plan.periods.find(
        (period) =>
          period.kind === kind &&
          period.provider === provider &&
          period.from <= elapsed() &&
          elapsed() < period.to,
      ),
    call: (method) => {
      const slow = draw("slow") ? Math.round(between(faults, 5_000, 40_000)) : 0;
      // Before or after the provider took it up: nobody can tell the two apart.
      const early = slow > 0 && happens(faults, 0.5);
      const idempotent = method === "GET" || method === "PUT" || method === "DELETE";
      return {
        there: millisecond(2, 120) + (early ? slow : 0),
        back: millisecond(2, 120) + (early ? 0 : slow),
        crash: crash("crash-before-call", "crash-after-call"),
        lost: draw("lost-request") ? "request" : draw("lost-answer") ? "answer" : undefined,
        failure: draw("failure-before") ? "before" : draw("failure-after") ? "after" : undefined,
        garbled: draw("html") ? "html" : draw("broken-json") ? "broken-json" : undefined,
        twice: idempotent && draw("duplicate"),
      };
    },
    write: () => ({
      there: millisecond(1, 10),
      back: millisecond(1, 10),
      crash: crash("crash-before-write", "crash-after-write"),
      refused: draw("conflict") ? "conflict" : draw("store-unavailable") ? "unavailable" : undefined,
      lost: draw("lost-write-answer"),
    }),
    staleness: () => (draw("stale-cache") ? Math.round(spread(faults, 100, 20_000)) : 0),
    watch: () =>
      draw("watch-gone")
        ? "gone"
        : draw("watch-broken")
          ? "broken"
          : draw("watch-silent")
            ? "silent"
            : undefined,
  };
}
