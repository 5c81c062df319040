/** Stock kubectl as a person types it, with a home of its own. */
import { execFile } from "node:child_process";
import { expect } from "vitest";

interface Ran {
  code: number;
  out: string;
  err: string;
}

interface KubectlInput {
  /** What is piped into it. */
  input?: string;
  /** The command that edits the file of `kubectl edit`. */
  editor?: string;
}

export interface Kubectl {
  run(args: readonly string[], options?: KubectlInput): Promise<Ran>;
  /** What it printed; fails when its exit code is not 0. */
  succeed(args: readonly string[], options?: KubectlInput): Promise<string>;
  /** A command that goes on until it is stopped. */
  follow(args: readonly string[]): { seen(text: string): Promise<void>; stop(): void };
}

/** @param options.home where it keeps its caches */
export function createKubectl(options: { command: string; kubeconfig: string; home: string }): Kubectl {
  const { command, kubeconfig, home } = options;
  const environment = { PATH: process.env["PATH"] ?? "", HOME: home, KUBECONFIG: kubeconfig };

  const run = (args: readonly string[], { input, editor }: KubectlInput = {}): Promise<Ran> =>
    new Promise((resolve) => {
      const env = { ...environment, ...(editor === undefined ? {} : { KUBE_EDITOR: editor }) };
      const child = execFile(command, [...args], { env }, (error, out, err) =>
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err }),
      );
      child.stdin?.end(input ?? "");
    });

  return {
    run,
    async succeed(args, given) {
      const ran = await run(args, given);
      expect(`${ran.code} ${ran.err}`, args.join(" ")).toMatch(/^0 /);
      return ran.out;
    },
    follow(args) {
      const stop = new AbortController();
      let printed = "";
      const child = execFile(command, [...args], { env: environment, signal: stop.signal });
      child.on("error", () => undefined);
      child.stdout?.on("data", (chunk: string) => {
        printed += chunk;
      });
      return {
        seen: (text) =>
          new Promise((resolve) => {
            const look = (): void => {
              if (printed.includes(text)) resolve();
            };
            child.stdout?.on("data", look);
            look();
          }),
        stop: () => stop.abort(),
      };
    },
  };
}
