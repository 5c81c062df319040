/** The HTTP API answers word by word what a real kube-apiserver answered. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { askTranscript } from "./ask-transcript.ts";
import { IN_PROCESS_SERVER, inProcessApi } from "./in-process-api.ts";
import { kubeApi } from "./kube-api.ts";
import type { Answer } from "./transcript.ts";

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/kube-apiserver/store-transcript.json"), "utf8"),
) as Record<string, Answer>;

describe("the HTTP API answers as kube-apiserver does", async () => {
  const answers = await askTranscript(kubeApi(await inProcessApi(), IN_PROCESS_SERVER));
  for (const [title, answer] of Object.entries(answers))
    test(title, () => expect(answer).toEqual(recorded[title]));
});
