/** What can be done to an object that fits a schema, place by place. */
import type { StructuralSchema } from "../../crds/schema/structural.ts";

export type Change = (value: unknown) => unknown;

/** Put wherever a pattern stands. */
const TEXTS = ["-a", "A", "1h", "1h30m", "0s", "99999999999999999h", "5", "a.b", "a/b", "_x", "*"];

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** Values that are wrong, or just right, for a schema. */
export function* mutations(schema: StructuralSchema): Generator<[string, Change]> {
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
    if (schema.pattern !== undefined) for (const text of TEXTS) yield [`= ${text}`, () => text];
  }
  if (schema.type === "array") {
    yield ["no items", () => []];
    if (schema.maxItems !== undefined && schema.maxItems <= 64) {
      const { maxItems } = schema;
      yield ["too many items", (value) => Array.from({ length: maxItems + 1 }, () => list(value)[0])];
    }
    yield ["an item twice", (value) => [...list(value), ...list(value)]];
  }
  if (schema.type === "object" && schema.properties !== undefined) {
    yield ["empty object", () => ({})];
    yield ["an unknown field", (value) => ({ ...(value as object), nonsense: 1 })];
  }
}

/** Every place of a schema, with its path. */
export function* places(schema: StructuralSchema, path: string[]): Generator<[string[], StructuralSchema]> {
  yield [path, schema];
  for (const [key, child] of Object.entries(schema.properties ?? {})) yield* places(child, [...path, key]);
  if (schema.items !== undefined) yield* places(schema.items, [...path, "0"]);
  if (schema.additionalProperties !== undefined) yield* places(schema.additionalProperties, [...path, "key"]);
}

/** A copy in which the value at a path is another one. */
export function changed(root: unknown, path: readonly string[], change: Change): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(root);
  if (Array.isArray(root))
    return root.map((item: unknown, index) => (String(index) === key ? changed(item, rest, change) : item));
  const fields = (root ?? {}) as Record<string, unknown>;
  return { ...fields, [key]: changed(fields[key], rest, change) };
}

/** A copy without the value at a path. */
export function removed(root: unknown, path: readonly string[]): unknown {
  const parent = path.slice(0, -1);
  const key = path.at(-1) ?? "";
  return changed(root, parent, (value) => {
    const { [key]: _, ...rest } = (value ?? {}) as Record<string, unknown>;
    return rest;
  });
}
