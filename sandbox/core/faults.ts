import type { SandboxRandom } from "./clock.ts";

/** What goes wrong, where, and how often. Every matcher that is left out matches everything. */
export interface FaultRule {
  /** Set by the sandbox when left out. */
  id?: string;
  provider?: string;
  /** Upper-case HTTP method. */
  method?: string;
  /** Regular expression tested against path and query. */
  path?: string;
  /** `before`: the request is not applied; `after`: it is applied and its answer replaced or lost. Default `before`. */
  when?: "before" | "after";
  /** Answer with this status. Without `status` and `drop`, only the delay applies. */
  status?: number;
  headers?: Record<string, string>;
  /** Body of the answer; an object is sent as JSON, a string as it is (`text/html` unless `headers` says otherwise). */
  body?: unknown;
  /** Close the connection without an answer. */
  drop?: boolean;
  /** Hold the request (before) or the answer (after) for this long, in milliseconds of the sandbox's clock. */
  delay?: number;
  /** How many matching requests are hit; default 1, 0 means without end. */
  times?: number;
  /** Matching requests let through before the first hit; default 0. */
  skip?: number;
  /** Chance in [0, 1] that a matching request is hit; default 1. */
  probability?: number;
}

/** Read-after-write lag: for `milliseconds` after a write, reads of `resource` show the world as it was. */
interface LagRule {
  provider: string;
  /** A resource name from the provider's ledger page, e.g. `repository`, `branch`, `script`; `*` for all. */
  resource: string;
  milliseconds: number;
}

interface ActiveFault {
  rule: FaultRule & { id: string };
  seen: number;
  hit: number;
}

/** The faults of one sandbox: rules are added and cleared over the control port, matched in the order added. */
export interface Faults {
  add(rule: FaultRule): string;
  setLag(rule: LagRule): void;
  /** The lag in milliseconds for a provider's resource; 0 when none. */
  lag(provider: string, resource: string): number;
  clear(): void;
  list(): { faults: FaultRule[]; lags: LagRule[] };
  /** The first rule for this moment that matches, its counters advanced; undefined when none. */
  match(
    provider: string,
    method: string,
    path: string,
    when: "before" | "after",
  ): (FaultRule & { id: string }) | undefined;
}

export function createFaults(random: SandboxRandom): Faults {
  let active: ActiveFault[] = [];
  let lags: LagRule[] = [];
  let next = 0;
  const matches = (rule: FaultRule, provider: string, method: string, path: string): boolean =>
    (rule.provider === undefined || rule.provider === provider) &&
    (rule.method === undefined || rule.method === method) &&
    (rule.path === undefined || new RegExp(rule.path).test(path));
  return {
    add: (rule) => {
      next += 1;
      const id = rule.id ?? `fault-${next}`;
      if (rule.path !== undefined) new RegExp(rule.path);
      active.push({ rule: { ...rule, id }, seen: 0, hit: 0 });
      return id;
    },
    setLag: (rule) => {
      lags = [
        ...lags.filter((lag) => lag.provider !== rule.provider || lag.resource !== rule.resource),
        rule,
      ];
    },
    lag: (provider, resource) =>
      Math.max(
        0,
        ...lags
          .filter((lag) => lag.provider === provider && (lag.resource === resource || lag.resource === "*"))
          .map((lag) => lag.milliseconds),
      ),
    clear: () => {
      active = [];
      lags = [];
    },
    list: () => ({ faults: active.map((fault) => fault.rule), lags }),
    match: (provider, method, path, when) => {
      for (const fault of active) {
        const { rule } = fault;
        const times = rule.times ?? 1;
        if ((rule.when ?? "before") !== when || (times !== 0 && fault.hit >= times)) continue;
        if (!matches(rule, provider, method, path)) continue;
        fault.seen += 1;
        if (fault.seen <= (rule.skip ?? 0)) continue;
        if (rule.probability !== undefined && random.next() >= rule.probability) continue;
        fault.hit += 1;
        return rule;
      }
      return undefined;
    },
  };
}
