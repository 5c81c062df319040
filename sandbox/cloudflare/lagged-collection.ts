import type { SandboxContext } from "../core/provider.ts";
import type { Collection } from "../core/storage.ts";

interface Past<Value> {
  /** When the write happened, in milliseconds since the epoch. */
  at: number;
  /** What was there before it; null when nothing. */
  before: Value | null;
}

/** A collection whose readers may ask for the world as it was `lag` ago (`context.faults.lag`). */
export interface LaggedCollection<Value> extends Collection<Value> {
  /** The value as a lagging reader of `resource` sees it. */
  seen(key: string, resource: string): Value | undefined;
  /** All entries as a lagging reader of `resource` sees them. */
  seenEntries(resource: string): [string, Value][];
}

/**
 * Wraps a stored collection so that read-after-write lag can be emulated; history is kept only while a lag is set.
 * @param options provider name for the lag rules and the resources whose lags apply to this collection
 */
export function laggedCollection<Value>(options: {
  context: SandboxContext;
  provider: string;
  name: string;
  resources: readonly string[];
}): LaggedCollection<Value> {
  const { context, provider, name, resources } = options;
  const current = context.storage.collection<Value>(name);
  const history = context.storage.collection<Past<Value>[]>(`${name}.history`);
  const remember = (key: string): void => {
    const lag = Math.max(...resources.map((resource) => context.faults.lag(provider, resource)));
    if (lag === 0) return;
    const now = context.clock.now();
    const kept = (history.get(key) ?? []).filter((past) => past.at > now - lag);
    history.set(key, [...kept, { at: now, before: current.get(key) ?? null }]);
  };
  const view = (key: string, resource: string, value: Value | undefined): Value | undefined => {
    const lag = context.faults.lag(provider, resource);
    if (lag === 0) return value;
    const horizon = context.clock.now() - lag;
    const past = (history.get(key) ?? []).find((entry) => entry.at > horizon);
    return past ? (past.before ?? undefined) : value;
  };
  return {
    get: (key) => current.get(key),
    set: (key, value) => {
      remember(key);
      current.set(key, value);
    },
    delete: (key) => {
      remember(key);
      return current.delete(key);
    },
    entries: () => current.entries(),
    values: () => current.values(),
    seen: (key, resource) => view(key, resource, current.get(key)),
    seenEntries: (resource) => {
      if (context.faults.lag(provider, resource) === 0) return current.entries();
      const keys = new Set([...current.entries(), ...history.entries()].map(([key]) => key));
      return [...keys].flatMap((key): [string, Value][] => {
        const value = view(key, resource, current.get(key));
        return value === undefined ? [] : [[key, value]];
      });
    },
  };
}
