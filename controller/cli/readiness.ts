/** Whether objects are where they should be, as kstatus reads them. Pure. */
import type { Condition } from "../runtime/conditions.ts";
import type { KubernetesObject } from "../store/resource-client.ts";

export interface ObjectReadiness {
  kind: string;
  namespace: string;
  name: string;
  /** `suspended` objects are left alone on purpose and keep nobody waiting. */
  state: "ready" | "progressing" | "waiting" | "stalled" | "deleting" | "suspended";
  reason: string;
  message: string;
}

interface Status {
  observedGeneration?: number;
  conditions?: readonly Condition[];
  lastHandledReconcileAt?: string;
}

const REQUEST_ANNOTATION = "flaresmith.dev/reconcile-requested-at";

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
  if (stalled?.status === "True") {
    return { ...place, state: "stalled", reason: stalled.reason, message: stalled.message };
  }
  const others = conditions.filter(({ status: is, type }) => is === "False" && type !== "Ready");
  const waits = ["DependencyNotReady", "ReferenceNotFound"];
  const waiting =
    waits.includes(ready.reason) ||
    (others.length > 0 && others.every(({ reason }) => waits.includes(reason)));
  return { ...place, ...said, state: waiting ? "waiting" : "progressing" };
}

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
  if (all.every(({ state }) => state === "ready" || state === "suspended"))
    return { state: "ready", objects: all };
  const moving = all.some(({ state }) => state === "progressing" || state === "deleting");
  const stalled = all.some(({ state }) => state === "stalled");
  return { state: stalled && !moving ? "stuck" : "progressing", objects: all };
}
