/** What every command is given of the outside world. */
import type { Clock, Fetch, Random } from "../runtime/clock.ts";
import type { SignalSource } from "./process/signals.ts";
import type { Ask } from "./ask.ts";
import type { Terminal } from "./terminal.ts";

/** The outside world of a command, injected. */
export interface CommandEnvironment {
  terminal: Terminal;
  clock: Clock;
  random: Random;
  fetch: Fetch;
  env: Readonly<Record<string, string | undefined>>;
  signals: SignalSource;
  /** Asks the person at the terminal; undefined where there is nobody to ask. */
  ask: Ask | undefined;
  /** Ends the process at once; only a second signal asks for it. */
  exit(code: number): void;
  version: string;
  /** What standard output could not be given, once everything was written or lost. */
  lostOutput?: (() => Promise<Error | undefined>) | undefined;
}
