/** Objects of every kind, valid and invalid, made from its schema: for asking whether two validators agree. */
import type { KindDefinition } from "../../crds/kind.ts";
import { schemaOf } from "../../crds/index.ts";
import type { StructuralSchema } from "../../crds/schema/structural.ts";
import { changed, mutations, places, removed } from "./corpus-changes.ts";
import { sampleText } from "./sample-text.ts";
import { createTestRandom } from "./test-inputs.ts";

export interface CorpusObject {
  /** What was done to a valid object. */
  title: string;
  object: Record<string, unknown>;
}

/** Fields that exclude another one by a rule: left out of the object that otherwise sets everything. */
const EXCLUDED: Readonly<Record<string, readonly string[]>> = {
  Source: ["directory"],
  Environment: [
    "deploy.revision",
    "github.branchPolicies.patterns",
    "github.reviewers.0.team",
    "secrets.0.from.secretRef",
    "cloudflare.workers.0.bindings.0.r2",
    "cloudflare.workers.0.bindings.0.worker",
    "cloudflare.workers.0.vars.0.valueFrom",
  ],
};

/** A value that fits a schema. `full` sets every field, otherwise only required ones. */
function sample(schema: StructuralSchema, full: boolean, name = ""): unknown {
  if (schema.enum !== undefined) return schema.enum[0];
  switch (schema.type) {
    case "object": {
      const result: Record<string, unknown> = {};
      for (const [key, child] of Object.entries(schema.properties ?? {})) {
        if (full || schema.required?.includes(key) === true) result[key] = sample(child, full, key);
      }
      if (schema.additionalProperties !== undefined && full)
        result["key"] = sample(schema.additionalProperties, full);
      return result;
    }
    case "array": {
      const least = Math.max(schema.minItems ?? 0, full ? 1 : 0);
      return Array.from({ length: Math.min(least, 1) }, () => sample(schema.items ?? {}, full));
    }
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return true;
    default:
      return sampleText(schema, name);
  }
}

/** How many objects have several changes at once. */
const MIXED = 120;

interface PlacedChange {
  title: string;
  apply: (root: unknown) => unknown;
}

/** Several changes at once, the same ones every time: how refusals add up is as much of an answer as each of them. */
function* mixed(changes: readonly PlacedChange[], full: unknown): Generator<[title: string, spec: unknown]> {
  const random = createTestRandom(20);
  const pick = (count: number): number => Math.floor(random.next() * count);
  for (let index = 0; index < MIXED; index += 1) {
    const chosen = Array.from({ length: 2 + pick(3) }, () => changes[pick(changes.length)]);
    const title = chosen.map((change) => change?.title ?? "").join(" + ");
    yield [`${index} ${title}`, chosen.reduce((spec, change) => change?.apply(spec), full)];
  }
}

/** Every object of a kind's corpus, from an object that uses every field and one that uses as few as it can. */
export function* corpus(kind: KindDefinition): Generator<CorpusObject> {
  const schema = schemaOf(kind).properties?.["spec"] ?? {};
  const object = (spec: unknown): Record<string, unknown> => ({
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: kind.kind,
    metadata: { name: "corpus" },
    spec,
  });
  const excluded = EXCLUDED[kind.kind] ?? [];
  const full = excluded.reduce((value, path) => removed(value, path.split(".")), sample(schema, true));
  const least = kind.kind === "Source" ? full : sample(schema, false);
  yield { title: "least", object: object(least) };
  yield { title: "full", object: object(full) };
  const changes: PlacedChange[] = [];
  for (const [path, place] of places(schema, [])) {
    const at = path.join(".") || "spec";
    if (path.length > 0 && path.at(-1) !== "0")
      changes.push({ title: `${at}: absent`, apply: (root) => removed(root, path) });
    for (const [title, change] of mutations(place)) {
      const apply = (root: unknown): unknown =>
        changed(root, path, (value) => change(value ?? sample(place, true)));
      changes.push({ title: `${at}: ${title}`, apply });
    }
    if (path.length === 1)
      yield {
        title: `${at}: alone`,
        object: object({ ...(least as object), [at]: sample(place, true, at) }),
      };
  }
  for (const { title, apply } of changes) yield { title, object: object(apply(full)) };
  for (const [title, spec] of mixed(changes, full)) yield { title, object: object(spec) };
}
