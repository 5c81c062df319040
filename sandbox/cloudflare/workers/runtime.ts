import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Miniflare, MiniflareOptions, WorkerOptions } from "miniflare";
import { resolveHost } from "../hosts.ts";
import type { HostTarget } from "../hosts.ts";
import type { WorkersDataPlane } from "../workers-data-plane.ts";
import { activeDeployment } from "../world.ts";
import type { World } from "../world.ts";
import { bucketId, closure, routerName, workerOptions } from "./options.ts";
import { endOrphans, ownerVariable } from "./orphans.ts";
import { storedValues } from "./stored-values.ts";
import type { UseRuntime } from "./stored-values.ts";

/** Up to this many Workers and previews are loaded ahead of their first request; beyond, only those asked for. */
const warmTargets = 40;
/** How long requests under way may hold up a restart; a Worker that hangs must not keep new code from serving. */
const patienceMilliseconds = 5000;
const targetHeader = "flaresmith-target";

/** Marks an answer that is an exception of the Worker. */
const threwHeader = "flaresmith-threw";

const routerScript = `export default {
  async fetch(request, env) {
    const headers = new Headers(request.headers);
    const target = headers.get("${targetHeader}");
    headers.delete("${targetHeader}");
    try {
      return await env["worker:" + target].fetch(new Request(request, { headers, redirect: "manual" }));
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500, headers: { "${threwHeader}": "1" } });
    }
  },
};`;

export interface WorkersRuntimeOptions {
  /** The emulated Cloudflare whose Workers run; asked when the first request comes. */
  world: () => World;
  /** Where KV values, R2 objects, Durable Objects and static assets are kept; created when missing. */
  directory: string;
  /** Receives lines: what Workers print and what goes wrong with the runtime. Default: nothing is kept. */
  log?: (line: string) => void;
}

/** Uploaded Workers, running. */
export interface WorkersRuntime extends WorkersDataPlane {
  /** Answers a request for a Worker, a preview, a custom domain or a route, chosen by its URL's host. */
  fetch(request: Request): Promise<Response>;
  /** Stops workerd. */
  dispose(): Promise<void>;
}

/** Headers of one connection, or of a body that is read whole in between, not of the message. */
const hopHeaders: readonly string[] = Object.freeze([
  "connection",
  "content-encoding",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "mf-content-encoding",
  "transfer-encoding",
  "upgrade",
]);

function endToEnd(headers: Iterable<[string, string]>): [string, string][] {
  return [...headers].filter(([name]) => !hopHeaders.includes(name.toLowerCase()));
}

function errorPage(status: number, code: number): Response {
  const headers = { "content-type": "text/plain; charset=UTF-8", server: "cloudflare" };
  return new Response(`error code: ${code}`, { status, headers });
}

/**
 * Runs what is uploaded in one shared workerd, started by the first request (or the first access to KV values) and
 * given the new set of Workers when that changed since; requests under way are finished before it restarts.
 */
export function createWorkersRuntime(options: WorkersRuntimeOptions): WorkersRuntime {
  const { directory, log = () => undefined } = options;
  let runtime: Miniflare | undefined;
  let loaded: { revision: number; fingerprint: string; ids: ReadonlySet<string> } | undefined;
  let loading: Promise<void> = Promise.resolve();
  const underWay = new Set<Promise<unknown>>();
  const asked = new Map<string, HostTarget>();
  const broken = new Set<string>();

  const currentTargets = (world: World): HostTarget[] => {
    const production = world.workers.values().flatMap((worker) => {
      const ids = activeDeployment(world, worker.id)?.versions.map((share) => share.versionId) ?? [];
      const versions = (world.versions.get(worker.id) ?? []).filter((version) => ids.includes(version.id));
      return versions.map((runnable) => ({ worker, runnable }));
    });
    const owners = new Map(world.workers.values().map((worker) => [worker.id, worker]));
    const previews = world.previews.values().flatMap((preview) => {
      const worker = owners.get(preview.workerId);
      const runnable = world.previewDeployments.get(preview.id)?.at(-1);
      return worker && runnable ? [{ worker, runnable }] : [];
    });
    const all = [...production, ...previews];
    const living = new Set(owners.keys());
    const wanted = [...asked.values()].filter((target) => living.has(target.worker.id));
    return closure(world, all.length <= warmTargets ? [...wanted, ...all] : wanted);
  };

  const miniflareOptions = (world: World, targets: readonly HostTarget[]): MiniflareOptions => {
    const usable = targets.filter((target) => !broken.has(target.runnable.id));
    const workers: WorkerOptions[] = usable.map((target) => workerOptions(world, target, directory));
    const namespaces = world.namespaces.values().map((namespace) => [namespace.id, namespace.id] as const);
    const buckets = world.buckets.values().map((bucket) => [bucketId(bucket), bucketId(bucket)] as const);
    const router: WorkerOptions = {
      name: routerName,
      modules: [{ type: "ESModule", path: "router.mjs", contents: routerScript }],
      compatibilityDate: "2025-01-01",
      serviceBindings: Object.fromEntries(
        usable.map(({ runnable }) => [`worker:${runnable.id}`, runnable.id]),
      ),
      kvNamespaces: Object.fromEntries(namespaces),
      r2Buckets: Object.fromEntries(buckets),
    };
    return {
      host: "127.0.0.1",
      port: 0,
      cf: false,
      kvPersist: join(directory, "kv"),
      r2Persist: join(directory, "r2"),
      durableObjectsPersist: join(directory, "durable-objects"),
      cachePersist: false,
      unsafeRuntimeEnv: { [ownerVariable]: directory },
      handleRuntimeStdio: (out: Readable, err: Readable) => {
        for (const stream of [out, err]) createInterface(stream).on("line", log);
      },
      workers: [router, ...workers],
    };
  };

  const apply = async (next: MiniflareOptions): Promise<void> => {
    if (runtime) return runtime.setOptions(next);
    const { Miniflare: Runtime } = await import("miniflare");
    for (const pid of endOrphans(directory)) log(`ended workerd ${pid}, left behind by an earlier run`);
    const started = new Runtime(next);
    try {
      await started.ready;
    } catch (error) {
      await started.dispose().catch(() => undefined);
      throw error;
    }
    runtime = started;
    return undefined;
  };

  // One Worker that does not start must not take the others down: it is found by starting each new one alone.
  const quarantine = async (world: World, suspects: readonly HostTarget[]): Promise<void> => {
    const { Miniflare: Runtime } = await import("miniflare");
    for (const suspect of suspects) {
      const { serviceBindings: _services, ...alone } = workerOptions(world, suspect, directory);
      const probe = new Runtime({
        ...alone,
        host: "127.0.0.1",
        port: 0,
        cf: false,
        unsafeRuntimeEnv: { [ownerVariable]: directory },
        handleRuntimeStdio: (out: Readable, err: Readable) => void [out.resume(), err.resume()],
      } as MiniflareOptions);
      try {
        await probe.ready;
      } catch (error) {
        broken.add(suspect.runnable.id);
        log(`Worker ${suspect.worker.name} (${suspect.runnable.id}) does not start: ${String(error)}`);
      }
      await probe.dispose().catch(() => undefined);
    }
  };

  const underWayDone = async (world: World): Promise<void> => {
    if (underWay.size === 0) return;
    const waiting = new AbortController();
    const patience = world.context.clock.sleep(patienceMilliseconds, waiting.signal).catch(() => undefined);
    await Promise.race([Promise.allSettled(underWay), patience]);
    waiting.abort();
  };

  const reload = async (world: World): Promise<void> => {
    const revision = world.revision();
    if (
      runtime &&
      loaded?.revision === revision &&
      [...asked.keys()].every((id) => loaded?.ids.has(id) || broken.has(id))
    )
      return;
    mkdirSync(directory, { recursive: true });
    const targets = currentTargets(world);
    const next = miniflareOptions(world, targets);
    const fingerprint = JSON.stringify(next, (_key, value: unknown) =>
      value instanceof Uint8Array ? value.byteLength : value,
    );
    const ids = new Set(targets.map((target) => target.runnable.id));
    if (!runtime || loaded?.fingerprint !== fingerprint) {
      await underWayDone(world);
      try {
        await apply(next);
      } catch (error) {
        const known = loaded?.ids ?? new Set<string>();
        await runtime?.dispose().catch(() => undefined);
        runtime = undefined;
        const before = broken.size;
        await quarantine(
          world,
          targets.filter((target) => !known.has(target.runnable.id) && !broken.has(target.runnable.id)),
        );
        if (broken.size === before) throw error;
        await apply(miniflareOptions(world, targets));
      }
    }
    loaded = { revision, fingerprint, ids };
  };

  // The hold is taken inside the chain, so that no reload can start between loading and the work.
  const use: UseRuntime = async (work) => {
    let release = (): void => undefined;
    const turn = loading.then(async () => {
      await reload(options.world());
      const hold = Promise.withResolvers<void>();
      underWay.add(hold.promise);
      release = () => {
        underWay.delete(hold.promise);
        hold.resolve();
      };
    });
    loading = turn.catch(() => undefined);
    await turn;
    try {
      if (!runtime) throw new Error("the Workers runtime did not start");
      return await work(runtime);
    } finally {
      release();
    }
  };

  const fetch = async (request: Request): Promise<Response> => {
    const world = options.world();
    const url = new URL(request.url);
    const target = resolveHost(world, url.hostname, url.pathname);
    if (target === "not-on-workers-dev") return errorPage(404, 1042);
    if (target === "unknown-host") return errorPage(530, 1016);
    const { id } = target.runnable;
    asked.set(id, target);
    const body =
      request.method === "GET" || request.method === "HEAD" ? undefined : await request.arrayBuffer();
    return use(async (miniflare) => {
      if (broken.has(id)) return errorPage(500, 1101);
      const headers = [...endToEnd(request.headers), [targetHeader, id] as [string, string]];
      const init = { method: request.method, headers, redirect: "manual" as const };
      const report = (problem: string): Response => {
        log(`Worker ${target.worker.name}: ${problem}`);
        return errorPage(500, 1101);
      };
      const answer = await miniflare
        .dispatchFetch(request.url, body === undefined ? init : { ...init, body })
        .catch((error: unknown) => String(error));
      if (typeof answer === "string") return report(answer);
      if (answer.headers.has(threwHeader)) return report(await answer.text());
      const bytes = await answer.arrayBuffer();
      const empty = answer.status === 204 || answer.status === 304;
      return new Response(empty ? null : bytes, { status: answer.status, headers: endToEnd(answer.headers) });
    });
  };

  const stores = storedValues({ directory, use });

  return {
    fetch,
    kv: stores.kv,
    r2: stores.r2,
    dispose: async () => {
      await loading;
      await runtime?.dispose();
      runtime = undefined;
      loaded = undefined;
    },
  };
}
