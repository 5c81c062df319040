/**
 * The kinds over objects that were read once: their graphs can be built and looked at, and nothing of it is written. For
 * commands that ask what a controller would do.
 */
import type { Clock, Fetch, Random } from "../controller/runtime/clock.ts";
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { createProviderTime } from "../controller/runtime/provider-time.ts";
import { secretValues } from "../controller/runtime/secret-value.ts";
import type { Tracker } from "../controller/runtime/tracker.ts";
import type {
  KubernetesObject,
  ObjectKey,
  ResourceClient,
  ResourceType,
} from "../controller/store/resource-client.ts";
import { createConnectionRegistry } from "./connections.ts";
import type { ConnectionRegistry } from "./connections.ts";
import { transports } from "./controllers.ts";
import type { KindReconciler, ReconciledObject } from "./engine/kind.ts";
import { environmentReconciler } from "./environment.ts";
import { projectType } from "./objects.ts";
import type { EnvironmentObject, ObjectReader, PreviewObject, ProjectObject } from "./objects.ts";
import { previewReconciler } from "./preview.ts";
import { projectReconciler } from "./project.ts";
import { providerOpeners } from "./providers.ts";

export interface DetachedOptions {
  /** Everything that could be referred to, as it is at the moment of the call. */
  objects: () => readonly KubernetesObject[];
  secret: ObjectReader["secret"];
  /** What the providers are reached through: see `fetchThatOnly`. */
  fetch: Fetch;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  hashKey: string;
  version: string;
  publicUrl?: string | undefined;
}

export interface DetachedKinds {
  /** By kind; undefined for kinds that stand for nothing external. */
  kinds: Readonly<Record<string, KindReconciler<ReconciledObject> | undefined>>;
  connections: ConnectionRegistry;
}

/**
 * A fetch for some methods only, and for the POST by which a GitHub App exchanges its key for a token. Any other request
 * is a defect of a definition, and is not sent.
 */
export function fetchThatOnly(methods: readonly string[], fetch: Fetch): Fetch {
  return (input, init) => {
    const method = (init?.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const exchange = method === "POST" && /\/app\/installations\/\d+\/access_tokens$/.test(pathname);
    if (methods.includes(method) || exchange) return fetch(input, init);
    return Promise.reject(
      new FlaresmithError({
        code: "INTERNAL_ERROR",
        message: `a command that may only ${methods.join(", ")} tried to send ${method} ${pathname}`,
      }),
    );
  };
}

/** Methods that change nothing. */
export const READING: readonly string[] = Object.freeze(["GET", "HEAD"]);

const keyText = ({ namespace = "", name }: ObjectKey): string => `${namespace}/${name}`;

/** Stands where nothing may be written; kinds read through the reader. */
const noClient: ResourceClient = new Proxy({} as ResourceClient, {
  get: (_, name) => () =>
    Promise.reject(
      new FlaresmithError({
        code: "INTERNAL_ERROR",
        message: `a command used the store: ${String(name)}`,
      }),
    ),
});

/** Puts the kinds together without a store. */
export function detachedKinds(options: DetachedOptions): DetachedKinds {
  const { clock, tracker } = options;
  const plain = secretValues(options.hashKey);
  const makeSecret = (text: string): ReturnType<typeof plain> => {
    tracker.secrets.add(text);
    return plain(text);
  };
  const reader = readerOf(options);
  const time = createProviderTime(clock);
  // Nothing is ended here: this machine's clock is good enough to say what would be.
  time.heard(null);
  const connections = createConnectionRegistry({
    reader,
    openers: providerOpeners({ makeSecret, version: options.version }),
    transport: transports({ ...options, time }),
    time,
    secret: (value) => tracker.secrets.add(value),
    clock,
  });
  const common = { client: noClient, reader, connections, makeSecret, clock };
  return {
    connections,
    kinds: {
      Project: projectReconciler({ ...common, publicUrl: options.publicUrl }),
      Environment: environmentReconciler(common),
      Preview: previewReconciler({ ...common, time }),
    },
  };
}

function readerOf({ objects, secret }: DetachedOptions): ObjectReader {
  const find = (type: ResourceType): KubernetesObject[] => objects().filter(({ kind }) => kind === type.kind);
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
    usingRepository: (repository) =>
      (find(projectType) as ProjectObject[]).filter(
        ({ spec }) => spec.github?.repository.toLowerCase() === repository.toLowerCase(),
      ),
    secret,
  };
}
