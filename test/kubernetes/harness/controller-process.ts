/** `flaresmith controller` in processes of its own, as the pods of a Deployment run it. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeAfterwards, startProgram, type Program } from "./program.ts";

const root = join(import.meta.dirname, "../../..");
const POLL_MILLISECONDS = 20;
/** Of this process's environment, credentials of real providers reach no controller. */
const WITHOUT_CREDENTIALS = { GITHUB_TOKEN: "", NEON_API_KEY: "", CLOUDFLARE_API_TOKEN: "", KUBECONFIG: "" };

export interface ControllerOptions {
  /** Of the pod: its identity in the Lease begins with it. */
  name: string;
  kubeconfig: string;
}

export interface ControllerProcess {
  name: string;
  program: Program;
  /** Where `/metrics` and `/readyz` answer. */
  ops: string;
}

/** Starts it and says nothing about whether it will get far. */
async function launch({ name, kubeconfig }: ControllerOptions): Promise<Program> {
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
