/** The two API servers that are compared, each as processes of its own. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import type { ClusterAccess } from "../../controller/store/cluster/access.ts";
import { readKubeconfig } from "../../controller/store/cluster/kubeconfig.ts";
import { crdOf, kinds } from "../../crds/index.ts";
import { kubeApi } from "../../test/contract/kube-api.ts";
import { installDefinition } from "../../test/kubernetes/harness/definitions.ts";
import { startKubernetes } from "../../test/kubernetes/harness/kubernetes.ts";
import { removeAfterwards, startProgram } from "../../test/kubernetes/harness/program.ts";
import { clusterFetch } from "../../test/support/cluster.ts";
import { freePort } from "../free-port.ts";

const root = join(import.meta.dirname, "../..");
const READY_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 20;
/** Until a signal has been heard. */
const MOMENT_MILLISECONDS = 200;

export interface Contender {
  name: string;
  access: ClusterAccess;
  /** Process ids: first the one that answers, then what it cannot do without. */
  processes: readonly number[];
  stop: () => Promise<void>;
}

export interface EmbeddedContender extends Contender {
  /** The longest turn of the server's event loop while work is done, in milliseconds of its processor time. */
  longestTurn: (work: () => Promise<void>) => Promise<number>;
}

/** Bundled as the product is: Node keeps what strips types in memory, which no installation has. */
async function bundle(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, "embedded-process.ts")],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node24",
    logLevel: "warning",
  });
}

/** The embedded API over a store on disk. @throws Error with the last lines of a process that does not become ready */
export async function startEmbedded(): Promise<EmbeddedContender> {
  const directory = await mkdtemp(join(tmpdir(), "flaresmith-bench-"));
  removeAfterwards(directory);
  // Inside the checkout, where the packages that stay outside of a bundle are found.
  const program = join(root, "node_modules/.cache/bench/embedded-process.mjs");
  await bundle(program);
  const port = String(await freePort());
  const running = await startProgram({
    command: process.execPath,
    // As in the image.
    args: ["--max-semi-space-size=16", program, directory, port],
    logFile: join(directory, "process.log"),
  });
  const stop = async (): Promise<void> => {
    await running.stop();
    await rm(directory, { recursive: true, force: true });
  };
  const kubeconfig = join(directory, "kubeconfig");
  for (let waited = 0; !existsSync(kubeconfig); waited += POLL_MILLISECONDS) {
    if (!running.isRunning() || waited > READY_MILLISECONDS) {
      const words = running.lastWords();
      await stop();
      throw new Error(`the embedded API did not become ready; ${words}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, MOMENT_MILLISECONDS));
  const longestTurn: EmbeddedContender["longestTurn"] = async (work) => {
    process.kill(running.pid, "SIGUSR2");
    await moment();
    await work();
    process.kill(running.pid, "SIGUSR2");
    await moment();
    return Number(running.log().match(/(?<=longest turn )[\d.]+(?= ms\n$)/)?.[0]);
  };
  const access = await readKubeconfig(kubeconfig);
  return { name: "embedded", access, processes: [running.pid], stop, longestTurn };
}

/**
 * kube-apiserver on kine with the kinds of Flaresmith.
 * @param binaries the folder that test/kubernetes/build.sh prints
 */
export async function startKubeApiserver(binaries: string): Promise<Contender & { version: string }> {
  const kubernetes = await startKubernetes({ binaries, controllerManager: false });
  try {
    const { close, fetch } = clusterFetch(kubernetes.admin);
    for (const kind of kinds) await installDefinition(kubeApi(fetch, kubernetes.url), crdOf(kind));
    await close();
  } catch (error) {
    await kubernetes.stop();
    throw error;
  }
  const { "kube-apiserver": server = 0, store = 0 } = kubernetes.processes();
  return {
    name: "kube-apiserver",
    version: kubernetes.version,
    access: kubernetes.admin,
    processes: [server, store],
    stop: () => kubernetes.stop(),
  };
}

/** Where kube-apiserver and kine lie, built when they are not there yet; undefined without Go. @throws Error when a build fails */
export function findBinaries(): string | undefined {
  const named = process.env["FLARESMITH_KUBERNETES"];
  if (named !== undefined) return named;
  const script = join(root, "test/kubernetes/build.sh");
  const { status, stdout } = spawnSync(script, ["kube-apiserver", "kine"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (status === 0) return stdout.trim();
  if (status === 3) return undefined;
  throw new Error(`${script} ended with ${status}: run it by hand to see why`);
}
