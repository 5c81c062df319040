/** The HTTP API negotiates, checks options and refuses in the words of a real kube-apiserver. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { askHttpSteps, type HttpAnswer } from "./http-answer.ts";
import { IN_PROCESS_SERVER, inProcessApi } from "./in-process-api.ts";

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "../fixtures/kube-apiserver/http-answers.json"), "utf8"),
) as Record<string, HttpAnswer>;

/** Where kube-apiserver keeps the cause to itself, ours says it; where it names its own inner types, ours names the kind. */
const OWN_WORDS = new Map<string, RegExp>([
  [
    "JSON patch whose test fails",
    /^the server rejected our request due to an error in our request: testing path \/spec\/name failed$/,
  ],
  [
    "list asked for as metadata of one",
    /^you requested PartialObjectMetadata, but the requested object is a list \(WidgetList\)$/,
  ],
]);

describe("the HTTP API answers requests as kube-apiserver does", async () => {
  const answers = await askHttpSteps(await inProcessApi(), IN_PROCESS_SERVER);
  for (const [title, answer] of Object.entries(answers)) {
    test(title, () => {
      const expected = recorded[title];
      const own = OWN_WORDS.get(title);
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
