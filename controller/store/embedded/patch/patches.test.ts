import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configMapType } from "../builtin/config-map.ts";
import { jsonMergePatch } from "./json-merge-patch.ts";
import { jsonPatch } from "./json-patch.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

const json = fc.jsonValue({ maxDepth: 3 });

/** The merge patch that leads from one value to another; undefined when none can (nulls inside objects). */
function diff(from: unknown, to: unknown): unknown {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject(from) || !isObject(to)) return to;
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(from))
    if (!Object.hasOwn(to, key)) Object.defineProperty(patch, key, { value: null, enumerable: true });
  for (const key of Object.keys(to)) {
    const value = Object.hasOwn(from, key) ? diff(from[key], to[key]) : to[key];
    Object.defineProperty(patch, key, { value, enumerable: true });
  }
  return patch;
}

const withoutNulls = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(fc.integer()),
    tie("object"),
  ),
  object: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("a", "b", "__proto__")), tie("value"), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
})).object;

describe("JSON merge patch", () => {
  test("leads from any object to any other without nulls", () => {
    fc.assert(
      fc.property(withoutNulls, withoutNulls, (from, to) => {
        expect(jsonMergePatch(from, diff(from, to))).toEqual(to);
      }),
    );
  });

  test("applied twice is applied once, and its inputs stay as they were", () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const before = JSON.stringify([target, patch]);
        const once = jsonMergePatch(target, patch);
        expect(jsonMergePatch(once, patch)).toEqual(once);
        expect(JSON.stringify([target, patch])).toBe(before);
      }),
    );
  });

  // The examples of RFC 7386, appendix A.
  test.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("RFC 7386: %j with %j", (target, patch, result) => {
    expect(jsonMergePatch(target, patch)).toEqual(result);
  });
});

describe("JSON patch", () => {
  test("what was added can be tested and removed again", () => {
    const key = fc.string();
    fc.assert(
      fc.property(fc.dictionary(key, json, { noNullPrototype: true }), key, json, (target, name, value) => {
        fc.pre(!Object.hasOwn(target, name));
        const path = `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
        expect(
          jsonPatch(target, [
            { op: "add", path, value },
            { op: "test", path, value },
            { op: "remove", path },
          ]),
        ).toEqual(target);
      }),
    );
  });

  // From RFC 6902, appendix A.
  test.each([
    [{ foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], { foo: ["bar", "qux", "baz"] }],
    [
      { foo: { bar: "baz", waldo: "fred" }, qux: {} },
      [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
      { foo: { bar: "baz" }, qux: { thud: "fred" } },
    ],
    [
      { foo: ["all", "grass", "cows", "eat"] },
      [{ op: "move", from: "/foo/1", path: "/foo/3" }],
      { foo: ["all", "cows", "eat", "grass"] },
    ],
    [
      { foo: ["bar"] },
      [{ op: "add", path: "/foo/-", value: ["abc", "def"] }],
      { foo: ["bar", ["abc", "def"]] },
    ],
    [{ "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], { "/": 9, "~1": 10 }],
  ])("RFC 6902: %j with %j", (target, patch, result) => {
    expect(jsonPatch(target, patch)).toEqual(result);
  });

  test.each([
    [[{ op: "test", path: "/a", value: 2 }], "testing path /a failed"],
    [[{ op: "remove", path: "/b" }], "/b does not exist"],
    [[{ op: "add", path: "/b/c", value: 1 }], "/b does not exist"],
    [[{ op: "add", path: "/l/5", value: 1 }], "no element 5 in a list of 1"],
    [[{ op: "add", path: "a", value: 1 }], "is not a JSON pointer"],
    [[{ op: "zip", path: "/a" }], "unknown operation"],
    [[{ op: "add", path: "/a" }], "has no value"],
    [[{ op: "move", from: "/o", path: "/o/x" }], "into itself"],
    [[{ op: "remove", path: "" }], "whole object"],
  ])("%j is refused", (patch, message) => {
    expect(() => jsonPatch({ a: 1, l: [1], o: {} }, patch)).toThrow(message);
  });
});

describe("strategic merge patch", () => {
  const target = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: "a",
      finalizers: ["x/y"],
      ownerReferences: [
        { uid: "1", name: "one" },
        { uid: "2", name: "two" },
      ],
      labels: { a: "1", b: "2" },
    },
    data: { a: "1" },
  };
  const patch = (body: Record<string, unknown>): unknown =>
    strategicMergePatch(configMapType, target as never, body);

  test("maps merge and nulls remove", () => {
    expect(patch({ metadata: { labels: { a: null, c: "3" } }, data: { b: "2" } })).toMatchObject({
      metadata: { labels: { b: "2", c: "3" } },
      data: { a: "1", b: "2" },
    });
  });

  test("lists with a merge key merge by it, and items can be deleted", () => {
    const body = {
      metadata: {
        ownerReferences: [
          { uid: "2", $patch: "delete" },
          { uid: "1", name: "uno" },
          { uid: "3", name: "three" },
        ],
      },
    };
    expect(patch(body)).toMatchObject({
      metadata: {
        ownerReferences: [
          { uid: "1", name: "uno" },
          { uid: "3", name: "three" },
        ],
      },
    });
  });

  test("sets of scalars grow, shrink by directive, and are replaced as a whole where asked", () => {
    expect(patch({ metadata: { finalizers: ["x/z"] } })).toMatchObject({
      metadata: { finalizers: ["x/y", "x/z"] },
    });
    expect(patch({ metadata: { "$deleteFromPrimitiveList/finalizers": ["x/y"] } })).toMatchObject({
      metadata: { finalizers: [] },
    });
    expect(patch({ data: { $patch: "replace", c: "3" } })).toMatchObject({ data: { c: "3" } });
  });
});
