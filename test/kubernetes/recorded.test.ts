/**
 * What `npm test` holds the embedded API to is what this server answers. `npm run test:kubernetes -- -u` records it anew.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Fetch } from "../../controller/runtime/clock.ts";
import { readKubeconfig } from "../../controller/store/cluster/kubeconfig.ts";
import { clusterFetch } from "../support/cluster.ts";
import { kinds } from "../../crds/index.ts";
import { askCorpus } from "../contract/ask-corpus.ts";
import { askTranscript, TRANSCRIPT_NAMESPACE } from "../contract/ask-transcript.ts";
import { askHttpSteps } from "../contract/http-answer.ts";
import { HTTP_NAMESPACE } from "../contract/http-steps.ts";
import { kubeApi, type KubeApi } from "../contract/kube-api.ts";

const fixture = (name: string): string => join(import.meta.dirname, "../fixtures/kube-apiserver", name);
const text = (answers: unknown): string => `${JSON.stringify(answers, null, 1)}\n`;

describe("the recorded answers are those of this kube-apiserver", () => {
  let server = "";
  let fetch: Fetch;
  let close: () => Promise<void>;
  let api: KubeApi;

  beforeAll(async () => {
    const access = await readKubeconfig(inject("kubeconfig"));
    ({ server } = access);
    ({ fetch, close } = clusterFetch(access));
    api = kubeApi(fetch, server);
  });
  afterAll(async () => {
    for (const name of [TRANSCRIPT_NAMESPACE, HTTP_NAMESPACE])
      await api("DELETE", `/api/v1/namespaces/${name}`);
    await close();
  });

  test("writes, apply and validation, step by step", async () => {
    await expect(text(await askTranscript(api))).toMatchFileSnapshot(fixture("store-transcript.json"));
  });

  test("negotiation, options and refusals over HTTP", async () => {
    await expect(text(await askHttpSteps(fetch, server))).toMatchFileSnapshot(fixture("http-answers.json"));
  });

  test.each(kinds.map((kind) => [kind.kind, kind] as const))(
    "every object of the corpus of %s",
    async (_, kind) => {
      await expect(text(await askCorpus(api, kind))).toMatchFileSnapshot(
        fixture(`corpus/${kind.singular}.json`),
      );
    },
  );
});
