import { describe, expect, test } from "vitest";
import { configMapType } from "../builtin/config-map.ts";
import { jsonMergePatch } from "./json-merge-patch.ts";
import { jsonPatch } from "./json-patch.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

describe("JSON merge patch", () => {
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
    // What kube-apiserver takes besides: it was asked.
    [{ l: [1, 2] }, [{ op: "replace", path: "/l/-1", value: 3 }], { l: [1, 3] }],
    [{ l: [1, 2] }, [{ op: "add", path: "/l/-1", value: 3 }], { l: [1, 2, 3] }],
    [{ l: [1, 2] }, [{ op: "remove", path: "/l/-2" }], { l: [2] }],
    [{}, [{ op: "test", path: "/a", value: null }], {}],
    [{}, [{ op: "replace", path: "/a", value: 1 }], { a: 1 }],
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
    [[{ op: "move", from: "/o", path: "/o/x" }], "into itself"],
    [[{ op: "remove", path: "" }], "whole object"],
    [[{ op: "remove", path: "/l/-2" }], "no element -2 in a list of 1"],
    [[{ op: "test", path: "/b/c", value: null }], "/b does not exist"],
    [[{ op: "test", path: "/constructor", value: 1 }], "testing path /constructor failed"],
    [[{ op: "add", path: "/constructor/prototype/x", value: 1 }], "/constructor/prototype does not exist"],
    [[{ op: "add", path: "/__proto__/x", value: 1 }], "/__proto__ does not exist"],
  ])("%j is refused", (patch, message) => {
    expect(() => jsonPatch({ a: 1, l: [1], o: {} }, patch)).toThrow(message);
  });

  test("copies of copies end before they fill the memory", () => {
    const doubling = Array.from({ length: 40 }, (_, index) => ({
      op: "copy",
      from: "/a",
      path: `/a/${index}`,
    }));
    expect(() => jsonPatch({ a: { text: "x".repeat(1000) } }, doubling)).toThrow(
      /the accumulated size increase of copy is \d+, exceeding the limit 3145728/,
    );
  });

  test("more than 10,000 operations are refused", () => {
    const operations = Array.from({ length: 10_001 }, () => ({ op: "test", path: "/a", value: 1 }));
    expect(() => jsonPatch({ a: 1 }, operations)).toThrow(
      "The allowed maximum operations in a JSON patch is 10000, got 10001",
    );
  });

  test("a value that is left out is null, as for kube-apiserver", () => {
    expect(jsonPatch({ a: 1 }, [{ op: "add", path: "/b" }])).toEqual({ a: 1, b: null });
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
      metadata: { finalizers: ["x/z", "x/y"] },
    });
    expect(patch({ metadata: { "$deleteFromPrimitiveList/finalizers": ["x/y"] } })).toMatchObject({
      metadata: { finalizers: [] },
    });
    expect(patch({ data: { $patch: "replace", c: "3" } })).toMatchObject({ data: { c: "3" } });
  });

  test.each([
    [{ data: { $patch: "garbage" } }, "unknown patch type in data: garbage"],
    [{ metadata: { ownerReferences: [{ name: "x" }] } }, "does not contain the declared merge key: uid"],
    [{ metadata: { ownerReferences: ["x"] } }, "does not contain the declared merge key: uid"],
  ])("%j is refused", (body, message) => {
    expect(() => patch(body)).toThrow(message);
  });

  test("lists of 200,000 items merge in a time that grows with them", () => {
    const many = Array.from({ length: 200_000 }, (_, index) => `x/${index}`);
    const owners = many.map((uid) => ({ uid, name: uid }));
    const large = { ...target, metadata: { ...target.metadata, finalizers: many, ownerReferences: owners } };
    const body = {
      metadata: { finalizers: many, ownerReferences: owners, "$deleteFromPrimitiveList/finalizers": many },
    };
    const result = strategicMergePatch(configMapType, large as never, body) as typeof large;
    expect(result.metadata.ownerReferences).toHaveLength(200_000);
  });
});
