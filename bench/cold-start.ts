/**
 * How long the bundle of the image takes from being started to `/readyz`, with nothing in its store and with 20,000 objects: a process
 * of its own each time, over a store on disk; with nothing compiled before, and with what the image keeps. DESIGN §13 wants half a second and a second and a half, and 140 and 260 MiB.
 * Linux only: memory and processor time are read from /proc.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { keepAlive } from "../controller/runtime/adapters/keep-alive.ts";
import { systemClock, systemRandom } from "../controller/runtime/adapters/system.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../controller/store/embedded/index.ts";
import { kinds, resourceType } from "../crds/index.ts";
import { project } from "../crds/project.ts";
import { processorTime, residentMemory } from "./api-servers/process-figures.ts";
import { quantile } from "./api-servers/quantile.ts";
import { freePort } from "./free-port.ts";
import { imageOptions } from "./image-options.ts";

const RUNS = 5;
/** Milliseconds of rest before memory is read: by then every object has been looked at. */
const REST = 5_000;
const root = join(import.meta.dirname, "..");
const bundle = join(root, "image/flaresmith.js");
/** Milliseconds after which a start counts as failed. */
const LIMIT = 60_000;

/** Suspended ones: what providers would have to say about them is not measured here. */
async function fill(directory: string, objects: number): Promise<void> {
  const store = await openEmbeddedStore({
    path: join(directory, "store.db"),
    clock: systemClock(),
    random: systemRandom(),
    types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
  });
  await store.ensureStandingNamespaces();
  const create = (index: number) =>
    store.create(resourceType(project), {
      apiVersion: "flaresmith.dev/v1alpha1",
      kind: "Project",
      metadata: { name: `project-${index}`, namespace: "default" },
      spec: { suspend: true, github: { connectionRef: { name: "github" }, repository: `project-${index}` } },
    });
  for (let from = 0; from < objects; from += 500)
    await Promise.all(
      Array.from({ length: Math.min(500, objects - from) }, (_, index) => create(from + index)),
    );
  await store.close();
}

interface Start {
  /** Milliseconds from the start of the process to the first 200. */
  ready: number;
  /** Milliseconds of processor time up to then, all threads. */
  cpu: number;
  /** Resident memory in MiB, some seconds after that. */
  resident: number;
}

/** @param compiled folder of what Node compiled before, which the image has; undefined: nothing is kept */
async function start(directory: string, compiled: string | undefined): Promise<Start> {
  const port = await freePort();
  const options = ["--data-dir", directory, "--installation", "bench", "--ops-address", `127.0.0.1:${port}`];
  const began = performance.now();
  const child = spawn(process.execPath, [bundle, "up", ...options], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, NODE_OPTIONS: imageOptions(), NODE_COMPILE_CACHE: compiled },
  });
  const ended = once(child, "exit");
  try {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      await answer?.text();
      const milliseconds = performance.now() - began;
      if (answer?.status === 200) {
        const cpu = processorTime([child.pid ?? 0]);
        await new Promise((resolve) => setTimeout(resolve, REST));
        return { ready: milliseconds, cpu, resident: residentMemory(child.pid ?? 0) };
      }
      if (child.exitCode !== null || milliseconds > LIMIT) throw new Error("the bundle did not become ready");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

function inWords(starts: readonly Start[]): string {
  const range = (figure: keyof Start): string => {
    const values = starts.map((one) => one[figure]);
    const [least, median, most] = [0, 0.5, 1].map((share) => quantile(values, share).toFixed(0));
    return `${median} (${least} to ${most})`;
  };
  return `ready after ${range("ready")} ms, ${range("cpu")} ms of processor time; resident ${range("resident")} MiB`;
}

/**
 * Builds the bundle and prints the median and the range of five starts for each size of the store, in both ways.
 * @param argument how many objects there are; default: none, and then 20,000
 */
export async function coldStart(argument?: string): Promise<void> {
  const sizes = argument === undefined ? [0, 20_000] : [Number(argument)];
  if (!sizes.every((size) => Number.isInteger(size) && size >= 0))
    throw new Error(`the number of objects must be a whole number, not "${argument}"`);
  const release = keepAlive();
  execFileSync(process.execPath, [join(root, "toolchain/build.mjs"), "--image"], { stdio: "inherit" });
  for (const objects of sizes) {
    const directory = await mkdtemp(join(tmpdir(), "cold-start-"));
    try {
      await fill(directory, objects);
      const compiled = join(directory, "compiled");
      for (const kept of [undefined, compiled]) {
        const starts: Start[] = [];
        if (kept !== undefined) await start(directory, kept);
        for (let run = 0; run < RUNS; run += 1) starts.push(await start(directory, kept));
        const way = kept === undefined ? "nothing compiled before" : "as in the image";
        console.log(`${objects} objects, ${way}: ${inWords(starts)}`);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  }
  release();
}
