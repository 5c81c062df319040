/** Every metric of the process, under the names that DESIGN §11 and controller-runtime promise, in a registry of its own. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

/** controller-runtime's buckets for reconcile durations, in seconds, thinned to what a dashboard can tell apart. */
const reconcileBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const queueBuckets = [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];
const provisionBuckets = [0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1800];

/** @param options.processMetrics also CPU, memory and event loop of the process (not repeatable). Default false */
export function createMetrics(options: { processMetrics?: boolean | undefined } = {}) {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: readonly number[],
  ) => new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers });
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });

  return {
    registry,
    reconcileTotal: counter("controller_runtime_reconcile_total", "Reconciliations by result.", [
      "controller",
      "result",
    ]),
    reconcileErrors: counter("controller_runtime_reconcile_errors_total", "Reconciliations that failed.", [
      "controller",
    ]),
    terminalErrors: counter(
      "controller_runtime_terminal_reconcile_errors_total",
      "Reconciliations that failed in a way that only a change can mend.",
      ["controller"],
    ),
    panics: counter(
      "controller_runtime_reconcile_panics_total",
      "Reconciliations that threw what is no error of ours.",
      ["controller"],
    ),
    reconcileSeconds: histogram(
      "controller_runtime_reconcile_time_seconds",
      "How long a reconciliation took.",
      ["controller"],
      reconcileBuckets,
    ),
    maxConcurrent: gauge("controller_runtime_max_concurrent_reconciles", "Workers of a controller.", [
      "controller",
    ]),
    activeWorkers: gauge("controller_runtime_active_workers", "Workers that reconcile now.", ["controller"]),
    queueDepth: gauge("workqueue_depth", "Keys ready to be reconciled.", ["name", "controller"]),
    queueDelayed: gauge("workqueue_delayed", "Keys that wait for their time.", ["name", "controller"]),
    queueAdds: counter("workqueue_adds_total", "Keys added.", ["name", "controller", "priority"]),
    queueRetries: counter("workqueue_retries_total", "Keys added with back-off.", ["name", "controller"]),
    queueSeconds: histogram(
      "workqueue_queue_duration_seconds",
      "How long a ready key waited for a worker.",
      ["name", "controller"],
      queueBuckets,
    ),
    workSeconds: histogram(
      "workqueue_work_duration_seconds",
      "How long a worker held a key.",
      ["name", "controller"],
      queueBuckets,
    ),
    leader: gauge("leader_election_master_status", "1 while this process leads.", ["name"]),
    restRequests: counter("rest_client_requests_total", "Requests to the resource store or Kubernetes API.", [
      "code",
      "method",
      "host",
    ]),
    // Registered by whoever has a store of its own: without labels it would say 0 where there is none.
    storeWritable: new Gauge({
      name: "flaresmith_store_writable",
      help: "1 while the store takes what is written.",
      registers: [],
    }),
    storeFailures: counter(
      "flaresmith_store_write_failures_total",
      "Transactions that the store's file did not take; fault is full, failing or damaged.",
      ["fault"],
    ),
    cacheObjects: gauge("flaresmith_cache_objects", "Objects in a cache.", ["kind"]),
    cacheRestarts: counter("flaresmith_cache_watch_restarts_total", "Watches begun again, by reason.", [
      "kind",
      "reason",
    ]),
    cacheListSeconds: histogram(
      "flaresmith_cache_list_duration_seconds",
      "How long it took to learn all that exists.",
      ["kind"],
      reconcileBuckets,
    ),
    cacheListItems: gauge("flaresmith_cache_list_items", "Objects of the last listing.", ["kind"]),
    cacheAge: gauge(
      "flaresmith_cache_last_event_age_seconds",
      "How long ago anything was heard from the API about a kind.",
      ["kind"],
    ),
    cacheRevision: gauge(
      "flaresmith_cache_resource_version",
      "The resourceVersion up to which a cache knows everything.",
      ["kind"],
    ),
    cacheHandlerErrors: counter("flaresmith_cache_handler_errors_total", "Event handlers that threw.", [
      "kind",
    ]),
    providerRequests: counter(
      "flaresmith_provider_requests_total",
      "Requests to providers; code is an HTTP status, cached, timeout or network.",
      ["provider", "connection", "method", "route", "code"],
    ),
    providerSeconds: histogram(
      "flaresmith_provider_request_duration_seconds",
      "How long a provider took to answer.",
      ["provider", "method"],
      reconcileBuckets,
    ),
    quotaLimit: gauge("flaresmith_provider_quota_limit", "The provider's rate limit.", [
      "provider",
      "connection",
      "resource",
    ]),
    quotaRemaining: gauge(
      "flaresmith_provider_quota_remaining",
      "What is left of the provider's rate limit.",
      ["provider", "connection", "resource"],
    ),
    resourceInfo: gauge(
      "flaresmith_resource_info",
      "Objects by state; one series per object when asked for.",
      ["kind", "namespace", "name", "ready", "suspended", "state"],
    ),
    drift: counter("flaresmith_drift_detected_total", "Times the world was found to differ from a spec.", [
      "kind",
      "provider",
      "mode",
    ]),
    webhooks: counter("flaresmith_webhook_deliveries_total", "Webhook deliveries by result.", [
      "provider",
      "result",
    ]),
    eventsDropped: counter("flaresmith_events_dropped_total", "Events that were not written, by reason.", [
      "reason",
    ]),
    provisionSeconds: histogram(
      "provision_duration_seconds",
      "From the first create to Ready.",
      ["provider", "environmentKind"],
      provisionBuckets,
    ),
    breakerOpen: counter("circuit_breaker_open_total", "Times a breaker opened.", ["provider"]),
    retryAttempts: histogram(
      "retry_attempts",
      "Attempts of a request that was retried.",
      ["provider", "operation"],
      [1, 2, 3, 4, 5],
    ),
    previewsActive: gauge("preview_env_active_total", "Previews that hold external resources.", [
      "namespace",
      "project",
    ]),
    errors: counter("errors_total", "Errors by code.", ["code", "severity"]),
    stateTransitions: counter(
      "environment_state_transitions_total",
      "Changes of status.state of environments.",
      ["from", "to"],
    ),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
