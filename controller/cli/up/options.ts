/** What `flaresmith up` takes. */
import type { Clock, Fetch, Random } from "../../runtime/clock.ts";
import type { LogLevel } from "../../runtime/log.ts";
import type { Ask } from "../ask.ts";
import type { Terminal } from "../terminal.ts";
import type { SignalSource } from "./signals.ts";

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
}

export interface UpOptions {
  source: readonly string[];
  sandbox: boolean;
  sandboxDir?: string | undefined;
  template: readonly string[];
  dataDir: string;
  installation?: string | undefined;
  once: boolean;
  /** Go duration; for `--once` only. */
  timeout: string;
  output: "text" | "json";
  apiPort?: number | undefined;
  opsAddress?: string | undefined;
  webhooksAddress?: string | undefined;
  publicUrl?: string | undefined;
  allowDirectory: readonly string[];
  logFile?: string | undefined;
  logLevel: LogLevel;
}
