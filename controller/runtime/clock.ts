/**
 * Everything that can differ between two runs is injected through these interfaces, so that the simulator can replay a
 * run from a seed. The adapters under `runtime/adapters` are the only code that reads the real clock or real chance.
 */

/** A timer that was set and can be cancelled; cancelling twice or after it fired does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since the epoch. For stamps that people read and for leases at providers, never for durations. */
  now(): number;
  /** Monotonic time in milliseconds, from an arbitrary origin. For every duration, deadline and back-off. */
  monotonic(): number;
  /** Calls `callback` once, `milliseconds` from now. */
  setTimer(milliseconds: number, callback: () => void): Timer;
  /** Resolves after `milliseconds`; rejects with the signal's reason as soon as it is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** `bytes` random bytes in lower-case hexadecimal. */
  hex(bytes: number): string;
  /** A version 4 UUID. */
  uuid(): string;
}

/** The network as the controller sees it: the fetch standard, injected. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** RFC 3339 in UTC with second precision, as Kubernetes writes `metadata.creationTimestamp`. */
export function timestamp(clock: Clock): string {
  return new Date(clock.now()).toISOString().replace(/\.\d{3}Z$/, "Z");
}
