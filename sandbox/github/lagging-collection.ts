import type { SandboxContext } from "../core/provider.ts";

/** Records whose reads may lag behind their writes, as the sandbox's lag rules say. */
export interface LaggingCollection<Value> {
  /** What a read sees now: the world as it was `lag` milliseconds ago. */
  get(key: string): Value | undefined;
  values(): Value[];
  /** What the provider itself knows: uniqueness, permissions and writes go by it. */
  latest(key: string): Value | undefined;
  latestValues(): Value[];
  set(key: string, value: Value): void;
  delete(key: string): boolean;
  /** Forgets every record, without lag. */
  clear(): void;
}

interface Versions<Value> {
  /** Oldest first; a null value is a deletion. */
  versions: { at: number; value: Value | null }[];
}

/**
 * A collection with read-after-write lag over the sandbox's storage.
 * @param resource the name lag rules use for these records
 * @param onChange called after every write
 */
export function laggingCollection<Value>(options: {
  context: SandboxContext;
  name: string;
  resource: string;
  onChange: () => void;
}): LaggingCollection<Value> {
  const { context, resource, onChange } = options;
  const stored = context.storage.collection<Versions<Value>>(options.name);
  const lag = (): number => context.faults.lag("github", resource);
  const last = (record: Versions<Value> | undefined): Value | undefined =>
    record?.versions.at(-1)?.value ?? undefined;
  const visible = (record: Versions<Value> | undefined, delay: number): Value | undefined => {
    if (record === undefined || delay === 0) return last(record);
    const seenUntil = context.clock.now() - delay;
    return record.versions.findLast((version) => version.at <= seenUntil)?.value ?? undefined;
  };
  const append = (key: string, value: Value | null): void => {
    const now = context.clock.now();
    const delay = lag();
    const known = stored.get(key)?.versions ?? [];
    // Everything older than the lag collapses into the one version that a lagging read may still need.
    const keepFrom = Math.max(
      0,
      known.findLastIndex((version) => version.at <= now - delay),
    );
    const kept = delay === 0 ? [] : known.slice(keepFrom);
    stored.set(key, { versions: [...kept, { at: now, value }] });
    onChange();
  };
  const defined = (values: (Value | undefined)[]): Value[] => values.filter((value) => value !== undefined);
  return {
    get: (key) => visible(stored.get(key), lag()),
    values: () => {
      const delay = lag();
      return defined(stored.values().map((record) => visible(record, delay)));
    },
    latest: (key) => last(stored.get(key)),
    latestValues: () => defined(stored.values().map(last)),
    set: (key, value) => append(key, value),
    delete: (key) => {
      if (last(stored.get(key)) === undefined) return false;
      if (lag() > 0) append(key, null);
      else {
        stored.delete(key);
        onChange();
      }
      return true;
    },
    clear: () => {
      for (const [key] of stored.entries()) stored.delete(key);
      onChange();
    },
  };
}
