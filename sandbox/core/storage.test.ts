import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { sqliteStorage } from "./adapters/sqlite-storage.ts";
import { memoryStorage } from "./storage.ts";
import type { SandboxStorage } from "./storage.ts";

const directory = mkdtempSync(join(tmpdir(), "flaresmith-storage-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const open = (): SandboxStorage => sqliteStorage(join(directory, `${(files += 1)}.db`));

type Step = { do: "set"; key: string; value: number } | { do: "delete"; key: string };
const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant("set" as const),
      key: fc.constantFrom("a", "b", "c", "__proto__"),
      value: fc.integer(),
    }),
    fc.record({ do: fc.constant("delete" as const), key: fc.constantFrom("a", "b", "c", "__proto__") }),
  ),
  { maxLength: 20 },
);

describe.each([
  ["memory", memoryStorage],
  ["SQLite", open],
] as const)("%s storage", (_name, make) => {
  test("behaves as an insertion-ordered map", () => {
    fc.assert(
      fc.property(steps, (list: Step[]) => {
        const model = new Map<string, number>();
        const collection = make().collection<number>("numbers");
        for (const step of list) {
          if (step.do === "set") {
            collection.set(step.key, step.value);
            model.set(step.key, step.value);
          } else expect(collection.delete(step.key)).toBe(model.delete(step.key));
        }
        expect(collection.entries()).toEqual([...model]);
        expect(collection.values()).toEqual([...model.values()]);
      }),
      { numRuns: 30 },
    );
  });

  test("never shares a value by reference", () => {
    const collection = make().collection<{ list: number[] }>("things");
    const value = { list: [1] };
    collection.set("a", value);
    value.list.push(2);
    collection.get("a")?.list.push(3);
    expect(collection.get("a")).toEqual({ list: [1] });
  });
});

test("SQLite storage opened again has what was written, in the same order, and nothing of a failed transaction", () => {
  const path = join(directory, "again.db");
  const first = sqliteStorage(path);
  const collection = first.collection<number>("numbers");
  collection.set("b", 1);
  first.transaction(() => {
    collection.set("a", 2);
    collection.delete("b");
    collection.set("b", 3);
  });
  expect(() =>
    first.transaction(() => {
      collection.set("a", 9);
      first.collection<number>("others").set("x", 9);
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(collection.entries()).toEqual([
    ["a", 2],
    ["b", 3],
  ]);
  first.close();
  const second = sqliteStorage(path);
  expect(second.collection<number>("numbers").entries()).toEqual([
    ["a", 2],
    ["b", 3],
  ]);
  expect(second.collection<number>("others").entries()).toEqual([]);
  second.close();
});
