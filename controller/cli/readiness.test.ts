/** When a wait for "everything Ready" ends, and on what. */
import { expect, test } from "vitest";
import type { KubernetesObject } from "../store/resource-client.ts";
import { judge, readinessOf } from "./readiness.ts";

interface Given {
  kind?: string;
  name?: string;
  spec?: Record<string, unknown>;
  generation?: number;
  observed?: number;
  ready?: "True" | "False";
  reason?: string;
  stalled?: boolean;
  requested?: string;
  handled?: string;
  deleting?: boolean;
  archived?: boolean;
}

function object(given: Given): KubernetesObject {
  const {
    generation = 1,
    kind = "Project",
    name = "shop",
    observed = 1,
    ready = "True",
    reason = "Succeeded",
  } = given;
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  return {
    apiVersion: "flaresmith.dev/v1alpha1",
    kind,
    metadata: {
      name,
      namespace: "default",
      generation,
      ...(given.requested === undefined
        ? {}
        : { annotations: { "flaresmith.dev/reconcile-requested-at": given.requested } }),
      ...(given.deleting === true ? { deletionTimestamp: lastTransitionTime } : {}),
    },
    spec: given.spec ?? {},
    status: {
      observedGeneration: observed,
      ...(given.archived === true ? { state: "archived" } : {}),
      ...(given.handled === undefined ? {} : { lastHandledReconcileAt: given.handled }),
      conditions: [
        ...(given.stalled === true
          ? [{ type: "Stalled", status: "True", reason, message: "why", lastTransitionTime }]
          : []),
        { type: "Ready", status: ready, reason, message: "why", lastTransitionTime },
      ],
    },
  };
}

const project = { spec: {} };
const environment: Given = { kind: "Environment", name: "shop-dev", spec: { projectRef: { name: "shop" } } };
const preview: Given = {
  kind: "Preview",
  name: "shop-pr-1",
  spec: { projectRef: { name: "shop" }, environmentRef: { name: "shop-dev" } },
};
const waiting: Given = { ready: "False", reason: "DependencyNotReady" };

test.each<[string, Given, string]>([
  ["is Ready", {}, "ready"],
  ["was changed since it was observed", { generation: 2, observed: 1 }, "progressing"],
  ["was asked for a new look and did not take it yet", { requested: "b", handled: "a" }, "progressing"],
  ["took the look it was asked for", { requested: "b", handled: "b" }, "ready"],
  ["needs a person", { ready: "False", stalled: true }, "stalled"],
  ["is retried", { ready: "False", reason: "ProviderUnavailable" }, "progressing"],
  ["waits for another", waiting, "waiting"],
  ["is being deleted", { deleting: true }, "deleting"],
  ["has expired and is at its end", { ready: "False", stalled: true, archived: true }, "archived"],
  ["has expired and has a new spec", { archived: true, generation: 2, observed: 1 }, "progressing"],
  ["is suspended, whatever else it says", { spec: { suspend: true }, ready: "False" }, "suspended"],
])("an object that %s", (_, given, state) => {
  expect(readinessOf(object(given)).state).toBe(state);
});

test.each<[string, Given[], string]>([
  ["nothing at all", [], "ready"],
  [
    "all Ready, one suspended",
    [project, { name: "other", spec: { suspend: true }, ready: "False" }],
    "ready",
  ],
  ["a preview that expired", [project, environment, { ...preview, ready: "False", archived: true }], "ready"],
  ["one stalled among Ready ones", [project, { ...environment, ready: "False", stalled: true }], "stuck"],
  [
    "one stalled and one still moving",
    [
      { ...project, ready: "False", stalled: true },
      { name: "other", ready: "False", reason: "Progressing" },
    ],
    "progressing",
  ],
  [
    "an environment that waits for a stalled project",
    [
      { ...project, ready: "False", stalled: true },
      { ...environment, ...waiting },
    ],
    "stuck",
  ],
  [
    "a preview that waits for an environment that waits for a stalled project",
    [
      { ...project, ready: "False", stalled: true },
      { ...environment, ...waiting },
      { ...preview, ...waiting },
    ],
    "stuck",
  ],
  [
    "an environment that waits for a project that moves",
    [
      { ...project, ready: "False", reason: "Progressing" },
      { ...environment, ...waiting },
    ],
    "progressing",
  ],
  [
    "an environment that waits for its own database while a Source is stalled",
    [
      { kind: "Source", name: "platform", ready: "False", stalled: true },
      project,
      { ...environment, ...waiting },
    ],
    "progressing",
  ],
  [
    "an environment that waits for a suspended project",
    [
      { ...project, spec: { suspend: true } },
      { ...environment, ...waiting },
    ],
    "stuck",
  ],
])("%s", (_, given, state) => {
  expect(judge(given.map(object)).state).toBe(state);
});
