/** The last requests to providers, for people who ask what the controller did and for tests that count. */
interface JournalEntry {
  /** Counts up from 1, without gaps. */
  readonly sequence: number;
  readonly provider: string;
  readonly connection: string;
  readonly method: string;
  /** Path without query: queries may carry what does not belong here. */
  readonly path: string;
  readonly route: string;
  /** HTTP status, or `cached`, `timeout`, `network`. */
  readonly code: string;
  /** Milliseconds. */
  readonly duration: number;
}

export interface RequestJournal {
  record(entry: Omit<JournalEntry, "sequence">): void;
  /** Entries after a sequence number, oldest first. Default: all that are kept. */
  since(sequence?: number): readonly JournalEntry[];
  /** Sequence number of the newest entry. */
  readonly last: number;
}

/** @param options.capacity entries kept. Default 10,000 */
export function createRequestJournal(options: { capacity?: number } = {}): RequestJournal {
  const capacity = options.capacity ?? 10_000;
  const entries: JournalEntry[] = [];
  let last = 0;
  return {
    record: (entry) => {
      last++;
      entries[last % capacity] = Object.freeze({ sequence: last, ...entry });
    },
    since: (sequence = 0) =>
      Object.values(entries)
        .filter((entry) => entry.sequence > sequence)
        .toSorted((a, b) => a.sequence - b.sequence),
    get last() {
      return last;
    },
  };
}
