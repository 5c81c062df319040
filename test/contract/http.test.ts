/** The HTTP API answers word by word what a real kube-apiserver answered (recorded by record.ts). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createApiServer } from "../../controller/apiserver/api-server.ts";
import { builtinTypes, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { ask } from "./record.ts";
import { createTestClock, createTestRandom } from "./test-inputs.ts";
import type { KubeApi } from "./kube-api.ts";
import type { Answer } from "./transcript.ts";
import { decodingSteps } from "./decoding-steps.ts";
import { steps } from "./transcript-steps.ts";
import { widgetDefinition } from "./widget.ts";

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/kube-apiserver/store-transcript.json"), "utf8"),
) as Record<string, Answer>;

describe("the HTTP API answers as kube-apiserver does", async () => {
  const clock = createTestClock();
  const random = createTestRandom();
  const store = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: [...builtinTypes, widgetDefinition],
  });
  const app = createApiServer({
    store,
    clock,
    random,
    tokens: [{ token: "t", username: "tester", groups: [] }],
  });
  const api: KubeApi = async (method, path, body, contentType = "application/json") => {
    const response = await app.request(`https://127.0.0.1${path}`, {
      method,
      headers: { authorization: "Bearer t", "content-type": contentType },
      ...(body === undefined ? {} : { body }),
    });
    const warning = response.headers.get("warning");
    return {
      code: response.status,
      body: (await response.json()) as Record<string, unknown>,
      warnings: warning === null ? [] : [warning],
    };
  };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "transcript" } };
  await api("POST", "/api/v1/namespaces", JSON.stringify(namespace));
  const versions = new Map<string, number>();
  for (const step of [...decodingSteps, ...steps]) {
    test(step.title, async () => {
      expect(await ask(api, step, versions)).toEqual(recorded[step.title]);
    });
  }
});
