/** Runs git, the only program that is executed. No shell, no inherited configuration. */
import { spawn } from "node:child_process";
import type { Clock, Timer } from "../clock.ts";
import { FlaresmithError } from "../errors.ts";

/** One invocation of git. */
export interface GitCommand {
  readonly args: readonly string[];
  readonly cwd: string;
  /** Added to what every invocation has. */
  readonly env: Readonly<Record<string, string>>;
  readonly input?: string | undefined;
  /** Bytes of standard output beyond which the process is ended. */
  readonly maxOutput: number;
  /** Milliseconds after which the process is ended. */
  readonly timeout: number;
  /** Asked again and again while it runs; an error ends it, and is what the run fails with. */
  readonly guard?: (() => Promise<Error | undefined>) | undefined;
}

/** Milliseconds between two questions to a guard. */
const GUARD_INTERVAL = 250;

export interface GitResult {
  /** Exit code; 128 and more for git's own failures. */
  readonly code: number;
  readonly stdout: Buffer;
  /** The last 8 KiB. */
  readonly stderr: string;
}

/** @throws FlaresmithError SOURCE_GIT_FAILED when git cannot be started, takes too long or answers too much */
export type GitRunner = (command: GitCommand, signal: AbortSignal) => Promise<GitResult>;

/** What is passed on of the process's environment: where programs are, how to reach the network, whom to trust. */
const PASSED_ON = [
  "PATH",
  "GIT_SSL_CAINFO",
  "GIT_SSL_CAPATH",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "HTTPS_PROXY",
  "https_proxy",
  "ALL_PROXY",
  "all_proxy",
  "NO_PROXY",
  "no_proxy",
];
const STDERR_BYTES = 8192;

/**
 * Runs git with argument arrays in a process group of its own, which is ended as a whole.
 *
 * @param options.environment the process's environment, of which a few names are passed on
 */
export function createGitRunner(options: {
  clock: Clock;
  environment: Readonly<Record<string, string | undefined>>;
}): GitRunner {
  const inherited: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = options.environment[name];
    if (value !== undefined) inherited[name] = value;
  }
  return (command, signal) => run(command, inherited, options.clock, signal);
}

function run(
  command: GitCommand,
  inherited: Readonly<Record<string, string>>,
  clock: Clock,
  signal: AbortSignal,
): Promise<GitResult> {
  const { promise, resolve, reject } = Promise.withResolvers<GitResult>();
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  const what = `git ${command.args[0] ?? ""}`;
  const child = spawn("git", command.args, {
    cwd: command.cwd,
    env: { ...inherited, ...command.env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    windowsHide: true,
  });
  let failure: Error | undefined;
  const end = (error: Error): void => {
    failure ??= error;
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It ended by itself in the meantime.
    }
  };
  const timer = clock.setTimer(command.timeout, () =>
    end(
      new FlaresmithError({
        code: "SOURCE_GIT_FAILED",
        message: `${what} did not end within ${Math.round(command.timeout / 1000)} s`,
      }),
    ),
  );
  let over = false;
  let guarding: Timer | undefined;
  const watch = (guard: () => Promise<Error | undefined>): void => {
    guarding = clock.setTimer(GUARD_INTERVAL, () => {
      void guard()
        .catch((error: Error) => error)
        .then((error) => {
          if (over) return;
          if (error === undefined) watch(guard);
          else end(error);
        });
    });
  };
  if (command.guard !== undefined) watch(command.guard);
  const abort = (): void => end(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  const out: Buffer[] = [];
  let size = 0;
  let stderr = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size <= command.maxOutput) out.push(chunk);
    else {
      const limit = Math.round(command.maxOutput / 1024 / 1024);
      end(
        new FlaresmithError({
          code: "SOURCE_GIT_FAILED",
          class: "terminal",
          message: `${what} answered more than ${limit} MiB`,
          hint: "Name a narrower folder in spec.path, or keep the manifests in a repository of their own.",
        }),
      );
    }
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-STDERR_BYTES);
  });
  // A process that ends early closes its input; its exit code says why.
  child.stdin.on("error", () => {});
  child.stdin.end(command.input ?? "");
  const settle = (finish: () => void): void => {
    over = true;
    timer.cancel();
    guarding?.cancel();
    signal.removeEventListener("abort", abort);
    finish();
  };
  child.on("error", (error) => {
    settle(() => reject(failure ?? notStarted(error)));
  });
  child.on("close", (code) => {
    settle(() => {
      if (failure !== undefined) reject(failure);
      else resolve({ code: code ?? 255, stdout: Buffer.concat(out), stderr: stderr.toString("utf8") });
    });
  });
  return promise;
}

function notStarted(error: Error): FlaresmithError {
  const missing = "code" in error && error.code === "ENOENT";
  return new FlaresmithError({
    code: "SOURCE_GIT_FAILED",
    message: missing ? "git is not installed" : "git cannot be started",
    hint: "Install git 2.31 or newer on the controller's PATH.",
    cause: error,
  });
}
