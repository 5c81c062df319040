/**
 * The time by the providers' clocks. Every answer carries it (`Date`, RFC 9110 §6.6.1); between answers the monotonic
 * clock goes on from the last one. What is stamped and kept by providers, such as the end of a lease or the life of a
 * token, is compared with it, so that a wall clock that is wrong or jumps ends nothing early.
 */
import type { Clock } from "./clock.ts";

export interface ProviderTime {
  /** Milliseconds since the epoch; by the wall clock until a provider has answered. */
  now(): number;
  /** Whether a provider has answered. */
  readonly isKnown: boolean;
  /** An answer has come. @param date its `Date` header */
  heard(date: string | null): void;
}

export function createProviderTime(clock: Clock): ProviderTime {
  let last: { date: number; at: number } | undefined;
  return {
    now: () => (last === undefined ? clock.now() : last.date + clock.monotonic() - last.at),
    get isKnown() {
      return last !== undefined;
    },
    heard: (date) => {
      const milliseconds = date === null ? Number.NaN : Date.parse(date);
      // An answer that does not say the time leaves this machine's, as good as it is.
      if (!Number.isNaN(milliseconds)) last = { date: milliseconds, at: clock.monotonic() };
      else last ??= { date: clock.now(), at: clock.monotonic() };
    },
  };
}
