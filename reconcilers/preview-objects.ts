/** What the providers would see of a set of objects: their graphs are built as for a reconciliation and only planned. */
import type { Clock, Fetch, Random } from "../controller/runtime/clock.ts";
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { secretValues } from "../controller/runtime/secret-value.ts";
import type { Tracker } from "../controller/runtime/tracker.ts";
import type {
  KubernetesObject,
  ObjectKey,
  ResourceClient,
  ResourceType,
} from "../controller/store/resource-client.ts";
import { createConnectionRegistry } from "./connections.ts";
import { transports } from "./controllers.ts";
import { toFlaresmithError } from "./engine/pass.ts";
import { previewChanges, previewRemovals } from "./engine/preview-changes.ts";
import type { PlannedChange } from "./engine/preview-changes.ts";
import { consentsOf } from "./engine/annotations.ts";
import type { KindReconciler, ReconciledObject } from "./engine/kind.ts";
import { environmentReconciler } from "./environment.ts";
import type { EnvironmentObject, ObjectReader, PreviewObject } from "./objects.ts";
import { previewReconciler } from "./preview.ts";
import { projectReconciler } from "./project.ts";
import { providerOpeners } from "./providers.ts";

export interface PreviewObjectsOptions {
  /** The desired world: everything that could be referred to, with defaults and, where it exists, status. */
  objects: readonly KubernetesObject[];
  /** Which of them are planned; Projects, Environments and Previews. */
  planned: readonly KubernetesObject[];
  /** Objects that would be deleted. */
  deleted: readonly KubernetesObject[];
  secret: ObjectReader["secret"];
  fetch: Fetch;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  installation: string;
  hashKey: string;
  version: string;
  publicUrl?: string | undefined;
  signal: AbortSignal;
}

export interface ObjectPreview {
  kind: string;
  namespace: string;
  name: string;
  changes: PlannedChange[];
  /** Why nothing could be planned at all. */
  error?: FlaresmithError;
}

/**
 * A fetch that reads and never changes anything: GET and HEAD pass, and the POST by which a GitHub App exchanges its key
 * for a token. Everything else is a defect of a definition, and ends the preview of that resource.
 */
function readOnly(fetch: Fetch): Fetch {
  return (input, init) => {
    const method = (init?.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const exchange = method === "POST" && /\/app\/installations\/\d+\/access_tokens$/.test(pathname);
    if (method === "GET" || method === "HEAD" || exchange) return fetch(input, init);
    return Promise.reject(
      new FlaresmithError({
        code: "INTERNAL_ERROR",
        message: `a preview tried to send ${method} ${pathname}`,
      }),
    );
  };
}

const keyText = ({ namespace = "", name }: ObjectKey): string => `${namespace}/${name}`;

/** Stands where nothing may be written; kinds read through the reader. */
const noClient: ResourceClient = new Proxy({} as ResourceClient, {
  get: (_, name) => () =>
    Promise.reject(
      new FlaresmithError({ code: "INTERNAL_ERROR", message: `a preview used the store: ${String(name)}` }),
    ),
});

/** Plans every object, one after another, over shared observations. Never throws for a provider's fault. */
export async function previewObjects(options: PreviewObjectsOptions): Promise<ObjectPreview[]> {
  const { clock, signal, tracker } = options;
  const plain = secretValues(options.hashKey);
  const makeSecret = (text: string): ReturnType<typeof plain> => {
    tracker.secrets.add(text);
    return plain(text);
  };
  const reader = readerOf(options);
  const fetch = readOnly(options.fetch);
  const connections = createConnectionRegistry({
    reader,
    openers: providerOpeners({ makeSecret, version: options.version }),
    transport: transports({ ...options, fetch }),
    secret: (value) => tracker.secrets.add(value),
    clock,
  });
  const common = { client: noClient, reader, connections, makeSecret, clock };
  const kinds: Readonly<Record<string, KindReconciler<ReconciledObject> | undefined>> = {
    Project: projectReconciler({ ...common, publicUrl: options.publicUrl }),
    Environment: environmentReconciler(common),
    Preview: previewReconciler(common),
  };
  const previews: ObjectPreview[] = [];
  for (const object of options.planned) {
    const kind = kinds[object.kind];
    if (kind !== undefined)
      previews.push(await previewObject(object as ReconciledObject, kind, options, signal));
  }
  for (const object of options.deleted) {
    const kind = kinds[object.kind];
    if (kind === undefined) continue;
    const living = object as ReconciledObject;
    const entries = (living.status?.inventory ?? []).map((entry) => ({
      ...entry,
      policy: kind.removalPolicy(living, entry),
    }));
    previews.push({ ...placeOf(object), changes: previewRemovals(entries) });
  }
  return previews;
}

function placeOf({ kind, metadata }: KubernetesObject): Pick<ObjectPreview, "kind" | "namespace" | "name"> {
  return { kind, namespace: metadata.namespace ?? "", name: metadata.name };
}

async function previewObject(
  object: ReconciledObject,
  kind: KindReconciler<ReconciledObject>,
  { clock, installation }: PreviewObjectsOptions,
  signal: AbortSignal,
): Promise<ObjectPreview> {
  const place = placeOf(object);
  if (object.spec.suspend) return { ...place, changes: [] };
  try {
    const blueprint = await kind.build(object, signal);
    const inventory = new Map((object.status?.inventory ?? []).map((entry) => [entry.slot, entry] as const));
    const changes = await previewChanges({
      nodes: blueprint.archive === undefined ? blueprint.nodes : [],
      inventory,
      marker: { installation, namespace: place.namespace, kind: place.kind, name: place.name },
      consents: consentsOf(object),
      drift: object.spec.drift ?? "Correct",
      clock,
      signal,
    });
    return { ...place, changes };
  } catch (thrown) {
    signal.throwIfAborted();
    return { ...place, changes: [], error: toFlaresmithError(thrown) };
  }
}

function readerOf({ objects, secret }: PreviewObjectsOptions): ObjectReader {
  const find = (type: ResourceType): KubernetesObject[] => objects.filter(({ kind }) => kind === type.kind);
  return {
    get: <T extends KubernetesObject>(type: ResourceType, key: ObjectKey) =>
      find(type).find((object) => keyText(object.metadata) === keyText(key)) as T | undefined,
    ofProject: <T extends EnvironmentObject | PreviewObject>(
      type: ResourceType,
      namespace: string,
      project: string,
    ) =>
      (find(type) as T[]).filter(
        ({ metadata, spec }) => metadata.namespace === namespace && spec.projectRef.name === project,
      ),
    secret,
  };
}
