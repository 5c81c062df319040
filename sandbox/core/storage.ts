/** One kind of thing a provider remembers, by key, in insertion order. Values are plain JSON and never shared by reference. */
export interface Collection<Value> {
  get(key: string): Value | undefined;
  /** Writes through before it returns: what was set survives a killed process where the storage is durable. */
  set(key: string, value: Value): void;
  delete(key: string): boolean;
  entries(): [string, Value][];
  values(): Value[];
}

/** Where a provider keeps its state. A provider holds no other state that an API client could notice. */
export interface SandboxStorage {
  /** The collection of that name; the same name gives the same collection. */
  collection<Value>(name: string): Collection<Value>;
  /**
   * Runs a synchronous group of writes: where the storage is durable, a killed process leaves all of them or none.
   * What `run` throws undoes them there and is thrown on. Groups do not nest.
   */
  transaction<Result>(run: () => Result): Result;
}

/** Storage that lasts as long as the process: simulation and most tests. */
export function memoryStorage(): SandboxStorage {
  const collections = new Map<string, Map<string, string>>();
  return {
    collection: <Value>(name: string): Collection<Value> => {
      // Kept as text: reading it is the cheapest copy, and the same as where the storage is durable.
      const texts = collections.get(name) ?? new Map<string, string>();
      collections.set(name, texts);
      const parse = (text: string): Value => JSON.parse(text) as Value;
      return {
        get: (key) => {
          const text = texts.get(key);
          return text === undefined ? undefined : parse(text);
        },
        set: (key, value) => void texts.set(key, JSON.stringify(value)),
        delete: (key) => texts.delete(key),
        entries: () => [...texts].map(([key, text]) => [key, parse(text)]),
        values: () => [...texts.values()].map(parse),
      };
    },
    transaction: (run) => run(),
  };
}
