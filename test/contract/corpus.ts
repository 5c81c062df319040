/** Objects of every kind, valid and invalid, made from its schema: for asking whether two validators agree. */
import type { KindDefinition } from "../../crds/kind.ts";
import { schemaOf } from "../../crds/index.ts";
import type { StructuralSchema } from "../../crds/schema/structural.ts";
import { sampleText } from "./sample-text.ts";

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

type Change = (value: unknown) => unknown;

/** Values that are wrong, or just right, for a schema. */
function* mutations(schema: StructuralSchema): Generator<[string, Change]> {
  const wrong: Record<string, unknown> = {
    object: "text",
    array: "text",
    string: 5,
    integer: "5",
    number: "5",
    boolean: "true",
  };
  yield ["wrong type", () => wrong[schema.type ?? "object"]];
  yield ["null", () => null];
  if (schema.enum !== undefined) {
    yield ["not in the enumeration", () => "Nonsense"];
    for (const one of schema.enum) yield [`= ${String(one)}`, () => one];
  }
  if (schema.type === "integer") yield ["a fraction", () => 1.5];
  if (schema.minimum !== undefined) {
    const { minimum } = schema;
    yield ["below the minimum", () => minimum - 1];
    yield ["the minimum", () => minimum];
  }
  if (schema.maximum !== undefined) {
    const { maximum } = schema;
    yield ["above the maximum", () => maximum + 1];
    yield ["the maximum", () => maximum];
  }
  if (schema.type === "string" && schema.enum === undefined) {
    yield ["empty", () => ""];
    yield ["odd characters", () => "ä b\n/%"];
    if (schema.maxLength !== undefined && schema.maxLength < 10_000) {
      const { maxLength } = schema;
      yield ["too long", () => "a".repeat(maxLength + 1)];
      yield ["the longest", () => "a".repeat(maxLength)];
    }
    if (schema.pattern !== undefined)
      for (const text of ["-a", "A", "1h", "1h30m", "5", "a.b", "a/b", "_x"]) yield [`= ${text}`, () => text];
  }
  if (schema.type === "array") {
    yield ["no items", () => []];
    if (schema.maxItems !== undefined && schema.maxItems <= 64) {
      const { maxItems } = schema;
      yield [
        "too many items",
        (value) => Array.from({ length: maxItems + 1 }, () => (value as unknown[])[0]),
      ];
    }
    yield ["an item twice", (value) => [...(value as unknown[]), ...(value as unknown[])]];
  }
  if (schema.type === "object" && schema.properties !== undefined) {
    yield ["empty object", () => ({})];
    yield ["an unknown field", (value) => ({ ...(value as object), nonsense: 1 })];
  }
}

function* places(schema: StructuralSchema, path: string[]): Generator<[string[], StructuralSchema]> {
  yield [path, schema];
  for (const [key, child] of Object.entries(schema.properties ?? {})) yield* places(child, [...path, key]);
  if (schema.items !== undefined) yield* places(schema.items, [...path, "0"]);
  if (schema.additionalProperties !== undefined) yield* places(schema.additionalProperties, [...path, "key"]);
}

function changed(root: unknown, path: readonly string[], change: Change): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(root);
  if (Array.isArray(root))
    return root.map((item: unknown, index) => (String(index) === key ? changed(item, rest, change) : item));
  const fields = (root ?? {}) as Record<string, unknown>;
  return { ...fields, [key]: changed(fields[key], rest, change) };
}

function removed(root: unknown, path: readonly string[]): unknown {
  const parent = path.slice(0, -1);
  const key = path.at(-1) ?? "";
  return changed(root, parent, (value) => {
    const { [key]: _, ...rest } = (value ?? {}) as Record<string, unknown>;
    return rest;
  });
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
  for (const [path, place] of places(schema, [])) {
    const at = path.join(".") || "spec";
    if (path.length > 0 && path.at(-1) !== "0")
      yield { title: `${at}: absent`, object: object(removed(full, path)) };
    for (const [title, change] of mutations(place))
      yield {
        title: `${at}: ${title}`,
        object: object(changed(full, path, (value) => change(value ?? sample(place, true)))),
      };
    if (path.length === 1)
      yield {
        title: `${at}: alone`,
        object: object({ ...(least as object), [at]: sample(place, true, at) }),
      };
  }
}
