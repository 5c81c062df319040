/** Operations on values that field ownership is made of: compare, merge, remove, and the set of all fields of a value. */
import { cloneJson, equalJson, isObject, setField } from "../../../runtime/json.ts";
import type { Schema } from "../schema.ts";
import { EMPTY, isEmpty, PathSetBuilder, type PathSet } from "./path-set.ts";
import { fieldSchema, groupsOf, isDeclared, isHollow, itemElement, itemsOf, shapeOf } from "./shape.ts";

export interface Comparison {
  added: PathSet;
  modified: PathSet;
  removed: PathSet;
}

interface Builders {
  added: PathSetBuilder;
  modified: PathSetBuilder;
  removed: PathSetBuilder;
}

/** Which fields differ between two versions of an object. */
export function compare(old: unknown, next: unknown, schema: Schema): Comparison {
  const builders = {
    added: new PathSetBuilder(),
    modified: new PathSetBuilder(),
    removed: new PathSetBuilder(),
  };
  compareAt(old, next, schema, [], builders);
  return {
    added: builders.added.build(),
    modified: builders.modified.build(),
    removed: builders.removed.build(),
  };
}

function compareAt(
  old: unknown,
  next: unknown,
  schema: Schema | undefined,
  path: string[],
  out: Builders,
): void {
  // Most of an object stays as it is, and to see that is cheaper than to take it apart.
  if (equalJson(old, next)) return;
  const shape = shapeOf(next ?? old, schema);
  const sameShape = old === undefined || next === undefined || shapeOf(old, schema) === shape;
  if (shape === "leaf" || !sameShape || (isHollow(old) && isHollow(next))) {
    if (old === undefined) out.added.add(path);
    else if (next === undefined) out.removed.add(path);
    else out.modified.add(path);
    return;
  }
  if (shape === "map") {
    const before = isObject(old) ? old : {};
    const after = isObject(next) ? next : {};
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      // `constructor` is a field like any other, and there only where it is one's own.
      const left = Object.hasOwn(before, key) ? before[key] : undefined;
      const right = Object.hasOwn(after, key) ? after[key] : undefined;
      if (left === undefined && right === undefined) continue;
      compareAt(left, right, fieldSchema(schema, key), [...path, `f:${key}`], out);
    }
  } else {
    compareItems(groupsOf(old, schema), groupsOf(next, schema), schema?.items, path, out);
  }
  if (path.length === 0) return;
  if (old === undefined) out.added.add(path);
  else if (next === undefined) out.removed.add(path);
}

/** Items are compared by their key. Several with one key are compared as a whole, because nothing tells them apart. */
function compareItems(
  before: ReadonlyMap<string, readonly unknown[]>,
  after: ReadonlyMap<string, readonly unknown[]>,
  schema: Schema | undefined,
  path: readonly string[],
  out: Builders,
): void {
  for (const element of new Set([...before.keys(), ...after.keys()])) {
    const at = [...path, element];
    const [left, right] = [before.get(element) ?? [], after.get(element) ?? []];
    if (left.length < 2 && right.length < 2) {
      compareAt(left[0], right[0], schema, at, out);
    } else if (left.length < 2) {
      if (left.length === 1) compareAt(left[0], undefined, schema, at, out);
      out.added.add(at);
    } else if (right.length < 2) {
      if (right.length === 1) compareAt(undefined, right[0], schema, at, out);
      out.removed.add(at);
    } else if (!equalJson(left, right)) out.modified.add(at);
  }
}

/** Every field that a value sets. */
export function fieldSetOf(value: unknown, schema: Schema): PathSet {
  const builder = new PathSetBuilder();
  collect(value, schema, [], builder);
  return builder.build();
}

function collect(value: unknown, schema: Schema | undefined, path: string[], out: PathSetBuilder): void {
  const shape = shapeOf(value, schema);
  if (shape === "leaf") {
    out.add(path);
  } else if (shape === "map") {
    for (const [key, field] of Object.entries(value as Record<string, unknown>)) {
      if (field === undefined) continue;
      const at = [...path, `f:${key}`];
      collect(field, fieldSchema(schema, key), at, out);
      if (isHollowMap(field) || (schema?.additionalProperties !== undefined && !isDeclared(schema, key)))
        out.add(at);
    }
  } else {
    for (const [element, item] of itemsOf(value, schema)) {
      const at = [...path, element];
      collect(item, schema?.items, at, out);
      out.add(at);
    }
  }
}

function isHollowMap(value: unknown): boolean {
  return value === null || (isObject(value) && Object.keys(value).length === 0);
}

/** Puts `config` over `live`: granular maps and keyed lists merge, everything else is replaced. Neither is changed. */
export function mergeValues(live: unknown, config: unknown, schema: Schema | undefined): unknown {
  if (config === undefined) return cloneJson(live);
  if (live === undefined) return cloneJson(config);
  // A null where a map or list is merges as an empty one.
  if (config === null && !isHollow(live) && shapeOf(live, schema) !== "leaf") return cloneJson(live);
  const shape = shapeOf(config, schema);
  if (shape === "leaf" || shapeOf(live, schema) !== shape || (isHollow(live) && isHollow(config)))
    return cloneJson(config);
  if (shape === "map") {
    const result: Record<string, unknown> = { ...(live as Record<string, unknown>) };
    for (const [key, value] of Object.entries(config as Record<string, unknown>)) {
      const own = Object.hasOwn(result, key) ? result[key] : undefined;
      setField(result, key, mergeValues(own, value, fieldSchema(schema, key)));
    }
    return result;
  }
  return mergeLists(itemsOf(live, schema), itemsOf(config, schema), schema);
}

/** Items that both have follow the order of `config`; items of `live` alone stay before the shared item that followed them. */
function mergeLists(
  live: Map<string, unknown>,
  config: Map<string, unknown>,
  schema: Schema | undefined,
): unknown[] {
  const result: unknown[] = [];
  const left = [...live.keys()];
  const right = [...config.keys()];
  const merged = new Set<string>();
  const take = (element: string): void => {
    merged.add(element);
    result.push(mergeValues(live.get(element), config.get(element), schema?.items));
  };
  const shared = right.filter((element) => live.has(element));
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const [own, other] = [left[l], right[r]];
    if (own !== undefined && own === other) {
      take(own);
      l += 1;
      r += 1;
      shared.shift();
      continue;
    }
    if (
      own !== undefined &&
      other !== undefined &&
      config.has(own) &&
      shared[0] !== undefined &&
      shared[0] !== own
    ) {
      l += 1;
      continue;
    }
    if (own !== undefined) {
      if (!config.has(own)) {
        take(own);
        l += 1;
        continue;
      }
      if (merged.has(own)) l += 1;
    }
    if (other !== undefined) {
      take(other);
      r += 1;
      if (shared[0] === other) shared.shift();
    }
  }
  return result;
}

/**
 * A copy of a value without the fields in a set.
 * @param emptied what is left of a map or list that becomes empty by that
 */
export function removeFields(
  value: unknown,
  fields: PathSet,
  schema: Schema | undefined,
  emptied: "null" | "empty",
): unknown {
  if (isEmpty(fields)) return value;
  const shape = shapeOf(value, schema);
  if (shape === "leaf") return value;
  if (shape === "map") {
    const result: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(value as Record<string, unknown>)) {
      const below = fields.children.get(`f:${key}`);
      if (below?.member !== true)
        setField(result, key, removeFields(field, below ?? EMPTY, fieldSchema(schema, key), emptied));
    }
    return Object.keys(result).length === 0 && !isHollow(value) && emptied === "null" ? null : result;
  }
  const items: unknown[] = [];
  for (const item of value as unknown[]) {
    const below = fields.children.get(itemElement(item, schema));
    if (below?.member !== true) items.push(removeFields(item, below ?? EMPTY, schema?.items, emptied));
  }
  return items.length === 0 && !isHollow(value) && emptied === "null" ? null : items;
}

/** Adds the declared fields that lead to members, so that a parent goes with the last of its fields. */
export function withDeclaredParents(set: PathSet, schema: Schema | undefined): PathSet {
  const children = new Map<string, PathSet>();
  for (const [element, child] of set.children) {
    const isField = element.startsWith("f:");
    const name = element.slice(2);
    const below = isField ? fieldSchema(schema, name) : schema?.items;
    const inner = withDeclaredParents(child, below);
    const member = child.member || (isField && child.children.size > 0 && isDeclared(schema, name));
    children.set(element, { member, children: inner.children });
  }
  return { member: set.member, children };
}
