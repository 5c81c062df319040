/** The embedded store answers word by word what a real kube-apiserver answered. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  ApiError,
  type KubernetesObject,
  type ResourceType,
} from "../../controller/store/resource-client.ts";
import {
  builtinTypes,
  openEmbeddedStore,
  type EmbeddedStore,
  type StoreWrite,
} from "../../controller/store/embedded/index.ts";
import { fieldValidation } from "../../controller/store/embedded/field-validation.ts";
import { createTestClock, createTestRandom } from "./test-inputs.ts";
import { normalError, normalObject, type Answer } from "./transcript.ts";
import { decodingSteps } from "./decoding-steps.ts";
import { foundSteps } from "./found-steps.ts";
import { steps, type Step } from "./transcript-steps.ts";
import { widgetDefinition, widgetType } from "./widget.ts";

const NAMESPACE = "transcript";
const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/kube-apiserver/store-transcript.json"), "utf8"),
) as Record<string, Answer>;

const core = (kind: string, plural: string): ResourceType => ({
  group: "",
  version: "v1",
  kind,
  plural,
  namespaced: true,
});
const types = {
  widgets: widgetType,
  secrets: core("Secret", "secrets"),
  configmaps: core("ConfigMap", "configmaps"),
  events: core("Event", "events"),
  leases: { ...core("Lease", "leases"), group: "coordination.k8s.io" },
};

async function ask(store: EmbeddedStore, step: Step, versions: Map<string, number>): Promise<Answer> {
  const type = types[step.resource ?? "widgets"];
  const key = { namespace: NAMESPACE, name: step.name };
  let text = JSON.stringify(step.body ?? null);
  if (text.includes("$")) {
    const stored = await store.get(type, key);
    text = text
      .replaceAll("$rv", stored.metadata.resourceVersion ?? "")
      .replaceAll("$uid", stored.metadata.uid ?? "");
  }
  const body = JSON.parse(text) as unknown;
  try {
    if (step.verb === "get") return { code: 200, object: normalObject(await store.get(type, key), versions) };
    if (step.verb === "delete") {
      const deleted = await store.remove(type, key, body ?? {});
      return deleted.removed ? { code: 200 } : { code: 200, object: normalObject(deleted.object, versions) };
    }
    const written = await store.write(type, toWrite(step, body), {
      ...(step.manager === undefined ? {} : { fieldManager: step.manager }),
      status: step.status ?? false,
      force: step.force ?? false,
      dryRun: step.dryRun ?? false,
      onDecoded: fieldValidation({
        type,
        mode: step.strict === true ? "Strict" : "Ignore",
      }),
    });
    return { code: written.created ? 201 : 200, object: normalObject(written.object, versions) };
  } catch (error) {
    if (error instanceof ApiError) return normalError(error);
    throw error;
  }
}

function toWrite(step: Step, body: unknown): StoreWrite {
  const key = { namespace: NAMESPACE, name: step.name };
  if (step.verb === "merge")
    return { verb: "patch", key, patch: { type: "merge", body: body as Record<string, unknown> } };
  if (step.verb === "json")
    return { verb: "patch", key, patch: { type: "json", body: body as Record<string, unknown>[] } };
  const object = body as KubernetesObject;
  // Over HTTP the namespace stands in the URL.
  object.metadata.namespace ??= NAMESPACE;
  return { verb: step.verb === "create" ? "create" : step.verb === "update" ? "update" : "apply", object };
}

describe("the embedded store answers as kube-apiserver does", async () => {
  const store = await openEmbeddedStore({
    path: ":memory:",
    clock: createTestClock(),
    random: createTestRandom(),
    types: [...builtinTypes, widgetDefinition],
  });
  await store.create(
    { ...core("Namespace", "namespaces"), namespaced: false },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
  );
  const versions = new Map<string, number>();
  for (const step of [...decodingSteps, ...steps, ...foundSteps]) {
    test(step.title, async () => {
      expect(recorded, "npm run test:kubernetes -- -u records it").toHaveProperty([step.title]);
      expect(await ask(store, step, versions)).toEqual(recorded[step.title]);
    });
  }
});
