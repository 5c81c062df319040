/**
 * The time by the providers' clocks. Every answer carries it (`Date`, RFC 9110 §6.6.1); between answers the monotonic
 * clock goes on from the last one. What is stamped and kept by providers, such as the end of a lease or the life of a
 * token, is compared with it, so that a wall clock that is wrong or jumps ends nothing early. Neither does one answer whose
 * clock is wrong: what it says counts when the next one says so too.
 */
import type { Clock } from "./clock.ts";

export interface ProviderTime {
  /** Milliseconds since the epoch; by the wall clock until a provider has answered. */
  now(): number;
  /** Whether two answers agreed: nothing may be ended by the word of one alone. */
  readonly isKnown: boolean;
  /** A sound answer of a provider has come. @param date its `Date` header */
  heard(date: string | null): void;
}

/** Milliseconds by which answers may differ: `Date` has seconds, clocks a few, and a body takes a while to arrive. */
const TOLERANCE = 60_000;

/** Creates a {@link ProviderTime} that has heard nothing yet. */
export function createProviderTime(clock: Clock): ProviderTime {
  interface Reading {
    readonly date: number;
    readonly at: number;
  }
  let last: Reading | undefined;
  let isKnown = false;
  /** Far from `last`, and from the answer before. */
  let doubted: Reading | undefined;
  const timeBy = ({ at, date }: Reading): number => date + clock.monotonic() - at;
  const agree = (reading: Reading | undefined, date: number): boolean =>
    reading !== undefined && Math.abs(timeBy(reading) - date) <= TOLERANCE;
  return {
    now: () => (last === undefined ? clock.now() : timeBy(last)),
    get isKnown() {
      return isKnown;
    },
    heard: (header) => {
      const date = header === null ? Number.NaN : Date.parse(header);
      if (Number.isNaN(date)) {
        // An answer that does not say the time leaves this machine's, as good as it is.
        isKnown ||= last === undefined;
        last ??= { date: clock.now(), at: clock.monotonic() };
        return;
      }
      const reading = { date, at: clock.monotonic() };
      const confirmed = agree(last, date) || agree(doubted, date);
      isKnown ||= confirmed;
      if (confirmed || last === undefined) last = reading;
      doubted = confirmed || last === reading ? undefined : reading;
    },
  };
}
