/** Time as the sandbox sees it. Emulated behaviour (delays, leases, rate windows) is computed from `now()` when it is read. */
export interface SandboxClock {
  /** Wall time in milliseconds since the epoch. */
  now: () => number;
  /** Resolves after `milliseconds` of this clock's time; rejects with the signal's reason when aborted. */
  sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** Moves this clock forward by `milliseconds`; what was due in between becomes due at once. */
  advance(milliseconds: number): void;
}

/** A seeded source of everything the sandbox invents: ids, tokens, keys. The same seed gives the same world. */
export interface SandboxRandom {
  /** A float in [0, 1). */
  next(): number;
  /** `length` characters from `alphabet` (default: lower-case hexadecimal). */
  string(length: number, alphabet?: string): string;
  /** A version 4 UUID. */
  uuid(): string;
}
