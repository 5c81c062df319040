/** What the engine asks of a kind, and what it gives: the contract of `project.ts`, `environment.ts` and `preview.ts`. */
import type { Clock, Random } from "../../controller/runtime/clock.ts";
import type { Condition, StatusPart } from "../../controller/runtime/conditions.ts";
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import type {
  KubernetesObject,
  ResourceClient,
  ResourceType,
} from "../../controller/store/resource-client.ts";
import type { ConnectionHandle, GraphNode } from "./graph.ts";
import type { EngineTracker } from "./pass.ts";
import type { InventoryEntry, ResourceDefinition } from "./resource.ts";
import type { NodeResult } from "./result.ts";

/** What the engine reads of any object. */
export interface ReconciledObject extends KubernetesObject {
  spec: { suspend: boolean; interval: string; deepInterval?: string; drift?: "Correct" | "Warn" };
  status?: ReconciledStatus;
}

export interface ReconciledStatus {
  observedGeneration?: number | undefined;
  conditions?: Condition[] | undefined;
  lastHandledReconcileAt?: string | undefined;
  inventory?: InventoryEntry[] | undefined;
  state?: string | undefined;
  [field: string]: unknown;
}

/** What a kind makes of an object. */
export interface Blueprint {
  nodes: readonly GraphNode[];
  /** Plain status fields, from what the pass found; `undefined` removes a field. */
  project(results: ReadonlyMap<string, NodeResult>): Record<string, unknown>;
  /** Conditions of the kind's own. */
  parts?: readonly StatusPart[];
  /** Removes everything external although the object stays, e.g. an expired preview; then these parts are shown. */
  archive?: { why: string; state: string; parts: readonly StatusPart[] };
  /** Milliseconds until the kind must look again whatever happens, e.g. at an expiry. */
  requeueAfter?(results: ReadonlyMap<string, NodeResult>): number;
}

export interface KindReconciler<T extends ReconciledObject> {
  type: ResourceType;
  /** Pure but for reads of the store. @throws FlaresmithError when the spec refers to something missing or not allowed */
  build(object: T, signal: AbortSignal): Promise<Blueprint>;
  /** Plain status fields that hold also while the graph cannot be built, e.g. when a preview expires. Default: none. */
  standing?(object: T): Record<string, unknown>;
  /** Deletes what hangs on the object first; answers what is awaited, or undefined when nothing is. */
  deleteDependants(object: T, signal: AbortSignal): Promise<string | undefined>;
  /** Whether everything that its objects hold are copies, so that data go with what they lie in. Default: no. */
  disposable?: boolean;
  /** What deletion of the object does to an entry. */
  removalPolicy(object: T, entry: InventoryEntry): "Orphan" | "Delete";
  /** One word for people. */
  state(object: T, conditions: readonly Condition[], previous: string | undefined): string;
}

export interface ReconcileEnvironment {
  client: ResourceClient;
  clock: Clock;
  random: Random;
  installation: string;
  /** Condition type by provider. */
  conditionTypes: Readonly<Record<string, string>>;
  definition(entry: InventoryEntry): ResourceDefinition<unknown, unknown, unknown> | undefined;
  /** @throws FlaresmithError */
  connect(key: string, object: ReconciledObject, signal: AbortSignal): Promise<ConnectionHandle>;
  track(object: ReconciledObject): EngineTracker;
}

/** What the work queue should do next. */
export type ObjectResult = { requeueAfter?: number; error?: FlaresmithError };
