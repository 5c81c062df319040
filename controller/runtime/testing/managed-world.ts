/** The world of the manager's tests. */
import type { KubernetesObject, ObjectKey, ResourceType } from "../../store/resource-client.ts";
import { seededRandom, virtualClock } from "../adapters/virtual.ts";
import { createManager, done } from "../manager.ts";
import type { ControllerDefinition, ManagerOptions, ReconcileContext, ReconcileResult } from "../manager.ts";
import { createTracker } from "../tracker.ts";
import { memoryResourceClient } from "./memory-resource-client.ts";

const type = (kind: string): ResourceType => ({
  group: "flaresmith.dev",
  version: "v1alpha1",
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: true,
});
export const projects = type("Project");
export const connections = type("Connection");
export const object = (kind: string, name: string, spec: Record<string, unknown> = {}): KubernetesObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind,
  metadata: { name, namespace: "team" },
  spec,
});
export const shop: ObjectKey = { namespace: "team", name: "shop" };

/** A manager of Projects in virtual time over a store in memory; what it reconciles is the test's. */
export const managedWorld = (
  reconcile: (context: ReconcileContext, run: number) => Promise<ReconcileResult> | ReconcileResult = () =>
    done,
  more: Partial<ControllerDefinition> = {},
  options: Partial<ManagerOptions> = {},
) => {
  const clock = virtualClock();
  const client = memoryResourceClient();
  const lines: string[] = [];
  const tracker = createTracker({ clock, destination: { write: (line) => void lines.push(line) } });
  const runs: { name: string; at: number; priority: number }[] = [];
  const manager = createManager({
    client,
    clock,
    random: seededRandom(),
    tracker,
    controllers: [
      {
        type: projects,
        name: "project",
        reconcile: async (key, context) => {
          runs.push({ name: key.name, at: clock.monotonic(), priority: context.priority });
          return reconcile(context, runs.length);
        },
        ...more,
      },
    ],
    ...options,
  });
  const stop = new AbortController();
  const start = async (): Promise<void> => {
    void manager.start(stop.signal);
    await clock.settle();
  };
  const patch = async (body: Record<string, unknown>): Promise<void> => {
    await client.patch(projects, shop, { type: "merge", body });
    await clock.settle();
  };
  return { clock, client, tracker, lines, runs, manager, stop, start, patch };
};
