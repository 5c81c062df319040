/** The three patch types against the laws of their RFCs, and against whatever a client sends. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FUZZ_TIMEOUT, fuzz } from "../../../../test/support/fuzz.ts";
import { ApiError, type KubernetesObject } from "../../resource-client.ts";
import { configMapType } from "../builtin/config-map.ts";
import { jsonMergePatch } from "./json-merge-patch.ts";
import { jsonPatch } from "./json-patch.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Field names that a careless merge takes for something else. */
const name = fc.oneof(
  fc.constantFrom("a", "b", "__proto__", "constructor", "toString", "~", "/", "~1", "", "0", "-"),
  // JSON.parse of Node 24.21 (V8 13.6.233.17) takes the one for the other now and then, whoever's objects they are in.
  fc.string({ maxLength: 3 }).filter((text) => text !== '"' && text !== "\\"),
);
const { object, value } = fc.letrec<{ value: Json; object: { [key: string]: Json } }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Json>(null, true, 0, 1, "x", ""),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
}));

const clone = (given: unknown): unknown => JSON.parse(JSON.stringify(given)) as unknown;
/** That nothing reached what all objects have. */
function expectCleanPrototypes(): void {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  expect(({} as Record<string, unknown>)["a"]).toBeUndefined();
}

describe("JSON merge patch (RFC 7386)", { timeout: FUZZ_TIMEOUT }, () => {
  /** Section 2 of the RFC, with maps in place of objects. */
  function reference(target: unknown, patch: unknown): unknown {
    if (!isObject(patch)) return patch;
    const result = new Map(Object.entries(isObject(target) ? target : {}));
    for (const [key, inner] of Object.entries(patch)) {
      if (inner === null) result.delete(key);
      else result.set(key, reference(result.get(key), inner));
    }
    return Object.fromEntries(result);
  }

  test("is what the RFC's own program makes of it, once and twice, and changes neither input", () => {
    fc.assert(
      fc.property(value, value, (target, patch) => {
        const [before, given] = [clone(target), clone(patch)];
        const once = jsonMergePatch(target, patch);
        expect(once).toEqual(reference(target, patch));
        expect(jsonMergePatch(once, patch)).toEqual(once);
        expect([target, patch]).toEqual([before, given]);
        expectCleanPrototypes();
      }),
      fuzz(2000),
    );
  });

  test("leads from any object to any other without nulls", () => {
    const withoutNulls = (given: unknown): unknown => {
      if (!isObject(given)) return given;
      const kept = Object.entries(given).filter(([, inner]) => inner !== null);
      return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]));
    };
    const difference = (from: unknown, to: unknown): unknown => {
      if (!isObject(from) || !isObject(to)) return to;
      const gone = Object.keys(from).filter((key) => !Object.hasOwn(to, key));
      return Object.fromEntries([
        ...gone.map((key): [string, unknown] => [key, null]),
        ...Object.entries(to).map(([key, inner]): [string, unknown] => [
          key,
          difference(Object.hasOwn(from, key) ? from[key] : undefined, inner),
        ]),
      ]);
    };
    fc.assert(
      fc.property(object.map(withoutNulls), object.map(withoutNulls), (from, to) => {
        expect(jsonMergePatch(from, difference(from, to))).toEqual(to);
      }),
      fuzz(1000),
    );
  });
});

describe("JSON patch (RFC 6902)", { timeout: FUZZ_TIMEOUT }, () => {
  const pointer = (path: readonly string[]): string =>
    path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

  /** Every place in a document, with its value. */
  function places(document: unknown, path: string[] = []): { path: string[]; value: unknown }[] {
    const below = Array.isArray(document)
      ? (document as unknown[]).map((inner, index): [string, unknown] => [String(index), inner])
      : isObject(document)
        ? Object.entries(document)
        : [];
    return [{ path, value: document }, ...below.flatMap(([key, inner]) => places(inner, [...path, key]))];
  }
  const placed = fc
    .tuple(object, fc.nat())
    .map(([document, choice]) => ({ document, all: places(document), choice }))
    .map(({ document, all, choice }) => ({
      document,
      all,
      ...(all[choice % all.length] ?? { path: [], value: document }),
    }));
  const inside = placed.filter(({ path }) => path.length > 0);

  test("test holds for every value where it stands, and for no other", () => {
    fc.assert(
      fc.property(placed, value, ({ document, path, value: found }, other) => {
        const at = pointer(path);
        expect(jsonPatch(document, [{ op: "test", path: at, value: found }])).toEqual(document);
        const asTest = () => jsonPatch(document, [{ op: "test", path: at, value: other }]);
        if (JSON.stringify(sortKeys(other)) === JSON.stringify(sortKeys(found)))
          expect(asTest()).toEqual(document);
        else expect(asTest).toThrow(/testing path .* failed/s);
      }),
      fuzz(1000),
    );
  });
  const sortKeys = (given: unknown): unknown => {
    if (Array.isArray(given)) return given.map(sortKeys);
    if (!isObject(given)) return given;
    const entries = Object.entries(given).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return { entries: entries.map(([key, inner]) => [key, sortKeys(inner)]) };
  };

  test("add then remove restores; replace is remove and add; each leaves the rest alone", () => {
    fc.assert(
      fc.property(inside, value, ({ document, path }, next) => {
        const at = pointer(path);
        const added = jsonPatch(document, [
          { op: "add", path: at, value: next },
          { op: "test", path: at, value: next },
        ]);
        const isItem = Array.isArray(
          places(document).find((one) => pointer(one.path) === pointer(path.slice(0, -1)))?.value,
        );
        if (isItem) expect(jsonPatch(added, [{ op: "remove", path: at }])).toEqual(document);
        else expect(added).toEqual(jsonPatch(document, [{ op: "replace", path: at, value: next }]));
        expect(jsonPatch(document, [{ op: "replace", path: at, value: next }])).toEqual(
          jsonPatch(document, [
            { op: "remove", path: at },
            { op: "add", path: at, value: next },
          ]),
        );
        expectCleanPrototypes();
      }),
      fuzz(1000),
    );
  });

  test("copy makes an equal value; move is copy and remove; there and back again is where it was", () => {
    fc.assert(
      fc.property(inside, fc.string(), ({ document, path, value: moved }, fresh) => {
        fc.pre(!Object.hasOwn(document, fresh));
        const from = pointer(path);
        const to = pointer([fresh]);
        const copied = jsonPatch(document, [
          { op: "copy", from, path: to },
          { op: "test", path: to, value: moved },
        ]);
        const left = jsonPatch(copied, [{ op: "remove", path: from }]);
        const there = jsonPatch(document, [{ op: "move", from, path: to }]);
        expect(there).toEqual(left);
        expect(jsonPatch(there, [{ op: "move", from: to, path: from }])).toEqual(document);
        expect(jsonPatch(document, [{ op: "move", from, path: from }])).toEqual(document);
      }),
      fuzz(1000),
    );
  });

  test("whatever operations come, they are applied as a whole or refused with a reason, and the document stays as it was", () => {
    const path = fc.oneof(
      fc.array(name, { maxLength: 3 }).map(pointer),
      fc.constantFrom<unknown>(
        "",
        "/",
        "//",
        "a",
        "/a/-1",
        "/a/00",
        "/a/99999999999999999999",
        5,
        null,
        undefined,
      ),
      fc.string(),
    );
    const operation = fc.record(
      {
        op: fc.constantFrom<unknown>("add", "remove", "replace", "move", "copy", "test", "zip", null),
        path,
        from: path,
        value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(object, fc.array(operation, { maxLength: 5 }), (document, operations) => {
        const before = clone(document);
        try {
          const result = jsonPatch(document, operations);
          expect(clone(result)).toEqual(result);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect([413, 422]).toContain((error as ApiError).code);
        }
        expect(document).toEqual(before);
        expectCleanPrototypes();
      }),
      fuzz(2000),
    );
  });
});

/** Of lists, strategic merge drops nulls too. */
function withoutLists(given: Json): Json {
  if (Array.isArray(given)) return given.length;
  if (!isObject(given)) return given;
  return Object.fromEntries(Object.entries(given).map(([key, inner]) => [key, withoutLists(inner)]));
}

describe("strategic merge patch", { timeout: FUZZ_TIMEOUT }, () => {
  const patched = (target: unknown, patch: Record<string, unknown>): unknown =>
    strategicMergePatch(configMapType, target as KubernetesObject, patch);
  const owner = fc.record({
    uid: fc.constantFrom("1", "2", "3", "__proto__"),
    name: fc.constantFrom("a", "b"),
  });
  const owners = fc.uniqueArray(owner, { selector: ({ uid }) => uid, maxLength: 4 });
  const finalizers = fc.uniqueArray(fc.constantFrom("x/a", "x/b", "x/c", "constructor"), { maxLength: 4 });

  test("of maps and scalars is a merge patch", () => {
    const maps = object.map((given) => withoutLists(given) as { [key: string]: Json });
    fc.assert(
      fc.property(object, maps, (target, patch) => {
        expect(patched(target, patch)).toEqual(jsonMergePatch(target, patch));
        expectCleanPrototypes();
      }),
      fuzz(1000),
    );
  });

  test("of keyed lists changes what it names by key, deletes what it says, keeps the order of both sides", () => {
    const change = fc.oneof(
      owner,
      fc.record({ uid: fc.constantFrom("1", "2", "3", "__proto__"), $patch: fc.constant("delete") }),
    );
    const changes = fc.uniqueArray(change, { selector: ({ uid }) => uid, maxLength: 4 });
    fc.assert(
      fc.property(owners, changes, (stored, patch) => {
        const expected = new Map(stored.map((one) => [one.uid, one]));
        for (const one of patch) {
          if ("$patch" in one) expected.delete(one.uid);
          else expected.set(one.uid, { ...expected.get(one.uid), ...one });
        }
        const metadata = { name: "a", ownerReferences: stored };
        const body = { metadata: { ownerReferences: patch } };
        const once = patched({ metadata }, body) as { metadata: { ownerReferences: { uid: string }[] } };
        const { ownerReferences: merged, ...rest } = once.metadata;
        expect(rest).toEqual({ name: "a" });
        expect(new Map(merged.map((one) => [one.uid, one]))).toEqual(expected);
        const [named, others] = [merged, merged].map((all, index) =>
          all.map(({ uid }) => uid).filter((uid) => patch.some((one) => one.uid === uid) === (index === 0)),
        );
        expect(named).toEqual(patch.map(({ uid }) => uid).filter((uid) => expected.has(uid)));
        expect(others).toEqual(
          stored.map(({ uid }) => uid).filter((uid) => !patch.some((one) => one.uid === uid)),
        );
        expect(patched(once, body)).toEqual(once);
      }),
      fuzz(1000),
    );
  });

  test("of sets of scalars adds each once and removes what it says", () => {
    fc.assert(
      fc.property(finalizers, finalizers, finalizers, (stored, added, removed) => {
        const body = {
          metadata: {
            finalizers: added,
            "$deleteFromPrimitiveList/finalizers": removed.filter((one) => !added.includes(one)),
          },
        };
        const result = patched({ metadata: { finalizers: stored } }, body) as {
          metadata: { finalizers: string[] };
        };
        const expected = new Set(
          [...stored, ...added].filter((one) => added.includes(one) || !removed.includes(one)),
        );
        expect(new Set(result.metadata.finalizers)).toEqual(expected);
        expect(result.metadata.finalizers).toHaveLength(expected.size);
      }),
      fuzz(500),
    );
  });

  test("with any directives is applied or refused, and the object stays as it was", () => {
    const directive = fc.constantFrom(
      "$patch",
      "$retainKeys",
      "$setElementOrder/finalizers",
      "$deleteFromPrimitiveList/finalizers",
      "$deleteFromPrimitiveList/__proto__",
      "metadata",
      "finalizers",
      "ownerReferences",
      "data",
    );
    const body = fc.letrec<{ value: Json; object: { [key: string]: Json } }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom<Json>(null, 1, "delete", "replace", "merge", "x/a"),
        fc.array(tie("value"), { maxLength: 3 }),
        tie("object"),
      ),
      object: fc.dictionary(fc.oneof(directive, name), tie("value"), { maxKeys: 4, noNullPrototype: true }),
    })).object;
    fc.assert(
      fc.property(owners, finalizers, body, (ownerReferences, stored, patch) => {
        const target = { metadata: { name: "a", ownerReferences, finalizers: stored }, data: { a: "1" } };
        const before = clone(target);
        try {
          patched(target, patch);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect((error as ApiError).code).toBe(400);
        }
        expect(target).toEqual(before);
        expectCleanPrototypes();
      }),
      fuzz(2000),
    );
  });
});
