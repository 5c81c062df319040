/**
 * What a cache of 20,000 objects costs over the network: time to fill it, the longest the event loop was held, memory,
 * and how long an event takes. Against the embedded API, and against a real kube-apiserver where FLARESMITH_KUBERNETES
 * names the folder that test/kubernetes/build.sh prints. Each figure comes from a process of its own.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { serveApi } from "../controller/apiserver/serve-api.ts";
import { keepAlive } from "../controller/runtime/adapters/keep-alive.ts";
import { systemClock, systemRandom } from "../controller/runtime/adapters/system.ts";
import { createCache } from "../controller/runtime/cache.ts";
import { createTracker } from "../controller/runtime/tracker.ts";
import { connectCluster } from "../controller/store/cluster/connect.ts";
import { readKubeconfig } from "../controller/store/cluster/kubeconfig.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../controller/store/embedded/index.ts";
import type { KubernetesObject, ResourceClient } from "../controller/store/resource-client.ts";
import { crdOf, kinds, resourceType } from "../crds/index.ts";
import { kubeApi } from "../test/contract/kube-api.ts";
import { installDefinition } from "../test/kubernetes/harness/definitions.ts";
import { startKubernetes } from "../test/kubernetes/harness/kubernetes.ts";
import { clusterFetch } from "../test/support/cluster.ts";
import { imageOptions } from "./image-options.ts";
import { watchTurns } from "./turns.ts";

const OBJECTS = 20_000;
const EVENTS = 500;
const clock = systemClock();
const random = systemRandom();

const project = kinds.find(({ kind }) => kind === "Project");
if (project === undefined) throw new Error("there is no kind Project");
const type = resourceType(project);

/** 2.7 KB as served, managed fields included. */
const objectOf = (index: number): KubernetesObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Project",
  metadata: {
    name: `project-${String(index).padStart(5, "0")}`,
    namespace: "default",
    labels: { team: "a" },
  },
  spec: {
    github: {
      connectionRef: { name: "github" },
      repository: `project-${index}`,
      visibility: "Private",
      description: "One of very many projects, with as much in it as one has in practice",
      topics: ["shop", "worker", "database", "platform"],
      settings: { hasWiki: false, deleteBranchOnMerge: true },
      rulesets: [{ name: "main is protected", include: ["~DEFAULT_BRANCH"], rules: { deletion: true } }],
    },
    neon: { connectionRef: { name: "neon" }, region: "aws-eu-central-1", postgresVersion: 17 },
    cloudflare: {
      connectionRef: { name: "cloudflare" },
      workers: ["api", "web", "jobs"].map((name) => ({ name, code: { path: `dist/${name}` } })),
      kv: ["cache", "sessions"].map((name) => ({ name })),
    },
  },
});

function connect(kubeconfig: string): Promise<{ client: ResourceClient; close: () => Promise<void> }> {
  return readKubeconfig(kubeconfig).then((access) => connectCluster(access, { clock, random }));
}

async function fillServer(kubeconfig: string): Promise<void> {
  const { client, close } = await connect(kubeconfig);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < OBJECTS; index = next++) await client.create(type, objectOf(index));
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  await close();
}

const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);

/** In a process of its own: fills a cache, then follows changes. */
async function measure(kubeconfig: string, streaming: boolean): Promise<void> {
  const { client, close } = await connect(kubeconfig);
  const collect = globalThis.gc ?? ((): void => undefined);
  const stop = new AbortController();
  const cache = createCache<KubernetesObject>({
    client,
    type,
    clock,
    random,
    tracker: createTracker({ clock }),
    streaming,
  });
  // The first call of a process compiles and connects; no controller begins with its caches.
  await client.list(type, { limit: 1 });
  collect();
  const base = process.memoryUsage().rss;
  const sent = new Map<string, number>();
  const latencies: number[] = [];
  cache.subscribe((event) => {
    const at = event.type === "updated" ? sent.get(event.object.metadata.name) : undefined;
    if (at !== undefined) latencies.push(performance.now() - at);
  });
  const turns = watchTurns();
  const cpu = process.cpuUsage();
  const began = performance.now();
  const running = cache.run(stop.signal);
  await cache.synced();
  const filled = performance.now() - began;
  const { system, user } = process.cpuUsage(cpu);
  await new Promise((resolve) => setImmediate(resolve));
  turns.stop();
  collect();
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  for (let index = 0; index < EVENTS; index++) {
    const { name } = objectOf(index).metadata;
    sent.set(name, performance.now());
    const body = { metadata: { labels: { team: streaming ? "b" : "c" } } };
    await client.patch(type, { namespace: "default", name }, { type: "merge", body });
  }
  while (latencies.length < EVENTS) await new Promise((resolve) => setTimeout(resolve, 5));
  latencies.sort((a, b) => a - b);
  process.send?.({
    objects: cache.size,
    "filled in ms": Math.round(filled),
    "CPU ms": Math.round((system + user) / 1000),
    "longest turn, CPU ms": Math.round(turns.longest()),
    "rss MiB": megabytes(rss),
    "of these for the cache": megabytes(rss - base),
    "heap MiB": megabytes(heapUsed),
    "event p50 ms": Number(latencies[EVENTS >> 1]?.toFixed(1)),
    "event p99 ms": Number(latencies[Math.floor(EVENTS * 0.99)]?.toFixed(1)),
  });
  stop.abort(new Error("measured"));
  await running;
  await close();
  process.exit();
}

/** In a process of its own: the embedded API, until it is killed. */
async function serveEmbedded(directory: string): Promise<void> {
  const types = [...builtinTypes, ...kinds.map((kind) => kindType(kind))];
  const store = await openEmbeddedStore({ path: join(directory, "store.db"), clock, random, types });
  const api = await serveApi({ directory, store, clock, random });
  process.send?.(api.kubeconfig);
}

function start(...parameters: string[]): ChildProcess {
  return fork(import.meta.filename, parameters, {
    execArgv: ["--expose-gc"],
    env: { ...process.env, NODE_OPTIONS: imageOptions() },
  });
}

function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve, reject) => {
    child.once("message", (answer) => resolve(answer as Answer));
    child.once("exit", (code) => reject(new Error(`the process ended with ${code}`)));
  });
}

async function table(server: string, kubeconfig: string): Promise<void> {
  const rows: Record<string, unknown> = {};
  for (const mode of ["pages", "stream"] as const) {
    const child = start("measure", kubeconfig, mode);
    rows[`${server}, ${mode === "pages" ? "pages of 500" : "WatchList"}`] = await answerOf<object>(child);
  }
  console.table(rows);
}

async function againstEmbedded(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "flaresmith-bench-"));
  const child = start("serve", directory);
  try {
    const kubeconfig = await answerOf<string>(child);
    await fillServer(kubeconfig);
    await table("embedded API", kubeconfig);
  } finally {
    child.kill();
    await rm(directory, { recursive: true, force: true });
  }
}

async function againstKubernetes(binaries: string): Promise<void> {
  const kubernetes = await startKubernetes({ binaries, controllerManager: false });
  try {
    const { close, fetch } = clusterFetch(kubernetes.admin);
    for (const kind of kinds) await installDefinition(kubeApi(fetch, kubernetes.url), crdOf(kind));
    await close();
    await fillServer(kubernetes.kubeconfig);
    await table(`kube-apiserver ${kubernetes.version}`, kubernetes.kubeconfig);
  } finally {
    await kubernetes.stop();
  }
}

/** Prints one table for each API server. */
export async function clusterCache(): Promise<void> {
  await againstEmbedded();
  const binaries = process.env["FLARESMITH_KUBERNETES"];
  if (binaries === undefined) console.log("FLARESMITH_KUBERNETES is not set: no kube-apiserver is measured");
  else await againstKubernetes(binaries);
}

const [role = "", ...rest] = process.argv.slice(2);
// The clock's timers keep no process alive.
if (role === "serve" || role === "measure") keepAlive();
if (role === "serve") await serveEmbedded(rest[0] ?? "");
else if (role === "measure") await measure(rest[0] ?? "", rest[1] === "stream");
