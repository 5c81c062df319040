import { mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openTestStore, thing, thingType } from "./testing.ts";

const newPath = (): string => join(mkdtempSync(join(tmpdir(), "flaresmith-store-")), "store.db");
const key = (name: string) => ({ namespace: "default", name });

test("a restart finds the same objects and goes on counting revisions", async () => {
  const path = newPath();
  const first = await openTestStore({ path });
  const made = await first.create(
    thingType,
    thing("a", { scalar: 1 }, { annotations: { text: "ü\u2028\u0000日本" } }),
  );
  await first.create(thingType, thing("b"));
  await first.delete(thingType, key("b"));
  const { revision } = first;
  await first.close();
  const second = await openTestStore({ path });
  expect(await second.get(thingType, key("a"))).toEqual(made);
  await expect(second.get(thingType, key("b"))).rejects.toMatchObject({ reason: "NotFound" });
  const next = await second.create(thingType, thing("c"));
  expect(Number(next.metadata.resourceVersion)).toBeGreaterThan(Number(revision));
  await second.close();
});

test("concurrent writes share a transaction", async () => {
  const store = await openTestStore({ path: newPath() });
  const { commits } = store.statistics;
  await Promise.all(Array.from({ length: 100 }, (_, index) => store.create(thingType, thing(`t${index}`))));
  expect(store.statistics.commits - commits).toBe(1);
  await store.close();
});

test("a failed write among others in one transaction leaves nothing of itself", async () => {
  const store = await openTestStore();
  const results = await Promise.allSettled([
    store.create(thingType, thing("a")),
    store.create(thingType, thing("a")),
    store.create(thingType, thing("B_bad")),
    store.create(thingType, thing("c")),
  ]);
  expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
  expect((await store.list(thingType)).items.map((item) => item.metadata.name)).toEqual(["a", "c"]);
});

test("the file is its owner's alone, and a second opener is refused", async () => {
  const path = newPath();
  const store = await openTestStore({ path });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(openTestStore({ path })).rejects.toMatchObject({
    message: expect.stringContaining("in use by another process"),
    hint: expect.stringContaining("Stop that one first"),
  });
  await store.close();
});

/** A file as the first format had it, with one thing in it. */
async function fileOfFormat1(): Promise<string> {
  const path = newPath();
  const store = await openTestStore({ path });
  await store.create(thingType, thing("old"));
  await store.close();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version=1; DELETE FROM meta WHERE key<>'revision'");
  db.close();
  return path;
}

test("a file of the first format is taken over as it is, and guarded from then on", async () => {
  const path = await fileOfFormat1();
  const first = await openTestStore({ path });
  expect((await first.list(thingType)).items.map(({ metadata }) => metadata.name)).toEqual(["old"]);
  await first.create(thingType, thing("new"));
  await first.close();
  const second = await openTestStore({ path });
  expect((await second.list(thingType)).items).toHaveLength(2);
  await second.close();
  const db = new DatabaseSync(path, { readOnly: true });
  expect(db.prepare("PRAGMA user_version").get()).toEqual({ user_version: 2 });
  db.close();
});

test("what was half made when the process died is made anew; a store is there whole or not at all", async () => {
  const path = newPath();
  writeFileSync(`${path}.unfinished-1`, "half");
  writeFileSync(`${path}.unfinished-1-journal`, "half");
  const store = await openTestStore({ path });
  await store.create(thingType, thing("a"));
  await store.close();
  expect(readdirSync(dirname(path))).toEqual(["store.db"]);
});

test("every commit is forced to the disk before it is answered", async () => {
  const pragmas: unknown[] = [];
  const store = await openTestStore({
    path: newPath(),
    onOpen: (db) => {
      for (const name of ["synchronous", "journal_mode", "locking_mode"])
        pragmas.push(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
    },
  });
  // 2 is FULL: in WAL mode the log is synchronised at each commit (https://www.sqlite.org/pragma.html#pragma_synchronous).
  expect(pragmas).toEqual([2, "wal", "exclusive"]);
  await store.close();
});

const operation = fc.record({
  verb: fc.constantFrom("create", "update", "status", "apply", "delete", "finalize"),
  name: fc.constantFrom("a", "b", "c", "d"),
  value: fc.integer({ min: 0, max: 9 }),
});

test("whatever is written, in whatever order and company, the file agrees with its digest", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(operation, { minLength: 1, maxLength: 6 }), { maxLength: 6 }),
      async (batches) => {
        const path = newPath();
        const store = await openTestStore({ path });
        for (const batch of batches) {
          // Side by side: they share one transaction, and some are refused.
          await Promise.allSettled(batch.map((one) => perform(store, one)));
        }
        const { items } = await store.list(thingType);
        await store.close();
        const again = await openTestStore({ path });
        expect((await again.list(thingType)).items).toEqual(items);
        await again.close();
      },
    ),
    { numRuns: 25 },
  );
});

function perform(
  store: Awaited<ReturnType<typeof openTestStore>>,
  { name, value, verb }: { name: string; value: number; verb: string },
): Promise<unknown> {
  const merge = (body: object) => ({ type: "merge" as const, body: body as Record<string, unknown> });
  switch (verb) {
    case "create":
      return store.create(thingType, thing(name, { scalar: value }));
    case "update":
      return store.patch(thingType, key(name), merge({ spec: { scalar: value } }));
    case "status":
      return store.patchStatus(thingType, key(name), merge({ status: { seen: value } }));
    case "apply":
      return store.apply(thingType, thing(name, { scalar: value }), { fieldManager: "f", force: true });
    case "finalize":
      return store.patch(
        thingType,
        key(name),
        merge({ metadata: { finalizers: value > 4 ? ["test.dev/held"] : null } }),
      );
    default:
      return store.delete(thingType, key(name));
  }
}
