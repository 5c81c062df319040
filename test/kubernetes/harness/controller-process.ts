/** `flaresmith controller` in processes of its own, as the pods of a Deployment run it. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeAfterwards, startProgram, type Program } from "./program.ts";

const root = join(import.meta.dirname, "../../..");
const POLL_MILLISECONDS = 20;
/** Between the end of a process and its next start. */
const RESTART_MILLISECONDS = 1000;
/** Of this process's environment, credentials of real providers reach no controller. */
const WITHOUT_CREDENTIALS = { GITHUB_TOKEN: "", NEON_API_KEY: "", CLOUDFLARE_API_TOKEN: "", KUBECONFIG: "" };

export interface ControllerOptions {
  /** Of the pod: its identity in the Lease begins with it. */
  name: string;
  kubeconfig: string;
  /** More of its environment. */
  env?: Readonly<Record<string, string>>;
}

export interface ControllerProcess {
  name: string;
  program: Program;
  /** Where `/metrics` and `/readyz` answer. */
  ops: string;
}

/** Starts it and says nothing about whether it will get far. */
async function launch({ name, kubeconfig, env = {} }: ControllerOptions): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), `controller-${name}-`));
  removeAfterwards(folder);
  return startProgram({
    command: process.execPath,
    args: [
      join(root, "controller/cli/main.ts"),
      "controller",
      `--kubeconfig=${kubeconfig}`,
      "--installation=acme",
      "--ops-address=127.0.0.1:0",
      "--webhooks-address=127.0.0.1:0",
      "--output=json",
    ],
    logFile: join(folder, "log"),
    env: {
      ...WITHOUT_CREDENTIALS,
      POD_NAME: name,
      NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node"),
      ...env,
    },
  });
}

/** Where a process that has started listens for operations; undefined before. */
function opsOf(program: Program): string | undefined {
  const line = program
    .log()
    .split("\n")
    .find((one) => one.startsWith('{"event":"started"'));
  return line === undefined ? undefined : (JSON.parse(line) as { ops: string }).ops;
}

/**
 * Starts one and waits until it says that it runs.
 * @throws Error with its last words when it ends before
 */
export async function startController(options: ControllerOptions): Promise<ControllerProcess> {
  const program = await launch(options);
  for (;;) {
    const ops = opsOf(program);
    if (ops !== undefined) return { name: options.name, program, ops };
    if (!program.isRunning()) throw new Error(program.lastWords());
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

export interface Supervised {
  /** Exit codes of the processes that ended and were followed by another, oldest first. */
  readonly exits: readonly (number | null)[];
  /** What all of them printed, for failures. */
  log(): string;
  /** SIGTERM. @returns the last one's exit code */
  stop(): Promise<number | null>;
}

/** One after another, as the kubelet does it: whenever the process ends, for whatever reason, it is started again. */
export async function superviseController(options: ControllerOptions): Promise<Supervised> {
  const exits: (number | null)[] = [];
  const programs = [await launch(options)];
  let isStopping = false;
  const watch = async (): Promise<number | null> => {
    for (;;) {
      const code = (await programs.at(-1)?.ended) ?? null;
      if (isStopping) return code;
      exits.push(code);
      await new Promise((resolve) => setTimeout(resolve, RESTART_MILLISECONDS));
      if (isStopping) return code;
      programs.push(await launch(options));
    }
  };
  const watched = watch();
  return {
    exits,
    log: () => programs.map((program) => program.log()).join("\n"),
    async stop() {
      isStopping = true;
      await programs.at(-1)?.stop();
      return watched;
    },
  };
}
