/**
 * Server-side apply and plain updates against a model: who owns which leaf with which value. The object is the union of what
 * is owned, a conflict is exactly a leaf that another owns with another value, and nobody loses what nobody took.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FUZZ_TIMEOUT, fuzz } from "../../../test/support/fuzz.ts";
import { isApiError, type KubernetesObject, type ManagedFieldsEntry } from "../resource-client.ts";
import { decodeFields, paths } from "./managed-fields/path-set.ts";
import { openTestStore, thing, thingType } from "./testing.ts";

interface Spec {
  scalar?: number;
  map?: Record<string, number>;
  items?: { name: string; value?: number }[];
  atomic?: number[];
}

const NAMES = ["a", "b", "constructor", "__proto__", "toString"] as const;
const small = fc.integer({ min: 0, max: 2 });
const map = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), small), { minLength: 1, selector: ([name]) => name })
  // As JSON.parse makes it: `__proto__` is a key of its own.
  .map(
    (entries) =>
      JSON.parse(`{${entries.map(([name, value]) => `"${name}":${value}`).join(",")}}`) as Record<
        string,
        number
      >,
  );
const specs: fc.Arbitrary<Spec> = fc.record(
  {
    scalar: small,
    map,
    items: fc.uniqueArray(
      fc.record({ name: fc.constantFrom("x", "y", "__proto__"), value: small }, { requiredKeys: ["name"] }),
      { minLength: 1, selector: (item) => item.name },
    ),
    atomic: fc.array(small, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);

type Leaves = Map<string, unknown>;

/** The leaves of a spec by path: what can be owned. */
function leaves(spec: Spec): Leaves {
  const found: Leaves = new Map();
  if (spec.scalar !== undefined) found.set("scalar", spec.scalar);
  if (spec.atomic !== undefined) found.set("atomic", JSON.stringify(spec.atomic));
  for (const [name, value] of Object.entries(spec.map ?? {})) found.set(`map.${name}`, value);
  for (const { name, value } of spec.items ?? []) {
    found.set(`items[${name}]`, name);
    if (value !== undefined) found.set(`items[${name}].value`, value);
  }
  return found;
}

/** What a manager applies. One that wants nothing names no spec: an empty one would be a value of its own. */
const config = (spec: Spec): KubernetesObject => {
  const { spec: _, ...rest } = thing("a");
  return Object.keys(spec).length === 0 ? rest : { ...rest, spec };
};
const specOf = (object: KubernetesObject): Spec => object["spec"] ?? {};
const sorted = (found: Leaves): [string, unknown][] => [...found].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** The same leaves as `managedFields` tells them. */
function ownedLeaves(entry: ManagedFieldsEntry): string[] {
  const found = new Set<string>();
  for (const path of paths(decodeFields(entry.fieldsV1))) {
    const [root, field, element = "", inner] = path;
    if (root !== "f:spec" || field === undefined) continue;
    if (field === "f:scalar" || field === "f:atomic") found.add(field.slice(2));
    else if (field === "f:map" && element !== "") found.add(`map.${element.slice(2)}`);
    else if (field === "f:items" && element.startsWith("k:")) {
      const { name } = JSON.parse(element.slice(2)) as { name: string };
      found.add(inner === "f:value" ? `items[${name}].value` : `items[${name}]`);
    }
  }
  return [...found].toSorted();
}

/** What each manager owns, by `<manager> <operation>`. */
type Ownership = Map<string, Leaves>;

/** What the object has to be: the union. An item stays as long as anyone owns anything in it, and then it has its key. */
function unionOf(owned: Ownership): Leaves {
  const all: Leaves = new Map([...owned.values()].flatMap((one) => [...one]));
  for (const path of Array.from(all.keys())) {
    const name = /^items\[(.+)\]\./.exec(path)?.[1];
    if (name !== undefined) all.set(`items[${name}]`, name);
  }
  return all;
}

const managers = fc.constantFrom("one", "two", "three");
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        verb: fc.constant("apply" as const),
        manager: managers,
        spec: specs,
        force: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        verb: fc.constant("update" as const),
        manager: managers,
        spec: specs,
        force: fc.constant(false),
      }),
    },
  ),
  { maxLength: 10 },
);
const key = { namespace: "default", name: "a" };

describe("ownership of fields", { timeout: FUZZ_TIMEOUT }, () => {
  test("any sequence of applies and updates leaves the union of what is owned, refused exactly where values differ", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const store = await openTestStore();
        await store.create(thingType, { ...thing("a"), metadata: { name: "a", namespace: "default" } });
        const owned: Ownership = new Map();
        for (const { verb, manager, spec, force } of sequence) {
          const before = await store.get(thingType, key);
          const wanted = leaves(spec);
          const present = leaves(specOf(before));
          const id = `${manager} ${verb}`;
          if (verb === "update") {
            await store.update(thingType, { ...before, spec }, { fieldManager: manager });
            const changed = [...wanted].filter(([path, value]) => present.get(path) !== value);
            const touched = new Set([
              ...changed.map(([path]) => path),
              ...[...present.keys()].filter((path) => !wanted.has(path)),
            ]);
            for (const theirs of owned.values()) for (const path of touched) theirs.delete(path);
            owned.set(id, new Map([...(owned.get(id) ?? []), ...changed]));
          } else {
            const contested = [...owned]
              .filter(([other]) => other !== id)
              .flatMap(([, theirs]) =>
                [...theirs].filter(([path, value]) => wanted.has(path) && wanted.get(path) !== value),
              )
              .map(([path]) => path);
            const outcome = await store
              .apply(thingType, config(spec), { fieldManager: manager, force })
              .catch((error: unknown) => error);
            if (contested.length > 0 && !force) {
              expect(isApiError(outcome, "Conflict")).toBe(true);
              expect((outcome as { causes: unknown[] }).causes).toHaveLength(contested.length);
              expect(await store.get(thingType, key)).toEqual(before);
              continue;
            }
            for (const [other, theirs] of owned)
              if (other !== id) for (const path of contested) theirs.delete(path);
            const last = owned.get(id) ?? new Map<string, unknown>();
            owned.set(id, wanted);
            // An item belongs to whoever owns its key: with the last of them it goes, and takes what others changed in it.
            for (const path of last.keys()) {
              if (!path.endsWith("]") || [...owned.values()].some((theirs) => theirs.has(path))) continue;
              for (const theirs of owned.values()) theirs.delete(`${path}.value`);
            }
          }
          const stored = await store.get(thingType, key);
          expect(sorted(leaves(specOf(stored)))).toEqual(sorted(unionOf(owned)));
          const told = new Map(
            (stored.metadata.managedFields ?? []).map((entry) => [
              `${entry.manager ?? ""} ${entry.operation === "Apply" ? "apply" : "update"}`,
              ownedLeaves(entry),
            ]),
          );
          for (const [one, theirs] of owned)
            expect(told.get(one) ?? [], one).toEqual([...theirs.keys()].toSorted());
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      fuzz(150),
    );
  });

  test("the same apply twice changes nothing, not even the version", async () => {
    await fc.assert(
      fc.asyncProperty(specs, specs, async (first, second) => {
        const store = await openTestStore();
        await store.apply(thingType, config(first), { fieldManager: "other" });
        const once = await store.apply(thingType, config(second), { fieldManager: "one", force: true });
        expect(await store.apply(thingType, config(second), { fieldManager: "one" })).toEqual(once);
      }),
      fuzz(100),
    );
  });

  test("managers of different fields never meet, in whatever order they come and go", async () => {
    const split = fc.tuple(specs, specs).map(([one, two]): [Spec, Spec] => {
      const mine = new Set(Object.keys(one));
      return [one, Object.fromEntries(Object.entries(two).filter(([field]) => !mine.has(field)))];
    });
    const order = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(split, order, async ([one, two], turns) => {
        const store = await openTestStore();
        await store.create(thingType, thing("a"));
        const last: [Spec, Spec] = [{}, {}];
        for (const [isSecond, isGone] of turns) {
          const index = isSecond ? 1 : 0;
          const spec = isGone ? {} : isSecond ? two : one;
          await store.apply(thingType, config(spec), { fieldManager: isSecond ? "two" : "one" });
          last[index] = spec;
        }
        const stored = await store.get(thingType, key);
        expect(sorted(leaves(specOf(stored)))).toEqual(sorted(leaves({ ...last[0], ...last[1] })));
      }),
      fuzz(100),
    );
  });

  test("what only one manager owned goes when it lets go; what others own too stays", async () => {
    await fc.assert(
      fc.asyncProperty(specs, async (spec) => {
        const store = await openTestStore();
        await store.create(thingType, thing("a"));
        await store.apply(thingType, config(spec), { fieldManager: "one" });
        await store.apply(thingType, config(spec), { fieldManager: "two" });
        const shared = await store.apply(thingType, config({}), { fieldManager: "one" });
        expect(sorted(leaves(specOf(shared)))).toEqual(sorted(leaves(spec)));
        const alone = await store.apply(thingType, config({}), { fieldManager: "two" });
        expect(leaves(specOf(alone)).size).toBe(0);
      }),
      fuzz(100),
    );
  });

  test("ownership that a client made up does no more harm than to itself", async () => {
    const fields = fc.letrec<{ set: unknown }>((tie) => ({
      set: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom<unknown>({}, null, 5, "x", []),
        fc.dictionary(
          fc.oneof(
            fc.constantFrom(
              "f:spec",
              "f:map",
              "f:a",
              'k:{"name":"x"}',
              "k:garbage",
              "v:1",
              "i:0",
              ".",
              "f:__proto__",
              "__proto__",
            ),
            fc.string(),
          ),
          tie("set"),
          { maxKeys: 3, noNullPrototype: true },
        ),
      ),
    })).set;
    const entry = fc.record(
      {
        manager: fc.oneof(fc.string(), fc.constant<unknown>(5)),
        operation: fc.constantFrom<unknown>("Apply", "Update", "Destroy", 1),
        apiVersion: fc.constantFrom<unknown>("test.dev/v1", "v9", 0),
        fieldsType: fc.constantFrom<unknown>("FieldsV1", "FieldsV2"),
        fieldsV1: fields,
        time: fc.constantFrom<unknown>("2026-01-01T00:00:00Z", "never", 7),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 3 }), specs, async (managedFields, spec) => {
        const store = await openTestStore();
        await store.apply(thingType, config(spec), { fieldManager: "one" });
        const outcome = await store
          .patch(
            thingType,
            key,
            { type: "merge", body: { metadata: { managedFields } } },
            { fieldManager: "liar" },
          )
          .catch((error: unknown) => error);
        if (outcome instanceof Error) expect(isApiError(outcome, "Invalid")).toBe(true);
        const after = await store.apply(thingType, config(spec), { fieldManager: "one", force: true });
        expect(sorted(leaves(specOf(after)))).toEqual(sorted(leaves(spec)));
      }),
      fuzz(300),
    );
  });
});
