/** Whether objects are where they should be, as kstatus reads them. Pure. */
import type { Condition } from "../runtime/conditions.ts";
import type { KubernetesObject } from "../store/resource-client.ts";

export interface ObjectReadiness {
  kind: string;
  namespace: string;
  name: string;
  /** `suspended` objects are left alone on purpose, `archived` ones are at their end; both keep nobody waiting. */
  state: "ready" | "progressing" | "waiting" | "stalled" | "deleting" | "suspended" | "archived";
  reason: string;
  message: string;
}

interface Status {
  observedGeneration?: number;
  conditions?: readonly Condition[];
  lastHandledReconcileAt?: string;
  state?: string;
}

const REQUEST_ANNOTATION = "flaresmith.dev/reconcile-requested-at";
/** Reason of what waits for another object. */
const WAITING = "DependencyNotReady";

/** `waiting` is progress that depends on another object alone: when that one stalls, so does this. */
export function readinessOf(object: KubernetesObject): ObjectReadiness {
  const { annotations, deletionTimestamp, generation, name, namespace = "" } = object.metadata;
  const status = (object["status"] ?? {}) as Status;
  const place = { kind: object.kind, namespace, name };
  if ((object["spec"] as { suspend?: unknown } | undefined)?.suspend === true) {
    return { ...place, state: "suspended", reason: "Suspended", message: "spec.suspend is true." };
  }
  const conditions = status.conditions ?? [];
  const ready = conditions.find(({ type }) => type === "Ready");
  const stalled = conditions.find(({ type }) => type === "Stalled");
  const said = { reason: ready?.reason ?? "NotReconciled", message: ready?.message ?? "Not reconciled yet." };
  if (deletionTimestamp !== undefined) return { ...place, ...said, state: "deleting" };
  const request = annotations?.[REQUEST_ANNOTATION];
  const current =
    status.observedGeneration === generation &&
    (request === undefined || status.lastHandledReconcileAt === request);
  if (!current || ready === undefined) return { ...place, ...said, state: "progressing" };
  if (ready.status === "True") return { ...place, ...said, state: "ready" };
  if (status.state === "archived") return { ...place, ...said, state: "archived" };
  if (stalled?.status === "True") {
    return { ...place, state: "stalled", reason: stalled.reason, message: stalled.message };
  }
  const waiting = conditions.some(
    ({ reason, status: is, type }) => is === "False" && type !== "Ready" && reason === WAITING,
  );
  return { ...place, ...said, state: waiting || ready.reason === WAITING ? "waiting" : "progressing" };
}

interface References {
  projectRef?: { name: string };
  environmentRef?: { name: string };
  previews?: { environmentRef?: { name: string } };
}

/** Keys of the objects that this one waits for, as far as its references say. */
function dependenciesOf(object: KubernetesObject, byKey: ReadonlyMap<string, KubernetesObject>): string[] {
  const spec = (object["spec"] ?? {}) as References;
  const namespace = object.metadata.namespace ?? "";
  const project = spec.projectRef === undefined ? undefined : `Project/${namespace}/${spec.projectRef.name}`;
  const projectSpec = (byKey.get(project ?? "")?.["spec"] ?? {}) as References;
  const base =
    object.kind === "Preview" ? (spec.environmentRef ?? projectSpec.previews?.environmentRef) : undefined;
  return [
    ...(project === undefined ? [] : [project]),
    ...(base === undefined ? [] : [`Environment/${namespace}/${base.name}`]),
  ];
}

const keyOf = ({ kind, metadata }: KubernetesObject): string =>
  `${kind}/${metadata.namespace ?? ""}/${metadata.name}`;

/** Whether an object will not move by itself: it is stalled, or waits for one that will not. */
function isBlocked(
  key: string,
  states: ReadonlyMap<string, ObjectReadiness>,
  byKey: ReadonlyMap<string, KubernetesObject>,
): boolean {
  const object = byKey.get(key);
  const state = states.get(key)?.state;
  if (object === undefined || state === "stalled" || (state !== undefined && isAtRest(state))) return true;
  return (
    state === "waiting" &&
    dependenciesOf(object, byKey).some((dependency) => isBlocked(dependency, states, byKey))
  );
}

/** Whether nobody waits for an object in this state. */
export const isSettled = (state: ObjectReadiness["state"]): boolean => state === "ready" || isAtRest(state);

const isAtRest = (state: ObjectReadiness["state"]): boolean => state === "suspended" || state === "archived";

export interface Verdict {
  /** `ready`: all of it. `stuck`: nothing more will happen by itself, and not all is Ready. */
  state: "ready" | "stuck" | "progressing";
  objects: ObjectReadiness[];
}

/**
 * What a set of objects amounts to.
 * @param objects Connections, Sources, Projects, Environments, Previews
 */
export function judge(objects: readonly KubernetesObject[]): Verdict {
  const all = objects.map(readinessOf);
  if (all.every(({ state }) => isSettled(state))) return { state: "ready", objects: all };
  const byKey = new Map(objects.map((object) => [keyOf(object), object] as const));
  const states = new Map(
    objects.map((object, index) => [keyOf(object), all[index] ?? readinessOf(object)] as const),
  );
  const stuck = all.every(({ state }, index) => {
    const object = objects[index];
    return isSettled(state) || (object !== undefined && isBlocked(keyOf(object), states, byKey));
  });
  return { state: stuck ? "stuck" : "progressing", objects: all };
}
