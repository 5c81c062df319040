/** The least controller that kubectl can be tried against: a finalizer, a Ready condition, an event. */
import type {
  KubernetesObject,
  ResourceClient,
  ResourceType,
} from "../../controller/store/resource-client.ts";

const FINALIZER = "flaresmith.dev/tiny";
const EVENTS: ResourceType = { group: "", version: "v1", kind: "Event", plural: "events", namespaced: true };
const TIME = "2026-01-01T00:00:00Z";

export interface TinyControllerOptions {
  store: ResourceClient;
  type: ResourceType;
  signal: AbortSignal;
}

function ready(generation: number): unknown {
  const condition = {
    type: "Ready",
    status: "True",
    reason: "Succeeded",
    message: "everything is as declared",
  };
  return {
    observedGeneration: generation,
    conditions: [{ ...condition, observedGeneration: generation, lastTransitionTime: TIME }],
  };
}

function eventFor(object: KubernetesObject): KubernetesObject {
  const { name, namespace = "default", uid } = object.metadata;
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${name}.converged`, namespace },
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      name,
      namespace,
      ...(uid === undefined ? {} : { uid }),
    },
    reason: "Converged",
    message: "made it so",
    type: "Normal",
    count: 1,
    firstTimestamp: TIME,
    lastTimestamp: TIME,
    source: { component: "tiny-controller" },
  };
}

/** Objects are held by the finalizer until `release` was called; then every deletion goes through. */
export function startTinyController(options: TinyControllerOptions): { release: () => void } {
  const { store, type, signal } = options;
  let isReleased = false;
  const held = new Map<string, KubernetesObject>();

  const patch = (object: KubernetesObject, body: Record<string, unknown>): Promise<unknown> => {
    const { name, namespace = "default" } = object.metadata;
    return store.patch(
      type,
      { name, namespace },
      { type: "merge", body },
      { fieldManager: "tiny-controller" },
    );
  };

  const settle = async (object: KubernetesObject): Promise<void> => {
    const {
      name,
      namespace = "default",
      generation = 1,
      deletionTimestamp,
      finalizers = [],
    } = object.metadata;
    if (deletionTimestamp !== undefined) {
      held.set(name, object);
      if (isReleased && finalizers.includes(FINALIZER))
        await patch(object, { metadata: { finalizers: null } });
      return;
    }
    if (!finalizers.includes(FINALIZER)) {
      await patch(object, { metadata: { finalizers: [FINALIZER] } });
      return;
    }
    const status = object["status"] as { observedGeneration?: number } | undefined;
    if (status?.observedGeneration === generation) return;
    await store.patchStatus(
      type,
      { name, namespace },
      { type: "merge", body: { status: ready(generation) } },
    );
    // The second time it exists already.
    await store.create(EVENTS, eventFor(object)).catch(() => undefined);
  };

  // One namespace: whoever else tests on the same server must not find our finalizer and status on their objects.
  const watch = async (): Promise<void> => {
    for await (const event of store.watch(type, { namespace: "default" }, signal)) {
      if (event.type !== "ADDED" && event.type !== "MODIFIED") continue;
      await settle(event.object).catch((error: unknown) => {
        process.stderr.write(`tiny controller: ${event.object.metadata.name ?? ""}: ${String(error)}\n`);
      });
    }
  };
  watch().catch((error: unknown) => {
    if (!signal.aborted) process.stderr.write(`tiny controller: ${String(error)}\n`);
  });

  return {
    release() {
      isReleased = true;
      for (const object of held.values()) void settle(object).catch(() => undefined);
    },
  };
}
