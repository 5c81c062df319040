/**
 * The whole controller over an in-memory store and an in-process sandbox, in virtual time: what a user would see, without
 * a socket. Tests say what is desired and look at the world that comes of it.
 */
import { ensureHashKey } from "../../controller/cli/process/installation.ts";
import { checkConditionInvariants } from "../../controller/runtime/condition-invariants.ts";
import type { Manager } from "../../controller/runtime/manager.ts";
import type { Tracker } from "../../controller/runtime/tracker.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { EmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { KubernetesObject, ResourceType } from "../../controller/store/resource-client.ts";
import { isApiError } from "../../controller/store/resource-client.ts";
import { kinds, resourceType } from "../../crds/index.ts";
import { startController } from "./controller.ts";
import { loadCloudflareSdk } from "../../reconcilers/cloudflare/client.ts";
import { createSandbox } from "../../sandbox/sandbox.ts";
import type { ProviderOptions, Sandbox } from "../../sandbox/sandbox.ts";
import { seededRandom } from "../../sandbox/core/random.ts";
import type { JournalEntry } from "../../sandbox/core/journal.ts";
import { virtualTime } from "./virtual-time.ts";
import type { VirtualTime } from "./virtual-time.ts";

const core = (kind: string, plural: string): ResourceType => ({
  group: "",
  version: "v1",
  kind,
  plural,
  namespaced: true,
});
/** Every type that tests read and write. */
const types: Readonly<Record<string, ResourceType>> = Object.freeze({
  ...Object.fromEntries(kinds.map((kind) => [kind.kind, resourceType(kind)] as const)),
  Secret: core("Secret", "secrets"),
  ConfigMap: core("ConfigMap", "configmaps"),
  Event: core("Event", "events"),
});

const storedTypes = Object.freeze([...builtinTypes, ...kinds.map((kind) => kindType(kind))]);

export function typeOf(kind: string): ResourceType {
  const type = types[kind];
  if (!type) throw new Error(`no type for kind ${kind}`);
  return type;
}

/** What a test writes: apiVersion and namespace are filled in. */
export interface Manifest {
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
  };
  spec?: Record<string, unknown>;
  stringData?: Record<string, string>;
}

export interface WorldOptions {
  seed?: number;
  installation?: string;
  providers?: ProviderOptions;
  /** A world that exists already: another controller is started on it. */
  sandbox?: Sandbox;
  time?: VirtualTime;
  /** A store that exists already: the controller is restarted on it. */
  store?: EmbeddedStore;
  /** The store is a new one: Connections to the sandbox are made in it. Default: when none was given */
  connect?: boolean;
  publicUrl?: string;
  /** Told every log line, debug included. Default: there is no log. */
  log?: (line: string) => void;
}

export interface World {
  time: VirtualTime;
  sandbox: Sandbox;
  store: EmbeddedStore;
  manager: Manager;
  tracker: Tracker;
  /** Server-side apply as `kubectl`, forced. */
  apply: (...manifests: Manifest[]) => Promise<void>;
  /** @throws Error when it does not exist */
  get(kind: string, name: string): Promise<KubernetesObject>;
  find(kind: string, name: string): Promise<KubernetesObject | undefined>;
  list(kind: string): Promise<KubernetesObject[]>;
  delete(kind: string, name: string): Promise<void>;
  annotate(kind: string, name: string, annotations: Record<string, string | null>): Promise<void>;
  /** Asks for a deep pass over an object, as `flaresmith.dev/reconcile-requested-at` does. */
  request(kind: string, name: string): Promise<void>;
  /** Runs until every object rests: Ready, or stalled. @throws Error naming what does not rest within the limit (default 10 minutes) */
  settle(limit?: number): Promise<void>;
  /** Runs until the predicate holds. @throws Error after the limit, milliseconds of virtual time (default 10 minutes) */
  until(predicate: () => Promise<boolean> | boolean, limit?: number): Promise<void>;
  /** Lets virtual time pass. */
  pass(milliseconds: number): Promise<void>;
  /** Requests since a moment, and the moment itself. */
  mark(): number;
  requests(since: number): JournalEntry[];
  changes(since: number): JournalEntry[];
  stop(): Promise<void>;
}

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

/** The conditions of an object. */
export function conditionsOf(object: KubernetesObject): Condition[] {
  return (object["status"] as { conditions?: Condition[] } | undefined)?.conditions ?? [];
}

export function conditionOf(object: KubernetesObject, type: string): Condition | undefined {
  return conditionsOf(object).find((condition) => condition.type === type);
}

export function statusOf(object: KubernetesObject): Record<string, unknown> {
  return (object["status"] ?? {}) as Record<string, unknown>;
}

function rests(object: KubernetesObject): boolean {
  const status = statusOf(object);
  if (object.metadata.deletionTimestamp !== undefined) return false;
  if (status["observedGeneration"] !== object.metadata.generation) return false;
  const request = object.metadata.annotations?.["flaresmith.dev/reconcile-requested-at"];
  if (request !== undefined && status["lastHandledReconcileAt"] !== request) return false;
  return conditionOf(object, "Ready")?.status === "True" || conditionOf(object, "Stalled")?.status === "True";
}

/** Starts a controller. Connections `github`, `neon` and `cloudflare` to the sandbox exist from the start. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  await loadCloudflareSdk();
  const time = options.time ?? virtualTime();
  const sandbox =
    options.sandbox ??
    createSandbox({
      context: { clock: time.sandbox },
      seed: options.seed ?? 1,
      ...(options.providers === undefined ? {} : { providers: options.providers }),
    });
  const noise = seededRandom((options.seed ?? 1) + 1000);
  const random = {
    next: () => noise.next(),
    hex: (bytes: number) => noise.string(bytes * 2),
    uuid: () => noise.uuid(),
  };
  const clock = time.controller;
  const store =
    options.store ?? (await openEmbeddedStore({ path: ":memory:", clock, random, types: storedTypes }));
  const controller = startController({
    client: store,
    clock,
    random,
    fetch: sandbox.fetch,
    installation: options.installation,
    hashKey: await ensureHashKey({ client: store }, random),
    publicUrl: options.publicUrl,
    log: options.log,
  });
  const { manager: running, tracker, ended } = controller;

  const apply = async (...manifests: Manifest[]): Promise<void> => {
    for (const { kind, metadata, ...rest } of manifests) {
      const type = typeOf(kind);
      const apiVersion = type.group === "" ? type.version : `${type.group}/${type.version}`;
      const object = { apiVersion, kind, metadata: { namespace: "default", ...metadata }, ...rest };
      await store.apply(type, object, { fieldManager: "kubectl", force: true });
    }
  };
  const find = async (kind: string, name: string): Promise<KubernetesObject | undefined> => {
    try {
      return await store.get(typeOf(kind), { namespace: "default", name });
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  };
  const list = async (kind: string): Promise<KubernetesObject[]> => (await store.list(typeOf(kind))).items;
  const until = async (predicate: () => Promise<boolean> | boolean, limit = 600_000): Promise<void> => {
    const end = time.now() + limit;
    for (;;) {
      await time.drain();
      if (await predicate()) return;
      if (time.step(end - time.now())) continue;
      throw new Error(`not within ${limit / 1000} s: ${await restless(list)}`);
    }
  };
  const annotate = async (
    kind: string,
    name: string,
    annotations: Record<string, string | null>,
  ): Promise<void> => {
    const key = { namespace: "default", name };
    await store.patch(
      typeOf(kind),
      key,
      { type: "merge", body: { metadata: { annotations } } },
      { fieldManager: "kubectl" },
    );
  };
  const world: World = {
    time,
    sandbox,
    store,
    manager: running,
    tracker,
    apply,
    find,
    list,
    until,
    annotate,
    get: (kind, name) => store.get(typeOf(kind), { namespace: "default", name }),
    delete: async (kind, name) => void (await store.delete(typeOf(kind), { namespace: "default", name })),
    request: (kind, name) =>
      annotate(kind, name, { "flaresmith.dev/reconcile-requested-at": String((requests += 1)) }),
    settle: async (limit) => {
      let seen: string | undefined;
      await until(async () => {
        // Whether all rests is written in the store alone.
        if (store.revision === seen) return false;
        seen = store.revision;
        const objects = (
          await Promise.all(["Connection", "Project", "Environment", "Preview"].map(list))
        ).flat();
        return objects.every(rests);
      }, limit);
      const objects = (
        await Promise.all(["Connection", "Project", "Environment", "Preview"].map(list))
      ).flat();
      for (const object of objects) {
        const broken = checkConditionInvariants(object);
        if (broken.length > 0)
          throw new Error(`${object.kind} ${object.metadata.name}: ${JSON.stringify(broken)}`);
      }
    },
    pass: async (milliseconds) => {
      const end = time.now() + milliseconds;
      do await time.drain();
      while (time.step(end - time.now()));
      time.sandbox.advance(Math.max(0, end - time.now()));
      await time.drain();
    },
    mark: () => sandbox.context.journal.last(),
    requests: (since) => sandbox.context.journal.since(since),
    changes: (since) => sandbox.context.journal.since(since).filter((entry) => entry.changed),
    stop: async () => {
      controller.abort(new Error("the test ends"));
      let over = false;
      const all = Promise.all([running.stop(), ended]).finally(() => {
        over = true;
      });
      await time.drain();
      while (!over && time.step(60_000)) await time.drain();
      await all;
    },
  };
  if (options.connect ?? options.store === undefined) await connect(world);
  return world;
}

let requests = 0;

async function restless(list: World["list"]): Promise<string> {
  const objects = (await Promise.all(["Connection", "Project", "Environment", "Preview"].map(list))).flat();
  const lines = objects
    .filter((object) => !rests(object))
    .map(
      (object) =>
        `${object.kind} ${object.metadata.name}: ${conditionsOf(object)
          .map(({ type, status, reason, message }) => `${type}=${status} ${reason} ${message}`)
          .join(" | ")}`,
    );
  return lines.join("\n") || "every object rests";
}

/** The credentials of the sandbox as Secrets and Connections. */
async function connect({ apply, sandbox }: World): Promise<void> {
  const { seed, urls } = sandbox;
  const secret = (name: string, stringData: Record<string, string>): Manifest => ({
    kind: "Secret",
    metadata: { name },
    stringData,
  });
  const connection = (
    name: string,
    provider: string,
    endpoint: string,
    account: string,
    extra: Record<string, unknown> = {},
  ): Manifest => ({
    kind: "Connection",
    metadata: { name },
    spec: {
      provider,
      endpoint,
      account,
      credentials: { secretRef: { name: `${name}-credentials` } },
      ...extra,
    },
  });
  await apply(
    secret("github-credentials", { token: seed.github.token, webhookSecret: "hook-secret" }),
    secret("neon-credentials", { apiKey: seed.neon.token }),
    secret("cloudflare-credentials", { apiToken: seed.cloudflare.token }),
    connection("github", "GitHub", urls.github, seed.github.owner),
    connection("neon", "Neon", urls.neon, seed.neon.orgId),
    connection("cloudflare", "Cloudflare", urls.cloudflare, seed.cloudflare.accountId, {
      workersUrl: "http://{script}.{subdomain}.workers.localhost:8787",
    }),
  );
}
