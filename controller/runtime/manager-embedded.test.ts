import { expect, it } from "vitest";
import { kinds, resourceType } from "../../crds/index.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../store/embedded/index.ts";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import { checkConditionInvariants } from "./condition-invariants.ts";
import type { Conditioned } from "./condition-invariants.ts";
import { summarize } from "./conditions.ts";
import type { Condition } from "./conditions.ts";
import { timestamp } from "./clock.ts";
import { createManager, done } from "./manager.ts";
import type { ReconcileContext, ReconcileResult } from "./manager.ts";
import { createTracker } from "./tracker.ts";

const sources = (() => {
  const kind = kinds.find((candidate) => candidate.kind === "Source");
  if (kind === undefined) throw new Error("there is no kind Source");
  return resourceType(kind);
})();
const key = { namespace: "team", name: "platform" };
const source: KubernetesObject = {
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Source",
  metadata: key,
  spec: { directory: "/platform" },
};

/** The smallest controller: writes a status when it changed, one event when it did. */
async function reconcile(_key: unknown, context: ReconcileContext): Promise<ReconcileResult> {
  const { object, client, clock, tracker, signal } = context;
  const status = (object["status"] ?? {}) as { conditions?: Condition[]; observedGeneration?: number };
  const generation = object.metadata.generation ?? 0;
  const conditions = summarize({
    previous: status.conditions ?? [],
    generation,
    now: timestamp(clock),
    parts: [{ type: "Applied", status: "True", reason: "Succeeded", message: "Applied." }],
  });
  const next = { observedGeneration: generation, conditions };
  if (
    JSON.stringify(next) ===
    JSON.stringify({ observedGeneration: status.observedGeneration, conditions: status.conditions })
  ) {
    return done;
  }
  await client.updateStatus(sources, { ...object, status: next }, { fieldManager: "flaresmith" }, signal);
  tracker.event(object, { type: "Normal", reason: "Applied", message: `Applied generation ${generation}.` });
  return done;
}

it("converges against the real store, then is quiet, and takes up an edit and the rest after a restart", async () => {
  const clock = virtualClock();
  const random = seededRandom();
  const types = [...builtinTypes, ...kinds.map((kind) => kindType(kind))];
  const store = await openEmbeddedStore({ path: ":memory:", clock, random, types });
  const runs: number[] = [];
  const run = () => {
    const manager = createManager({
      client: store,
      clock,
      random,
      tracker: createTracker({ clock }),
      controllers: [
        {
          type: sources,
          name: "source",
          reconcile: async (name, context) => {
            runs.push(context.priority);
            return reconcile(name, context);
          },
          resyncInterval: () => 60_000,
        },
      ],
    });
    const stop = new AbortController();
    const ended = manager.start(stop.signal);
    return { stop: () => stop.abort(), ended };
  };
  const read = async () => store.get<KubernetesObject>(sources, key);
  const events = async () =>
    (await store.list({ group: "", version: "v1", kind: "Event", plural: "events", namespaced: true })).items;

  await store.create(
    { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false },
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "team" },
    },
  );
  await store.create(sources, source);
  const first = run();
  await clock.advance(1000);
  const ready = await read();
  expect(ready["status"]).toMatchObject({
    observedGeneration: 1,
    conditions: [{ type: "Ready", status: "True" }, { type: "Applied" }],
  });
  expect(checkConditionInvariants(ready as unknown as Conditioned)).toEqual([]);
  expect(await events()).toMatchObject([{ reason: "Applied", count: 1 }]);

  const passes = runs.length;
  await clock.advance(300_000);
  expect(runs.length).toBeGreaterThan(passes + 3);
  expect((await read()).metadata.resourceVersion).toBe(ready.metadata.resourceVersion);
  expect(await events()).toMatchObject([{ count: 1 }]);

  await store.patch(
    sources,
    key,
    { type: "merge", body: { spec: { directory: "/other" } } },
    { fieldManager: "kubectl" },
  );
  await clock.advance(1000);
  expect((await read())["status"]).toMatchObject({ observedGeneration: 2 });

  first.stop();
  await clock.settle();
  await first.ended;
  await store.patch(
    sources,
    key,
    { type: "merge", body: { spec: { directory: "/third" } } },
    { fieldManager: "kubectl" },
  );
  const second = run();
  await clock.advance(1000);
  expect((await read())["status"]).toMatchObject({ observedGeneration: 3 });
  second.stop();
  await clock.settle();
  await second.ended;
});
