import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { generate } from "./generate.ts";
import { crdOf, kinds, schemaOf } from "./index.ts";
import type { StructuralSchema } from "./schema/structural.ts";

/** Every field of a schema by path, the root's metadata left out. */
function* fields(schema: StructuralSchema, path: string): Generator<[string, StructuralSchema]> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const at = path === "" ? name : `${path}.${name}`;
    if (at === "metadata") continue;
    yield [at, child];
    yield* fields(child, at);
  }
  if (schema.items !== undefined) yield* fields(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) yield* fields(schema.additionalProperties, `${path}{}`);
}

/** Every schema, of items and values too. */
function* schemas(schema: StructuralSchema, path: string): Generator<[string, StructuralSchema]> {
  yield [path, schema];
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    yield* schemas(child, `${path}.${name}`);
  if (schema.items !== undefined) yield* schemas(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) yield* schemas(schema.additionalProperties, `${path}{}`);
}

test("the committed CustomResourceDefinitions are up to date", () => {
  expect(generate({ directory: import.meta.dirname, write: false })).toEqual([]);
});

test("--check names what is out of date and writes nothing", () => {
  const elsewhere = join(import.meta.dirname, "no-such-folder");
  expect(generate({ directory: elsewhere, write: false })).toHaveLength(kinds.length);
});

describe.each(kinds.map((kind) => [kind.kind, kind] as const))("%s", (_, kind) => {
  test("every field has a description that is a sentence", () => {
    const bad = [...fields(schemaOf(kind), "")].filter(
      ([, field]) => !/^\S.{5,}[.)/a-z0-9]$/s.test(field.description ?? ""),
    );
    expect(bad.map(([path]) => path)).toEqual([]);
  });

  test("every default fits its own schema's type", () => {
    for (const [path, schema] of schemas(schemaOf(kind), "")) {
      if (schema.default === undefined) continue;
      const type = Array.isArray(schema.default) ? "array" : typeof schema.default;
      expect([path, type === "number" ? (schema.type === "integer" ? "integer" : "number") : type]).toEqual([
        path,
        schema.type,
      ]);
    }
  });

  test("the keys of every list-map are required fields of its items", () => {
    for (const [path, schema] of schemas(schemaOf(kind), "")) {
      for (const key of schema["x-kubernetes-list-map-keys"] ?? []) {
        expect([path, schema.items?.required ?? []]).toEqual([path, expect.arrayContaining([key])]);
      }
    }
  });

  test("columns point at fields that exist", () => {
    const known = new Set([...fields(schemaOf(kind), "")].map(([path]) => path));
    for (const { jsonPath } of kind.columns) {
      const path = jsonPath.slice(1).replaceAll(/\[\?[^\]]*\]/g, "[]");
      expect(path.startsWith("metadata.") || known.has(path), jsonPath).toBe(true);
    }
  });

  test("spec is required, status has a default that no controller would write", () => {
    const schema = schemaOf(kind);
    expect(schema.required).toEqual(["spec"]);
    expect(schema.properties?.["status"]?.default).toEqual({ observedGeneration: -1 });
    expect(crdOf(kind).spec.versions[0]?.subresources).toEqual({ status: {} });
  });

  test("every rule stands in the schema at its path", () => {
    const inSchema = [...schemas(schemaOf(kind), "")].flatMap(
      ([, schema]) => schema["x-kubernetes-validations"] ?? [],
    );
    expect(inSchema.map((rule) => rule.rule).toSorted()).toEqual(
      kind.rules.map((rule) => rule.cel).toSorted(),
    );
  });
});
