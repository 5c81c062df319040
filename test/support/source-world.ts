/** Sources over an in-memory store, in virtual time, with directories on disk: tests say what is written and look at what is applied. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { kinds, resourceType } from "../../crds/index.ts";
import { seededRandom, virtualClock } from "../../controller/runtime/adapters/virtual.ts";
import type { VirtualClock } from "../../controller/runtime/adapters/virtual.ts";
import { checkConditionInvariants } from "../../controller/runtime/condition-invariants.ts";
import { createManager } from "../../controller/runtime/manager.ts";
import { createTracker } from "../../controller/runtime/tracker.ts";
import { priorities } from "../../controller/runtime/work-queue.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { EmbeddedStore } from "../../controller/store/embedded/index.ts";
import { isApiError } from "../../controller/store/resource-client.ts";
import type { KubernetesObject, ResourceType } from "../../controller/store/resource-client.ts";
import { sourceController } from "../../controller/sources/source-controller.ts";
import type { SourceControllerOptions } from "../../controller/sources/source-controller.ts";
import type { SourceObject } from "../../controller/sources/source-object.ts";

export interface SourceWorld {
  readonly clock: VirtualClock;
  readonly store: EmbeddedStore;
  /** A directory that Sources may read. */
  readonly directory: string;
  /** Writes files below the directory; null removes one. */
  write(files: Readonly<Record<string, string | null>>): Promise<void>;
  /** Declares a Source. */
  source(name: string, spec: Record<string, unknown>, annotations?: Record<string, string>): Promise<void>;
  get(kind: string, name: string): Promise<KubernetesObject>;
  find(kind: string, name: string): Promise<KubernetesObject | undefined>;
  names(kind: string): Promise<string[]>;
  /** Asks for a sync and waits until the Source answered. */
  sync(name: string): Promise<SourceObject>;
  /** Waits until the predicate holds, while time passes. */
  until(predicate: () => Promise<boolean>): Promise<void>;
  annotate(kind: string, name: string, annotations: Record<string, string | null>): Promise<void>;
  /** Everything written to the store so far; equal numbers, no write in between. */
  revision(): Promise<string>;
  stop(): Promise<void>;
}

export function typeOf(kind: string): ResourceType {
  if (kind === "Secret") return { group: "", version: "v1", kind, plural: "secrets", namespaced: true };
  const found = kinds.find((candidate) => candidate.kind === kind);
  if (found === undefined) throw new Error(`no kind ${kind}`);
  return resourceType(found);
}

/** A Project as people write it. */
export function project(name: string, extra = ""): string {
  return `apiVersion: flaresmith.dev/v1alpha1
kind: Project
metadata:
  name: ${name}
spec:
  github:
    connectionRef: {name: github}
    repository: ${name}
${extra}`;
}

/** A condition of an object. */
export function conditionOf(
  object: KubernetesObject,
  type: string,
): { status: string; reason: string; message: string } | undefined {
  const status = object["status"] as
    | { conditions?: { type: string; status: string; reason: string; message: string }[] }
    | undefined;
  return status?.conditions?.find((condition) => condition.type === type);
}

/** @param options.store an existing store: the controller is restarted on it */
export async function createSourceWorld(
  options: Partial<SourceControllerOptions> & { store?: EmbeddedStore; directory?: string } = {},
): Promise<SourceWorld> {
  const { store: known, directory: existing, ...overrides } = options;
  const clock = virtualClock();
  const random = seededRandom(1);
  const tracker = createTracker({ clock });
  const directory = existing ?? (await mkdtemp(join(tmpdir(), "source-")));
  const types = [...builtinTypes, ...kinds.map((kind) => kindType(kind))];
  const store = known ?? (await openEmbeddedStore({ path: ":memory:", clock, random, types }));
  const stopping = new AbortController();
  const controller = sourceController({
    client: store,
    clock,
    tracker,
    allowedDirectories: [directory],
    dataDirectory: join(directory, ".data"),
    environment: process.env,
    secret: async (key) => {
      const object = await find("Secret", key.name);
      const data = object?.["data"] as Record<string, string> | undefined;
      return (
        data &&
        Object.fromEntries(
          Object.entries(data).map(([name, text]) => [name, Buffer.from(text, "base64").toString()]),
        )
      );
    },
    // Tests ask nobody outside.
    resolveHost: () => Promise.reject(new Error("no such host")),
    wake: (key) => manager.enqueue("source", key, { priority: priorities.userEdit }),
    watchDirectory: () => ({ close: () => {} }),
    signal: stopping.signal,
    ...overrides,
  });
  const manager = createManager({ client: store, clock, random, tracker, controllers: [controller] });
  const ended = manager.start(stopping.signal);
  let requests = 0;
  const find = async (kind: string, name: string): Promise<KubernetesObject | undefined> => {
    try {
      return await store.get(typeOf(kind), { namespace: "default", name });
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  };
  const until: SourceWorld["until"] = async (predicate) => {
    for (let turn = 0; turn < 6000; turn += 1) {
      if (await predicate()) return;
      // Files and git are real: they take turns of the event loop, and now and then a few milliseconds, the more the
      // longer they take, since a busy machine needs them for git.
      for (let wait = 0; wait < 5; wait += 1) await clock.settle();
      if (turn % 20 === 19) {
        const pause = Math.min(50, 5 + turn / 100);
        await new Promise((resolve) => setTimeout(resolve, pause));
        await clock.advance(1000);
      }
    }
    throw new Error("it never came to be");
  };
  const annotate: SourceWorld["annotate"] = async (kind, name, annotations) => {
    const body = { metadata: { annotations } };
    await store.patch(
      typeOf(kind),
      { namespace: "default", name },
      { type: "merge", body },
      { fieldManager: "kubectl-annotate" },
    );
  };
  return {
    clock,
    store,
    directory,
    find,
    until,
    annotate,
    get: (kind, name) => store.get(typeOf(kind), { namespace: "default", name }),
    names: async (kind) =>
      (await store.list(typeOf(kind))).items.map(({ metadata }) => metadata.name).toSorted(),
    write: async (files) => {
      for (const [path, text] of Object.entries(files)) {
        const full = join(directory, path);
        await mkdir(dirname(full), { recursive: true });
        await (text === null ? rm(full, { recursive: true }) : writeFile(full, text));
      }
    },
    source: async (name, spec, annotations = {}) => {
      const object = {
        apiVersion: "flaresmith.dev/v1alpha1",
        kind: "Source",
        metadata: { name, namespace: "default", annotations },
        spec,
      };
      await store.apply(typeOf("Source"), object, { fieldManager: "kubectl", force: true });
    },
    sync: async (name) => {
      const token = `sync-${(requests += 1)}`;
      await annotate("Source", name, { "flaresmith.dev/reconcile-requested-at": token });
      await until(async () => {
        const { status } = await store.get<SourceObject>(typeOf("Source"), { namespace: "default", name });
        return status?.lastHandledReconcileAt === token;
      });
      const synced = await store.get<SourceObject>(typeOf("Source"), { namespace: "default", name });
      const broken = checkConditionInvariants(synced);
      if (broken.length > 0) throw new Error(`Source ${name}: ${JSON.stringify(broken)}`);
      return synced;
    },
    revision: async () => (await store.list(typeOf("Source"))).resourceVersion,
    stop: async () => {
      stopping.abort(new Error("the test ends"));
      let over = false;
      const all = Promise.all([manager.stop(), ended]).finally(() => (over = true));
      while (!over) await clock.advance(60_000);
      await all;
      if (existing === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}
