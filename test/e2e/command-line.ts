/** The real command line in child processes, with a data directory of its own. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** What a started command runs. */
export const main = join(root, "controller", "cli", "main.ts");
const compileCache = join(root, "node_modules", ".cache", "node");
/** The quickstart's manifests. */
export const quickstart = join(root, "examples", "quickstart");

/** How a process ended, and what it wrote. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

export interface Running {
  process: ChildProcess;
  ended: Promise<Ended>;
  /** Resolves at the first line of standard output that fits, with that line; rejects when the process ends before. */
  line(fits: (line: string, index: number) => boolean): Promise<string>;
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "flaresmith-e2e-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

interface StartOptions {
  env?: Record<string, string>;
  /** A command that ends in executing what follows it; default none. */
  through?: readonly string[];
  /** User and group id to run as. */
  user?: number;
}

/** Starts a command; what still runs when the test is over is killed. */
export function start(args: readonly string[], options: StartOptions = {}): Running {
  const { GITHUB_TOKEN: _g, NEON_API_KEY: _n, CLOUDFLARE_API_TOKEN: _c, ...env } = process.env;
  const [program = "", ...rest] = [...(options.through ?? []), process.execPath, main, ...args];
  const child = spawn(program, rest, {
    cwd: root,
    // Every start would compile everything anew; what people start (toolchain/run.mjs) shares this cache too.
    env: { NODE_COMPILE_CACHE: compileCache, ...env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.user === undefined ? {} : { uid: options.user, gid: options.user }),
  });
  const written = { out: "", err: "" };
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    written.out += text;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    written.err += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...written }));
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended;
  });
  return {
    process: child,
    ended,
    line: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = written.out.split("\n").slice(0, -1).find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void ended.then(({ code, err, out }) => {
          if (waiting.delete(look))
            reject(new Error(`ended with ${code} before the line came\n${out}\n${err}`));
        });
      }),
  };
}

/** Runs a command to its end. */
export function run(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return start(args, options).ended;
}

/** The addresses that a sandbox wrote into a data directory. */
export function sandboxOf(dataDirectory: string): { control: { url: string }; workers: { url: string } } {
  return JSON.parse(readFileSync(join(dataDirectory, "sandbox.json"), "utf8")) as ReturnType<
    typeof sandboxOf
  >;
}

interface SandboxState {
  github: {
    repositories: {
      name: string;
      branches: Record<string, string>;
      environments: unknown;
      rulesets: unknown;
      hooks: unknown;
    }[];
  };
  neon: { projects: { name: string; branches: { name: string }[] }[] };
  cloudflare: { accounts: { scripts: { name: string; previews?: unknown }[] }[] };
}

/** Everything that exists at the providers. */
export async function stateOf(dataDirectory: string): Promise<SandboxState> {
  const response = await fetch(`${sandboxOf(dataDirectory).control.url}/state`);
  return (await response.json()) as SandboxState;
}

/** The requests that changed something at the providers, as `METHOD path`. */
export async function changesAt(dataDirectory: string): Promise<string[]> {
  const response = await fetch(`${sandboxOf(dataDirectory).control.url}/requests?since=0`);
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return lines
    .map((line) => JSON.parse(line) as { method: string; path: string; changed: boolean })
    .filter(({ changed }) => changed)
    .map(({ method, path }) => `${method} ${path}`);
}
