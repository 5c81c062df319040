/** Programs that a test starts, stops, kills and freezes. None outlives the test run, even when that is killed. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Socket } from "node:net";

/** How long a program may take to end by itself before it is killed. */
const GRACE_MILLISECONDS = 20_000;
/** How much of a log is quoted in an error. */
const QUOTED_LINES = 8;

export interface ProgramOptions {
  command: string;
  args: readonly string[];
  /** What it prints is appended here. */
  logFile: string;
  env?: Readonly<Record<string, string>>;
}

export interface Program {
  readonly pid: number;
  /** Resolves when it is gone: with its exit code, or null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Whether it has neither ended nor been killed. */
  isRunning(): boolean;
  /** Asks it to end (SIGTERM), and kills it when it does not within 20 s. Resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** All that it printed so far. */
  log(): string;
  /** The last lines of its log, for errors. */
  lastWords(): string;
}

let watchdog: ChildProcess | undefined;

function tellWatchdog(line: string): void {
  if (watchdog === undefined) {
    watchdog = spawn(process.execPath, [join(import.meta.dirname, "watchdog.mjs")], {
      stdio: ["pipe", "ignore", "ignore"],
      // Its own group: what ends us from a terminal must not end it before it has cleaned up.
      detached: true,
    });
    watchdog.unref();
    (watchdog.stdin as Socket).unref();
  }
  watchdog.stdin?.write(`${line}\n`);
}

/** Has a folder removed when this process is gone. */
export function removeAfterwards(folder: string): void {
  tellWatchdog(`rm ${folder}`);
}

/** @throws Error when the command cannot be started */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { command, args, logFile, env } = options;
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(command, args, {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  await once(child, "spawn");
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} has no process id`);
  tellWatchdog(`+${pid}`);
  let isRunning = true;
  const ended = once(child, "exit").then(([code]) => {
    isRunning = false;
    tellWatchdog(`-${pid}`);
    return code as number | null;
  });
  const signal = (name: NodeJS.Signals): void => {
    if (isRunning) child.kill(name);
  };
  return {
    pid,
    ended,
    isRunning: () => isRunning,
    async stop() {
      signal("SIGCONT");
      signal("SIGTERM");
      const timer = setTimeout(() => signal("SIGKILL"), GRACE_MILLISECONDS);
      await ended;
      clearTimeout(timer);
    },
    async kill() {
      signal("SIGKILL");
      await ended;
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    log: () => readFileSync(logFile, "utf8"),
    lastWords() {
      const lines = readFileSync(logFile, "utf8").trim().split("\n").slice(-QUOTED_LINES);
      return `${basename(command)}: ${lines.join("\n")}`;
    },
  };
}
