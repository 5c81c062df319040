/** The HTTP API negotiates, checks options and refuses in the words of a real kube-apiserver (recorded by record-http.ts). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createApiServer } from "../../controller/apiserver/api-server.ts";
import { builtinTypes, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { askHttp, type HttpAnswer } from "./http-answer.ts";
import { HTTP_NAMESPACE, httpSteps } from "./http-steps.ts";
import { createTestClock, createTestRandom } from "./test-inputs.ts";
import { widgetDefinition } from "./widget.ts";

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/kube-apiserver/http-answers.json"), "utf8"),
) as Record<string, HttpAnswer>;

/** Where kube-apiserver keeps the cause to itself, ours says it. */
const OWN_WORDS = new Map<string, RegExp>([
  [
    "JSON patch whose test fails",
    /^the server rejected our request due to an error in our request: testing path \/spec\/name failed$/,
  ],
]);

describe("the HTTP API answers requests as kube-apiserver does", async () => {
  const clock = createTestClock();
  const random = createTestRandom();
  const store = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: [...builtinTypes, widgetDefinition],
  });
  const namespaces = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
  await store.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: HTTP_NAMESPACE } });
  const app = createApiServer({
    store,
    clock,
    random,
    tokens: [{ token: "t", username: "asker", groups: [] }],
  });
  const fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
    Promise.resolve(app.request(input instanceof URL ? input.href : input, init));
  for (const step of httpSteps) {
    test(step.title, async () => {
      const answer = await askHttp(fetch, "https://127.0.0.1", step);
      const expected = recorded[step.title];
      const own = OWN_WORDS.get(step.title);
      if (own === undefined) expect(answer).toEqual(expected);
      else {
        expect({ code: answer.code, type: answer.type }).toEqual({
          code: expected?.code,
          type: expected?.type,
        });
        expect((answer.body as { message: string }).message).toMatch(own);
      }
    });
  }
});
