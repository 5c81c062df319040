/** Server-side apply against a model: what each manager applied last, and nothing else, is what stands in the object. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isApiError, type KubernetesObject } from "../resource-client.ts";
import { openTestStore, thing, thingType } from "./testing.ts";

interface Spec {
  scalar?: number;
  map?: Record<string, number>;
  items?: { name: string; value?: number }[];
  atomic?: number[];
}

const small = fc.integer({ min: 0, max: 2 });
const specs: fc.Arbitrary<Spec> = fc.record(
  {
    scalar: small,
    map: fc.dictionary(fc.constantFrom("a", "b", "c"), small, { minKeys: 1, noNullPrototype: true }),
    items: fc.uniqueArray(
      fc.record({ name: fc.constantFrom("x", "y", "z"), value: small }, { requiredKeys: ["name"] }),
      {
        minLength: 1,
        selector: (item) => item.name,
      },
    ),
    atomic: fc.array(small, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);

/** The leaves of a spec by path: what can be owned. */
function leaves(spec: Spec): Map<string, unknown> {
  const found = new Map<string, unknown>();
  if (spec.scalar !== undefined) found.set("scalar", spec.scalar);
  if (spec.atomic !== undefined) found.set("atomic", JSON.stringify(spec.atomic));
  for (const [name, value] of Object.entries(spec.map ?? {})) found.set(`map.${name}`, value);
  for (const { name, value } of spec.items ?? []) {
    found.set(`items[${name}]`, name);
    if (value !== undefined) found.set(`items[${name}].value`, value);
  }
  return found;
}

const sorted = (map: Map<string, unknown>): [string, unknown][] =>
  [...map.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1));

test("any sequence of applies leaves the union of what was applied last, forced or refused exactly where values differ", async () => {
  const steps = fc.array(
    fc.record({ manager: fc.constantFrom("one", "two", "three"), spec: specs, force: fc.boolean() }),
    { maxLength: 10 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const store = await openTestStore();
      await store.create(thingType, { ...thing("a"), metadata: { name: "a", namespace: "default" } });
      const owned = new Map<string, Map<string, unknown>>();
      for (const { manager, spec, force } of sequence) {
        const wanted = leaves(spec);
        const contested = [...owned]
          .filter(([other]) => other !== manager)
          .flatMap(([, theirs]) =>
            [...theirs]
              .filter(([path, value]) => wanted.has(path) && wanted.get(path) !== value)
              .map(([path]) => path),
          );
        const outcome = await store
          .apply(thingType, thing("a", spec), { fieldManager: manager, force })
          .catch((error: unknown) => error);
        if (contested.length > 0 && !force) {
          expect(isApiError(outcome, "Conflict")).toBe(true);
          expect((outcome as { causes: unknown[] }).causes).toHaveLength(contested.length);
          continue;
        }
        for (const [other, theirs] of owned)
          if (other !== manager) for (const path of contested) theirs.delete(path);
        owned.set(manager, wanted);
        const expected = new Map([...owned.values()].flatMap((one) => [...one]));
        // An item stays as long as anyone owns anything in it, and then it has its key.
        for (const path of Array.from(expected.keys())) {
          const name = /^items\[(\w)\]\./.exec(path)?.[1];
          if (name !== undefined) expected.set(`items[${name}]`, name);
        }
        const stored = (outcome as KubernetesObject)["spec"] as Spec | undefined;
        expect(sorted(leaves(stored ?? {}))).toEqual(sorted(expected));
      }
    }),
    { numRuns: 150 },
  );
});

test("an update owns what it changed, and an apply of the same values shares it", async () => {
  await fc.assert(
    fc.asyncProperty(specs, specs, async (first, second) => {
      const store = await openTestStore();
      await store.apply(thingType, thing("a", first), { fieldManager: "applier" });
      const stored = await store.get(thingType, { namespace: "default", name: "a" });
      await store.update(thingType, { ...stored, spec: second }, { fieldManager: "updater" });
      // Applying what stands there is never a conflict and changes no value.
      const again = await store.apply(thingType, thing("a", second), { fieldManager: "third" });
      expect(sorted(leaves((again["spec"] ?? {}) as Spec))).toEqual(sorted(leaves(second)));
      // What the update changed or removed is not the applier's any more: dropping everything removes only the rest.
      const changed = [...leaves(first)].filter(([path, value]) => leaves(second).get(path) !== value);
      const conflicts = changed.filter(([path]) => leaves(second).has(path));
      const outcome = await store
        .apply(thingType, thing("a", first), { fieldManager: "applier" })
        .catch((error: unknown) => error);
      expect(isApiError(outcome, "Conflict")).toBe(conflicts.length > 0);
    }),
    { numRuns: 100 },
  );
});
