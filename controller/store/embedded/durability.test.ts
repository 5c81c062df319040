import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, closeSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openTestStore, thing, thingType } from "./testing.ts";

const newPath = (): string => join(mkdtempSync(join(tmpdir(), "flaresmith-store-")), "store.db");
const key = (name: string) => ({ namespace: "default", name });

test("nothing acknowledged is lost when the process is killed, again and again", async () => {
  const path = newPath();
  const writer = `import { openTestStore, thing, thingType } from ${JSON.stringify(join(import.meta.dirname, "testing.ts"))};
    const store = await openTestStore({ path: process.argv[1] });
    for (let batch = 0; ; batch += 1) {
      const names = Array.from({ length: 5 }, (_, index) => process.argv[2] + "-" + batch + "-" + index);
      await Promise.all(names.map((name) => store.create(thingType, thing(name)).then(() => process.stdout.write(name + "\\n"))));
    }`;
  const acknowledged: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", writer, path, `r${round}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const before = acknowledged.length;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (acknowledged.length - before === 20 + round * 7) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    const store = await openTestStore({ path });
    const { items, resourceVersion } = await store.list(thingType);
    const stored = new Set(items.map((item) => item.metadata.name));
    expect(acknowledged.filter((name) => !stored.has(name))).toEqual([]);
    expect(Number(resourceVersion)).toBeGreaterThanOrEqual(
      Math.max(...items.map((item) => Number(item.metadata.resourceVersion))),
    );
    await store.close();
  }
  expect(acknowledged.length).toBeGreaterThan(200);
});

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
  await expect(openTestStore({ path })).rejects.toThrow(/in use by another process: stop that one first/);
  await store.close();
});

test("a damaged file is refused with the remedy", async () => {
  const path = newPath();
  writeFileSync(path, "this is no database, but it is long enough to be looked at as one".repeat(100));
  await expect(openTestStore({ path })).rejects.toThrow(/is damaged .*Move the file/s);
});

test("a file with a torn page is refused with the remedy", async () => {
  const path = newPath();
  const store = await openTestStore({ path });
  await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      store.create(thingType, thing(`t${index}`, { map: { a: index } })),
    ),
  );
  await store.close();
  expect(readFileSync(path).length).toBeGreaterThan(40_000);
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(20_000, 0xaa), 0, 20_000, 8192);
  closeSync(file);
  await expect(openTestStore({ path })).rejects.toThrow(/is damaged .*Move the file/s);
});

test("databases of others and of newer versions are left alone", async () => {
  const other = newPath();
  const db = new DatabaseSync(other);
  db.exec("CREATE TABLE t(a)");
  db.close();
  await expect(openTestStore({ path: other })).rejects.toThrow(/database of another program/);
  const newer = newPath();
  await (await openTestStore({ path: newer })).close();
  const opened = new DatabaseSync(newer);
  opened.exec("PRAGMA user_version=99");
  opened.close();
  await expect(openTestStore({ path: newer })).rejects.toThrow(/written by a newer version/);
});
