/** What the operating system says about ending: a first signal asks, a later second one insists. */
import type { Clock } from "../../runtime/clock.ts";

/** Terminals signal the whole group and npm passes signals on, so one keystroke can arrive several times. */
const REPEAT = 1000;

export interface SignalSource {
  on(signal: "SIGINT" | "SIGTERM", listener: (signal: string) => void): unknown;
  off(signal: "SIGINT" | "SIGTERM", listener: (signal: string) => void): unknown;
}

/**
 * Listens for SIGINT and SIGTERM. Repeats within a second are one signal.
 * @returns a function that stops listening
 */
export function onSignals(options: {
  process: SignalSource;
  clock: Clock;
  /** The first signal. */
  ask: (signal: string) => void;
  /** One that comes more than a second after it. */
  insist: (signal: string) => void;
}): () => void {
  const { ask, clock, insist, process } = options;
  let last: number | undefined;
  const listener = (signal: string): void => {
    const now = clock.monotonic();
    const before = last;
    last = now;
    if (before === undefined) ask(signal);
    else if (now - before > REPEAT) insist(signal);
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return () => {
    process.off("SIGINT", listener);
    process.off("SIGTERM", listener);
  };
}
