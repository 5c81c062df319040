/** What a controller is to those who write one: its definition, what it is handed, what it answers. */
import type { KubernetesObject, ObjectKey, ResourceClient, ResourceType } from "../store/resource-client.ts";
import type { CacheReader } from "./cache.ts";
import type { Clock, Random } from "./clock.ts";
import type { FlaresmithError } from "./errors.ts";
import type { Tracker } from "./tracker.ts";
import type { Priority } from "./work-queue.ts";

/** How a reconciliation ended. Throwing an error is the same as answering it. */
export type ReconcileResult =
  /** Nothing to do until something changes or the next resync. */
  | { readonly kind: "done" }
  /** Something is under way that nobody will announce: look again in so many milliseconds. */
  | { readonly kind: "requeueAfter"; readonly milliseconds: number }
  | { readonly kind: "failed"; readonly error: FlaresmithError };

export const done: ReconcileResult = Object.freeze({ kind: "done" });

/** Look again in so many milliseconds. */
export function requeueAfter(milliseconds: number): ReconcileResult {
  return { kind: "requeueAfter", milliseconds };
}

/** The queue does what the error's class asks for. */
export function failed(error: FlaresmithError): ReconcileResult {
  return { kind: "failed", error };
}

/** All caches of a manager, by type. */
export interface Caches {
  /** @throws RangeError for a type that no controller owns or watches */
  of<T extends KubernetesObject>(type: ResourceType): CacheReader<T>;
}

export interface ReconcileContext<T extends KubernetesObject = KubernetesObject> {
  readonly key: ObjectKey;
  /** From the cache: frozen, shared, possibly a little old. Writes are version-checked against it. */
  readonly object: T;
  readonly caches: Caches;
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Its log lines carry controller, kind, namespace, name and reconcileID. */
  readonly tracker: Tracker;
  /** Why it runs: edits and webhooks deserve a deep look, resyncs a shallow one. */
  readonly priority: Priority;
  /** Aborted when the process must end before the reconciliation did. */
  readonly signal: AbortSignal;
}

/** Another type whose changes concern a controller's objects. */
export interface WatchedType<T extends KubernetesObject = KubernetesObject> {
  readonly type: ResourceType;
  /** The keys of the controller's objects that this object concerns; asked for the object before and after a change. */
  toKeys(object: T, caches: Caches): readonly ObjectKey[];
  /** Pure: whether an update says anything to the controller's objects. Default: every update does */
  isNews?(before: T, now: T): boolean;
}

export interface ControllerDefinition<T extends KubernetesObject = KubernetesObject> {
  /** The objects it reconciles. */
  readonly type: ResourceType;
  /** In metrics and logs, e.g. `project`. */
  readonly name: string;
  /** Objects at the same time. Default 4 */
  readonly concurrency?: number | undefined;
  reconcile(key: ObjectKey, context: ReconcileContext<T>): Promise<ReconcileResult>;
  readonly watches?: readonly WatchedType[] | undefined;
  /** The object is gone, whoever removed it: what is remembered of it can be dropped. */
  forget?(object: T): void;
  /** Milliseconds after which the object is compared again when nothing happened; undefined for never. */
  resyncInterval?(object: T): number | undefined;
  /**
   * Objects of one group and interval are compared at the same moments, so that they can share what they read; groups
   * are spread over the interval. Default: every object for itself
   */
  resyncGroup?(object: T): string;
}
