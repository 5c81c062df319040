/**
 * The one object that logs, counts and reports events, handed to everything that runs, so that logic carries no telemetry
 * of its own. What leaves through it is redacted by construction.
 */
import type { KubernetesObject } from "../store/resource-client.ts";
import type { CacheReader } from "./cache.ts";
import type { Clock } from "./clock.ts";
import { errorCodes, publicCode } from "./errors.ts";
import type { FlaresmithError } from "./errors.ts";
import { createEventRecorder } from "./events.ts";
import type { EventInput, EventRecorder } from "./events.ts";
import { createLogger } from "./log.ts";
import type { LogDestination, Logger, LogFields, LogLevel } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import type { Metrics } from "./metrics.ts";
import { createSecretRegistry } from "./secret-registry.ts";
import type { SecretRegistry } from "./secret-registry.ts";
import { priorities } from "./work-queue.ts";
import type { QueueObserver, WorkQueue } from "./work-queue.ts";

/** How a reconciliation ended, in controller-runtime's words. */
export type ReconcileOutcome = "success" | "error" | "requeue" | "requeue_after";

/** One object in `flaresmith_resource_info`. */
interface ResourceInfo {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly ready: string;
  readonly suspended: boolean;
  /** `status.state`; empty where the kind has none. */
  readonly state: string;
  /** The Project of a Preview that holds something at a provider. */
  readonly activePreviewOf?: string | undefined;
}

interface ProviderRequest {
  readonly provider: string;
  readonly connection: string;
  readonly method: string;
  /** Template, not the path: `/repos/{owner}/{repo}`. */
  readonly route: string;
  /** HTTP status, or `cached`, `timeout`, `network`. */
  readonly code: string;
  readonly seconds: number;
}

export interface Tracker {
  /** Secret values known at run time; whoever reads one adds it here at once. */
  readonly secrets: SecretRegistry;
  readonly log: Logger;
  readonly events: EventRecorder;
  /** The same tracker with these facts on every log line. */
  child(fields: LogFields): Tracker;
  /** Records an event about an object. None when nothing happened. */
  event(object: KubernetesObject, event: EventInput): void;
  /** Counts an error by code and severity. */
  failed(error: FlaresmithError): void;

  reconcileStarted(controller: string): void;
  reconcileEnded(end: {
    controller: string;
    outcome: ReconcileOutcome;
    /** Milliseconds. */
    duration: number;
    error?: FlaresmithError | undefined;
  }): void;
  /** Announces a controller, so that its series exist before its first reconciliation. */
  controllerStarted(controller: string, concurrency: number): void;
  /** What a queue should report to; the depth is read when metrics are asked for. */
  queueObserver(controller: string): QueueObserver;
  watchQueue(controller: string, queue: Pick<WorkQueue, "length" | "delayed">): void;
  cacheChanged(kind: string, objects: number): void;
  cacheRestarted(kind: string, reason: string): void;
  cacheListed(kind: string, listing: { items: number; milliseconds: number }): void;
  /** Where the age of a cache comes from, read when metrics are asked for. */
  watchCache(kind: string, cache: Pick<CacheReader, "heardAt" | "revision">): void;
  cacheHandlerFailed(kind: string, error: unknown): void;
  providerRequest(request: ProviderRequest): void;
  providerQuota(quota: {
    provider: string;
    connection: string;
    /** Which limit, e.g. `core`. */
    resource: string;
    limit?: number | undefined;
    remaining?: number | undefined;
  }): void;
  /** A request took more than one attempt. */
  retried(retry: { provider: string; operation: string; attempts: number }): void;
  breakerOpened(provider: string): void;
  driftDetected(drift: { kind: string; provider: string; mode: "Correct" | "Warn" }): void;
  /** @param provision.duration milliseconds from the first create to ready */
  provisioned(provision: { provider: string; environmentKind: string; duration: number }): void;
  stateChanged(from: string, to: string): void;
  webhookReceived(provider: string, result: string): void;
  storeRequest(request: { method: string; code: string; host: string }): void;
  /** Whether what is written to the store is kept; said by whoever has a store of its own. */
  storeWritable(writable: boolean): void;
  /** The store's file did not take a transaction. @param fault `full`, `failing` or `damaged` */
  storeWriteFailed(fault: string): void;
  leading(name: string, leads: boolean): void;
  /** Where `flaresmith_resource_info` and `preview_env_active_total` come from, read when metrics are asked for. */
  watchResources(list: () => Iterable<ResourceInfo>): void;
  /** The text of `/metrics`. */
  exposition(): Promise<{ contentType: string; body: string }>;
}

export interface TrackerOptions {
  clock: Clock;
  /** Where log lines go. Default: nowhere. */
  destination?: LogDestination | undefined;
  /** Default `info`. */
  level?: LogLevel | undefined;
  /** Reporter of events. Default `flaresmith`. */
  component?: string | undefined;
  /** One `flaresmith_resource_info` series per object instead of counts. Default false. */
  perObjectMetrics?: boolean | undefined;
  /** Also CPU, memory and event loop of the process. Default false. */
  processMetrics?: boolean | undefined;
}

/** Creates the tracker of a process. */
export function createTracker(options: TrackerOptions): Tracker {
  const secrets = createSecretRegistry(options);
  const metrics = createMetrics({ processMetrics: options.processMetrics });
  const events = createEventRecorder({
    clock: options.clock,
    component: options.component ?? "flaresmith",
    redact: (text) => secrets.redact(text),
    dropped: (reason) => metrics.eventsDropped.inc({ reason }),
  });
  const log = createLogger({
    clock: options.clock,
    secrets,
    destination: options.destination ?? { write: () => undefined },
    level: options.destination === undefined ? "silent" : options.level,
  });
  const recorders = {
    ...controllerRecorder(metrics),
    ...providerRecorder(metrics, secrets),
    ...stateRecorder(metrics),
  };
  const queues = new Map<string, Pick<WorkQueue, "length" | "delayed">>();
  const caches = new Map<string, Pick<CacheReader, "heardAt" | "revision">>();
  let listResources: () => Iterable<ResourceInfo> = () => [];
  const withLog = (logger: Logger): Tracker => ({
    ...recorders,
    secrets,
    log: logger,
    events,
    child: (fields) => withLog(logger.child(fields)),
    event: (object, event) => events.record(object, event),
    failed: (error) => {
      metrics.errors.inc({
        code: secrets.redact(publicCode(error)),
        severity: errorCodes[error.code].severity,
      });
    },
    cacheHandlerFailed: (kind, error) => {
      metrics.cacheHandlerErrors.inc({ kind });
      logger.error("an event handler of a cache threw", { kind, error });
    },
    watchQueue: (controller, queue) => void queues.set(controller, queue),
    watchCache: (kind, cache) => void caches.set(kind, cache),
    watchResources: (list) => {
      listResources = list;
    },
    exposition: async () => {
      for (const [name, queue] of queues) {
        metrics.queueDepth.set({ name, controller: name }, queue.length);
        metrics.queueDelayed.set({ name, controller: name }, queue.delayed);
      }
      for (const [kind, { heardAt, revision }] of caches) {
        if (heardAt === undefined) continue;
        metrics.cacheAge.set({ kind }, (options.clock.monotonic() - heardAt) / 1000);
        if (revision !== undefined) metrics.cacheRevision.set({ kind }, Number(revision));
      }
      const resources = [...listResources()];
      setResourceInfo(metrics, resources, options.perObjectMetrics === true);
      setActivePreviews(metrics, resources);
      const body = await metrics.registry.metrics();
      return { contentType: metrics.registry.contentType, body: secrets.redact(body) };
    },
  });
  return withLog(log);
}

function setResourceInfo(metrics: Metrics, objects: Iterable<ResourceInfo>, perObject: boolean): void {
  metrics.resourceInfo.reset();
  for (const { kind, namespace, name, ready, state, suspended } of objects) {
    const place = perObject ? { namespace, name } : { namespace: "", name: "" };
    metrics.resourceInfo.inc({ kind, ...place, ready, suspended: String(suspended), state });
  }
}

function setActivePreviews(metrics: Metrics, objects: Iterable<ResourceInfo>): void {
  metrics.previewsActive.reset();
  for (const { activePreviewOf, namespace } of objects)
    if (activePreviewOf !== undefined) metrics.previewsActive.inc({ namespace, project: activePreviewOf });
}

const priorityNames = new Map<number, string>(
  Object.entries(priorities).map(([name, value]) => [value, name]),
);
const outcomes: readonly ReconcileOutcome[] = ["success", "error", "requeue", "requeue_after"];

function controllerRecorder(metrics: Metrics) {
  return {
    controllerStarted: (controller: string, concurrency: number): void => {
      metrics.maxConcurrent.set({ controller }, concurrency);
      metrics.activeWorkers.set({ controller }, 0);
      for (const result of outcomes) metrics.reconcileTotal.inc({ controller, result }, 0);
      // An increase is only seen of a series that was there before.
      for (const count of [metrics.reconcileErrors, metrics.terminalErrors, metrics.panics])
        count.inc({ controller }, 0);
    },
    reconcileStarted: (controller: string): void => metrics.activeWorkers.inc({ controller }),
    reconcileEnded: ({
      controller,
      outcome,
      duration,
      error,
    }: Parameters<Tracker["reconcileEnded"]>[0]): void => {
      metrics.activeWorkers.dec({ controller });
      metrics.reconcileTotal.inc({ controller, result: outcome });
      metrics.reconcileSeconds.observe({ controller }, duration / 1000);
      if (error === undefined) return;
      metrics.reconcileErrors.inc({ controller });
      if (error.class === "terminal" || error.class === "auth") metrics.terminalErrors.inc({ controller });
      if (error.code === "INTERNAL_ERROR") metrics.panics.inc({ controller });
      metrics.errors.inc({ code: publicCode(error), severity: errorCodes[error.code].severity });
    },
    queueObserver: (controller: string): QueueObserver => {
      const labels = { name: controller, controller };
      const waited = metrics.queueSeconds.labels(labels);
      const worked = metrics.workSeconds.labels(labels);
      return {
        added: (priority) =>
          metrics.queueAdds.inc({ ...labels, priority: priorityNames.get(priority) ?? "" }),
        handedOut: (item) => waited.observe(item.waited / 1000),
        done: (_key, milliseconds) => worked.observe(milliseconds / 1000),
        retried: () => metrics.queueRetries.inc(labels),
      };
    },
    cacheChanged: (kind: string, objects: number): void => metrics.cacheObjects.set({ kind }, objects),
    cacheRestarted: (kind: string, reason: string): void => metrics.cacheRestarts.inc({ kind, reason }),
    cacheListed: (kind: string, listing: { items: number; milliseconds: number }): void => {
      metrics.cacheListSeconds.observe({ kind }, listing.milliseconds / 1000);
      metrics.cacheListItems.set({ kind }, listing.items);
    },
    leading: (name: string, leads: boolean): void => metrics.leader.set({ name }, leads ? 1 : 0),
    storeWritable: (writable: boolean): void => {
      metrics.registry.registerMetric(metrics.storeWritable);
      metrics.storeWritable.set(writable ? 1 : 0);
    },
    storeWriteFailed: (fault: string): void => metrics.storeFailures.inc({ fault }),
    storeRequest: ({ method, code, host }: Parameters<Tracker["storeRequest"]>[0]): void =>
      metrics.restRequests.inc({ method, code, host }),
  };
}

function providerRecorder(metrics: Metrics, secrets: SecretRegistry) {
  return {
    providerRequest: ({ provider, connection, method, route, code, seconds }: ProviderRequest): void => {
      metrics.providerRequests.inc({ provider, connection, method, route: secrets.redact(route), code });
      metrics.providerSeconds.observe({ provider, method }, seconds);
    },
    providerQuota: ({
      provider,
      connection,
      resource,
      limit,
      remaining,
    }: Parameters<Tracker["providerQuota"]>[0]): void => {
      // Named one by one: prom-client throws at a label it does not know.
      const labels = { provider, connection, resource };
      if (limit !== undefined) metrics.quotaLimit.set(labels, limit);
      if (remaining !== undefined) metrics.quotaRemaining.set(labels, remaining);
    },
    retried: ({ provider, operation, attempts }: Parameters<Tracker["retried"]>[0]): void =>
      metrics.retryAttempts.observe({ provider, operation: secrets.redact(operation) }, attempts),
    breakerOpened: (provider: string): void => metrics.breakerOpen.inc({ provider }),
    webhookReceived: (provider: string, result: string): void => metrics.webhooks.inc({ provider, result }),
  };
}

function stateRecorder(metrics: Metrics) {
  return {
    driftDetected: ({ kind, provider, mode }: Parameters<Tracker["driftDetected"]>[0]): void =>
      metrics.drift.inc({ kind, provider, mode }),
    provisioned: ({ provider, environmentKind, duration }: Parameters<Tracker["provisioned"]>[0]): void =>
      metrics.provisionSeconds.observe({ provider, environmentKind }, duration / 1000),
    stateChanged: (from: string, to: string): void => metrics.stateTransitions.inc({ from, to }),
  };
}
