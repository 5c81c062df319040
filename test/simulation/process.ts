/** One controller process on the simulated machine: it can be killed, be told to end, and have a clock that is wrong. */
import type { Clock, Fetch } from "../../controller/runtime/clock.ts";
import type { ResourceClient } from "../../controller/store/resource-client.ts";
import { startController } from "../support/controller.ts";
import type { RunningController } from "../support/controller.ts";
import { streamOf } from "./chance.ts";
import type { Kernel } from "./kernel.ts";

export interface Process {
  readonly name: string;
  readonly alive: boolean;
  /** Aborted when it is gone. */
  readonly gone: AbortSignal;
  /** What it does from now on has no effect; what it sent still arrives. */
  kill(why: string): void;
  /** Ends it as SIGTERM does. Resolves when it has ended; it may be killed before. */
  terminate(): Promise<void>;
  /** Aborted when the run is over. */
  readonly over: AbortSignal;
  /**
   * When the run is over: whatever still waits is broken off, as the SDKs' own timers, which run in real time, would keep
   * all that a process has made.
   */
  release(): void;
  /** Milliseconds by which its wall clock is wrong. */
  skew: number;
  /** Every log line, when they are kept. */
  readonly log: readonly string[];
  /** Whatever broke it: a controller that ends by itself is a violation. */
  readonly broken: unknown;
  /** What its metrics say. */
  exposition(): Promise<string>;
}

/** What a process reaches the world through. */
export interface Surroundings {
  network(process: Process): Fetch;
  store(process: Process): ResourceClient;
}

/** Its clock is right about how long things take, and off by its skew about what time it is. */
function clockOf(kernel: Kernel, process: Process): Clock {
  const began = kernel.now();
  const setTimer: Clock["setTimer"] = (milliseconds, callback) =>
    kernel.after(milliseconds, () => {
      if (process.alive) callback();
    });
  return {
    now: () => kernel.now() + process.skew,
    monotonic: () => kernel.now() - began,
    setTimer,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason as Error);
          return;
        }
        const abort = (): void => {
          timer.cancel();
          reject(signal?.reason as Error);
        };
        const timer = setTimer(milliseconds, () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        });
        signal?.addEventListener("abort", abort, { once: true });
      }),
  };
}

export function startProcess(options: {
  kernel: Kernel;
  seed: number;
  /** From 1, for each process of a run. */
  ordinal: number;
  surroundings: Surroundings;
  /** Whether log lines are kept. */
  log: boolean;
  /** Told every log line as it comes. */
  logged?: ((line: string) => void) | undefined;
}): Process {
  const { kernel, ordinal, seed, surroundings } = options;
  const gone = new AbortController();
  const over = new AbortController();
  const lines: string[] = [];
  let alive = true;
  let broken: unknown;
  const process: Process = {
    name: `p${ordinal}`,
    skew: 0,
    gone: gone.signal,
    over: over.signal,
    log: lines,
    get alive() {
      return alive;
    },
    get broken() {
      return broken;
    },
    kill: (why) => {
      if (!alive) return;
      kernel.trace(`${process.name} dies ${why}`);
      alive = false;
      gone.abort();
    },
    terminate: async () => {
      kernel.trace(`${process.name} is told to end`);
      running.abort(new Error("terminated"));
      await running.ended;
      if (alive) kernel.trace(`${process.name} has ended`);
      alive = false;
      gone.abort();
    },
    release: () => {
      const reason = new Error("the run is over");
      // Without draining: its clock stands still.
      void running.manager.stop({ drain: 0 });
      over.abort(reason);
    },
    exposition: async () => (await running.tracker.exposition()).body,
  };
  kernel.trace(`${process.name} starts`);
  const running: RunningController = startController({
    client: surroundings.store(process),
    clock: clockOf(kernel, process),
    random: streamOf(seed, `process ${ordinal}`),
    fetch: surroundings.network(process),
    log:
      !options.log && options.logged === undefined
        ? undefined
        : (line) => {
            if (!alive) return;
            if (options.log) lines.push(line);
            options.logged?.(line);
          },
  });
  running.ended.catch((error: unknown) => {
    if (alive) broken = error;
  });
  return process;
}
