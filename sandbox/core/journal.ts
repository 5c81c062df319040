/** One request that a sandbox provider received, as `GET /requests` of the control port shows it. */
export interface JournalEntry {
  /** Grows by one with every request over all providers of one sandbox; starts at 1. */
  sequence: number;
  provider: string;
  method: string;
  /** Path and query as received, without the origin. */
  path: string;
  /** HTTP status answered; 0 when the connection was dropped. */
  status: number;
  /** Whether the request changed the provider's state, also when its answer was lost. */
  changed: boolean;
  /** The fault that was applied, if any. */
  fault?: string;
}

/** The sandbox's memory of every request; bounded, oldest entries go first. */
export interface Journal {
  record(entry: Omit<JournalEntry, "sequence">): JournalEntry;
  /** Entries with a sequence greater than `sequence`, oldest first. */
  since(sequence: number): JournalEntry[];
  /** The sequence of the newest entry; 0 when none. */
  last(): number;
}

/** @param capacity how many entries are kept (default 200,000) */
export function createJournal(capacity = 200_000): Journal {
  let entries: JournalEntry[] = [];
  let last = 0;
  return {
    record: (entry) => {
      last += 1;
      const recorded = { sequence: last, ...entry };
      entries.push(recorded);
      if (entries.length > capacity) entries = entries.slice(entries.length - capacity / 2);
      return recorded;
    },
    since: (sequence) => entries.filter((entry) => entry.sequence > sequence),
    last: () => last,
  };
}
