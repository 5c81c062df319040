/** Puts the kind reconcilers together for a manager: which kinds there are, what wakes them, and what they share. */
import type { Clock, Fetch, Random } from "../controller/runtime/clock.ts";
import { parseDuration } from "../controller/runtime/duration.ts";
import { done, failed, requeueAfter } from "../controller/runtime/reconcile.ts";
import type {
  Caches,
  ControllerDefinition,
  ReconcileResult,
  WatchedType,
} from "../controller/runtime/reconcile.ts";
import { parseKey } from "../controller/runtime/object-store.ts";
import { createProviderIdentities } from "../controller/runtime/provider-identity.ts";
import { secretValues } from "../controller/runtime/secret-value.ts";
import type { Tracker } from "../controller/runtime/tracker.ts";
import { createProviderTime } from "../controller/runtime/provider-time.ts";
import type { ProviderTime } from "../controller/runtime/provider-time.ts";
import { createTransport } from "../controller/runtime/transport.ts";
import type {
  KubernetesObject,
  ObjectKey,
  ResourceClient,
  ResourceType,
} from "../controller/store/resource-client.ts";
import { reconcileConnection } from "./connection.ts";
import { createConnectionRegistry } from "./connections.ts";
import type { ConnectionRegistry } from "./connections.ts";
import { createObjectReconciler } from "./engine/reconcile-object.ts";
import type { KindReconciler, ObjectResult, ReconcileEnvironment, ReconciledObject } from "./engine/kind.ts";
import { environmentReconciler } from "./environment.ts";
import { connectionType, environmentType, previewType, projectType } from "./objects.ts";
import type { ConnectionObject, ObjectReader } from "./objects.ts";
import { previewReconciler } from "./preview.ts";
import { projectReconciler } from "./project.ts";
import { conditionTypes, definitionOf, providerOpeners, providerTraits } from "./providers.ts";
import { redactingClient } from "./redacting-client.ts";
import { routeTemplates } from "./route-templates.ts";
import {
  childWatch,
  connectionUserWatch,
  connectionWatch,
  environmentWatch,
  indexes,
  ofProject,
  previewOfEnvironment,
  projectWatch,
  siblingWatch,
  usingRepository,
} from "./watches.ts";

export interface ControllersOptions {
  client: ResourceClient;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  /** The network; every transport goes through it. */
  fetch: Fetch;
  /** Id of this installation, in every marker. */
  installation: string;
  /** Secret key of this installation: what keyed hashes of secrets are made with. */
  hashKey: string;
  /** Version of this build. */
  version: string;
  /** Where GitHub can reach the webhook listener; repositories get no webhook without it. */
  publicUrl?: string | undefined;
  /** Decoded data of a Secret by name; undefined when it does not exist. */
  secret: ObjectReader["secret"];
  /** The manager's caches; asked for only while it runs. */
  caches: () => Caches;
  /** Brings an object up, because what its status says has changed outside of it. Default: nobody is brought up */
  wake?: ((controller: string, key: ObjectKey) => void) | undefined;
  /** Objects of one kind at the same time. Default 4 */
  concurrency?: number | undefined;
}

export interface Controllers {
  definitions: readonly ControllerDefinition[];
  /** What the manager's caches must be indexed by. */
  indexes: typeof indexes;
  connections: ConnectionRegistry;
}

/** Infers the object type inside a definition; a list of definitions holds several. */
const defineController = <T extends KubernetesObject>(
  definition: ControllerDefinition<T>,
): ControllerDefinition => definition;

const resultOf = ({ error, requeueAfter: after }: ObjectResult): ReconcileResult =>
  error ? failed(error) : after === undefined ? done : requeueAfter(after);

/** A Project, its environments and its previews are compared together: most of what they read is the same. */
function projectNameOf({ kind, metadata, spec }: ReconciledObject): string {
  const { projectRef } = spec as { projectRef?: { name: string } };
  return kind === "Project" ? metadata.name : (projectRef?.name ?? metadata.name);
}

export function createControllers(options: ControllersOptions): Controllers {
  const { caches, clock, random, tracker } = options;
  const time = createProviderTime(clock);
  const client = redactingClient(options.client, (text) => tracker.secrets.redact(text));
  const makeSecret = secretValues(options.hashKey);
  const register = (plaintext: string): ReturnType<typeof makeSecret> => {
    tracker.secrets.add(plaintext, { lapses: true });
    // Whoever quotes a connection URI may quote its password alone.
    const password = URL.parse(plaintext)?.password ?? "";
    if (password !== "") tracker.secrets.add(password, { lapses: true });
    return makeSecret(plaintext);
  };
  const reader: ObjectReader = {
    get: <T extends KubernetesObject>(type: ResourceType, key: ObjectKey) => caches().of<T>(type).get(key),
    ofProject: (type, namespace, project) => ofProject(caches(), type, namespace, project),
    usingRepository: (repository) => usingRepository(caches(), repository),
    secret: options.secret,
  };
  const connections = createConnectionRegistry({
    reader,
    openers: providerOpeners({ makeSecret: register, version: options.version }),
    transport: transports({ ...options, time }),
    time,
    secret: (value) => tracker.secrets.add(value, { lapses: true }),
    clock,
  });
  const environment: ReconcileEnvironment = {
    client,
    clock,
    random,
    installation: options.installation,
    conditionTypes,
    definition: definitionOf,
    connect: async (key, object, signal) =>
      (await connections.byKey(key, object.metadata.namespace ?? "", signal)).handle,
    track: (object) => ({
      event: (type, reason, message) => tracker.event(object, { type, reason, message }),
      state: (from, to) => reportState({ object, from, to, tracker, clock }),
      drift: (provider) =>
        tracker.driftDetected({ kind: object.kind, provider, mode: object.spec.drift ?? "Correct" }),
    }),
  };
  const common = { client, reader, connections, makeSecret: register, clock };
  const define = <T extends ReconciledObject>(
    name: string,
    kind: KindReconciler<T>,
    watches: readonly WatchedType[],
  ): ControllerDefinition => {
    const reconciler = createObjectReconciler(kind, environment);
    return defineController<T>({
      type: kind.type,
      name,
      concurrency: options.concurrency,
      watches,
      resyncInterval: (object) => parseDuration(object.spec.interval),
      resyncGroup: (object) => `${object.metadata.namespace ?? ""}/${projectNameOf(object)}`,
      reconcile: async (_key, context) =>
        resultOf(await reconciler.reconcile(context.object, context.signal)),
      forget: ({ metadata }) => reconciler.forget(metadata.uid ?? ""),
    });
  };
  const definitions = [
    defineController<ConnectionObject>({
      type: connectionType,
      name: "connection",
      watches: [projectType, environmentType, previewType].map(connectionUserWatch),
      resyncInterval: (object) => parseDuration(object.spec.interval),
      reconcile: async (_key, context) =>
        resultOf(
          await reconcileConnection(
            context.object,
            {
              client,
              connections,
              clock,
              event: (type, reason, message) => tracker.event(context.object, { type, reason, message }),
            },
            context.signal,
          ),
        ),
    }),
    define("project", projectReconciler({ ...common, publicUrl: options.publicUrl }), [
      connectionWatch(projectType),
      childWatch(environmentType),
      childWatch(previewType),
    ]),
    define("environment", environmentReconciler(common), [
      connectionWatch(environmentType),
      projectWatch(environmentType),
      previewOfEnvironment,
    ]),
    define("preview", previewReconciler({ ...common, time }), [
      connectionWatch(previewType),
      projectWatch(previewType),
      environmentWatch,
      siblingWatch,
    ]),
  ];
  return { definitions, indexes, connections };
}

const settledStates = ["active", "updating", "error"];

/** What a move of `status.state` says in metrics. */
function reportState(move: {
  object: ReconciledObject;
  from: string | undefined;
  to: string;
  tracker: Tracker;
  clock: Clock;
}): void {
  const { clock, from, object, to, tracker } = move;
  const { creationTimestamp } = object.metadata;
  if (object.kind !== "Project") tracker.stateChanged(from ?? "none", to);
  if (to === "active" && !settledStates.includes(from ?? "") && creationTimestamp !== undefined) {
    const duration = clock.now() - Date.parse(creationTimestamp);
    const providers = new Set((object.status?.inventory ?? []).map((entry) => entry.provider));
    for (const provider of providers)
      tracker.provisioned({ provider, environmentKind: object.kind, duration });
  }
}

/** One transport for each Connection; breaker, gate and budget belong to the identity behind it. */
export function transports({
  clock,
  fetch,
  random,
  time,
  tracker,
  wake,
}: Pick<ControllersOptions, "clock" | "fetch" | "random" | "tracker" | "wake"> & {
  time: ProviderTime;
}): Parameters<typeof createConnectionRegistry>[0]["transport"] {
  const identities = createProviderIdentities({
    clock,
    tracker,
    onChange: (_, connections) => {
      for (const connection of connections) wake?.("connection", parseKey(connection));
    },
  });
  return ({ connection, identity, provider, spec }) => {
    const { concurrency, limits, ...traits } = providerTraits[provider] ?? { concurrency: 10, limits: [] };
    const place = { provider, identity: identity ?? `unknown|${connection}`, connection };
    const shared = identities.of({
      ...place,
      share: spec.budget?.share,
      limits,
      concurrency,
    });
    const through = createTransport({
      provider,
      connection,
      identity: shared,
      fetch,
      clock,
      random,
      time,
      tracker,
      route: routeTemplates[provider],
      ...traits,
    });
    return {
      fetch: through,
      breaker: () => (shared.breaker.state === "closed" ? "Closed" : "Open"),
      throttledUntil: () => shared.gate.closedUntil,
      release: () => identities.release(place),
    };
  };
}
