/** The embedded store accepts and refuses what a real kube-apiserver with our CRDs does, with the same causes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { kinds } from "../../crds/index.ts";
import { ApiError, type KubernetesObject } from "../../controller/store/resource-client.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { corpus } from "./corpus.ts";
import { createTestClock, createTestRandom } from "./test-inputs.ts";
import { normalError } from "./transcript.ts";

describe.each(kinds.map((kind) => [kind.kind, kind] as const))("%s", (_, kind) => {
  const file = join(import.meta.dirname, `../fixtures/kube-apiserver/corpus/${kind.singular}.json`);
  const recorded = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const objects = [...corpus(kind)];

  test("the corpus is worth its name, and every object was put to the server", () => {
    expect(objects.length).toBeGreaterThanOrEqual(50);
    expect(objects.map(({ title }) => title).toSorted(), "run record-corpus.ts again").toEqual(
      Object.keys(recorded).toSorted(),
    );
    const accepted = Object.values(recorded).filter((answer) => answer === "accepted").length;
    expect(accepted).toBeGreaterThan(10);
    expect(objects.length - accepted).toBeGreaterThan(10);
  });

  test("same answer for every object", async () => {
    const definition = kindType(kind);
    const store = await openEmbeddedStore({
      path: ":memory:",
      clock: createTestClock(),
      random: createTestRandom(),
      types: [...builtinTypes, definition],
    });
    const answers: Record<string, unknown> = {};
    for (const { title, object } of objects) {
      const submitted = structuredClone(object) as unknown as KubernetesObject;
      submitted.metadata.namespace = "default";
      try {
        await store.create(definition.type, submitted, { dryRun: true });
        answers[title] = "accepted";
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const { code, causes, message } = normalError(error);
        answers[title] = causes === undefined ? `${code} ${message ?? ""}` : causes;
      }
    }
    expect(answers).toEqual(recorded);
    await store.close();
  });
});
