/** The embedded store accepts and refuses what a real kube-apiserver with our CRDs does, with the same causes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { kinds, schemaOf } from "../../crds/index.ts";
import { applyDefaults, pruneUnknownFields } from "../../crds/schema/prepare.ts";
import { validateStructure } from "../../crds/schema/validate.ts";
import { ApiError, type KubernetesObject } from "../../controller/store/resource-client.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../controller/store/embedded/index.ts";
import { corpusRefusal } from "./ask-corpus.ts";
import { corpus } from "./corpus.ts";
import { createTestClock, createTestRandom } from "./test-inputs.ts";

describe.each(kinds.map((kind) => [kind.kind, kind] as const))("%s", (_, kind) => {
  const file = join(import.meta.dirname, `../fixtures/kube-apiserver/corpus/${kind.singular}.json`);
  const recorded = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const objects = [...corpus(kind)];

  test("the corpus is worth its name, and every object was put to the server", () => {
    expect(objects.length).toBeGreaterThanOrEqual(200);
    expect(objects.map(({ title }) => title).toSorted(), "npm run test:kubernetes -- -u records it").toEqual(
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
        await store.write(definition.type, { verb: "create", object: submitted }, { dryRun: true });
        answers[title] = "accepted";
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        answers[title] = corpusRefusal(error);
      }
    }
    expect(answers).toEqual(recorded);
    await store.close();
  });

  test("the zod schema and the structural schema made from it agree", () => {
    const schema = schemaOf(kind);
    const disagreed = objects.filter(({ object }) => {
      const submitted = structuredClone(object) as unknown as KubernetesObject;
      submitted.metadata.namespace = "default";
      // As the API server keeps it: without unknown fields, without a null where none is allowed.
      pruneUnknownFields(submitted, schema);
      applyDefaults(submitted, schema);
      const causes = validateStructure(submitted, schema)
        // What zod cannot say: two items of a list with one key.
        .filter(({ reason }) => reason !== "FieldValueDuplicate");
      return kind.spec.safeParse(submitted["spec"]).success !== (causes.length === 0);
    });
    expect(disagreed.map(({ title }) => title)).toEqual([]);
  });
});
