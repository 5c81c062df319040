import type { Clock } from "../runtime/clock.ts";

/** How long a client may leave what it was sent unread before it is cut off. */
const STALLED_MILLISECONDS = 60_000;

/** Watches whether a client goes on reading an answer that comes in pieces. */
export interface StalledReader {
  /** A piece was handed over. */
  sent(): void;
  /** The next piece is asked for, or there is none. */
  read(): void;
}

/** @param onStall called once, when a piece was left unread for a minute */
export function stalledReader(clock: Clock, onStall: () => void): StalledReader {
  let cancel: () => void = () => undefined;
  return {
    sent: () => {
      cancel();
      const timer = clock.setTimer(STALLED_MILLISECONDS, onStall);
      cancel = () => timer.cancel();
    },
    read: () => cancel(),
  };
}
