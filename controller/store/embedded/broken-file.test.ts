/** What is wrong with a store's files is found before anything is changed in them, and said with the remedy. */
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openTestStore, thing, thingType } from "./testing.ts";
import type { StoreUnusableError } from "./unusable.ts";

const newPath = (): string => join(mkdtempSync(join(tmpdir(), "flaresmith-broken-")), "store.db");

/** A store of 200 things as a killed process leaves it: the last ones are in the log alone. */
async function killed(options: { things?: number } = {}): Promise<string> {
  const original = newPath();
  const path = newPath();
  const store = await openTestStore({ path: original });
  const make = (count: number, prefix: string): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        store.create(thingType, thing(`${prefix}${index}`, { map: { a: index } })),
      ),
    );
  await make(options.things ?? 200, "t");
  copyFileSync(original, path);
  copyFileSync(`${original}-wal`, `${path}-wal`);
  await store.close();
  return path;
}

/** The same, closed in order: one file. */
async function closed(): Promise<string> {
  const path = await killed();
  await (await openTestStore({ path })).close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  return path;
}

function overwrite(path: string, bytes: Buffer, position: number): void {
  const file = openSync(path, "r+");
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

/** Everything that lies in the store's directory, with its content. */
function filesBeside(path: string): Record<string, string> {
  const directory = join(path, "..");
  return Object.fromEntries(
    readdirSync(directory).map((name) => {
      const at = join(directory, name);
      const content = statSync(at).isFile() ? readFileSync(at) : "a directory";
      return [name, createHash("sha256").update(content).digest("hex")] as const;
    }),
  );
}

/** Opens it twice, so that the first attempt is seen to leave nothing behind that hides the fault from the second. */
async function refusalOf(path: string): Promise<StoreUnusableError> {
  const before = filesBeside(path);
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  const [first, second] = [await attempt(path), await attempt(path)];
  expect(first).toBeInstanceOf(Error);
  expect(second).toMatchObject({ message: (first as Error).message });
  expect(filesBeside(path), "nothing is changed, made or removed").toEqual(before);
  expect(statSync(path, { throwIfNoEntry: false })?.mode).toBe(mode);
  return first as StoreUnusableError;
}

async function attempt(path: string): Promise<unknown> {
  try {
    await (await openTestStore({ path })).close();
    return "it was opened";
  } catch (error) {
    return error;
  }
}

const PAGE = 4096;
const garbage = Buffer.alloc(PAGE, 0xaa);

const breakages: Readonly<Record<string, { make: () => Promise<string>; message: RegExp; hint: RegExp }>> = {
  "is text": {
    make: async () => {
      const path = newPath();
      writeFileSync(path, "this is no database, but it is long enough to be looked at as one".repeat(100));
      return path;
    },
    message: /store\.db is damaged: file is not a database/,
    hint: /Move store\.db and store\.db-wal away.*flaresmith restore.*--installation/,
  },
  "has a garbage header": {
    make: async () => {
      const path = await closed();
      overwrite(path, Buffer.alloc(100, 0x7e), 0);
      return path;
    },
    message: /is damaged: file is not a database/,
    hint: /Move store\.db/,
  },
  "has an overwritten page": {
    make: async () => {
      const path = await closed();
      overwrite(path, garbage, 5 * PAGE);
      return path;
    },
    message: /is damaged: /,
    hint: /Move store\.db/,
  },
  "has a page of zeros": {
    make: async () => {
      const path = await closed();
      overwrite(path, Buffer.alloc(PAGE), 7 * PAGE);
      return path;
    },
    message: /is damaged: /,
    hint: /Move store\.db/,
  },
  "has a byte flipped within an object": {
    make: async () => {
      const path = await closed();
      const at = readFileSync(path).indexOf('"name":"t150"');
      overwrite(path, Buffer.from("9"), at + '"name":"t15'.length);
      return path;
    },
    message: /is damaged: its parts are of different moments \(its digest is another\)/,
    hint: /Move store\.db/,
  },
  "has a page of a moment ago": {
    make: async () => {
      const path = await closed();
      const old = readFileSync(path);
      const store = await openTestStore({ path });
      for (let index = 0; index < 200; index += 1) {
        const key = { namespace: "default", name: `t${index}` };
        // As long as before, so that only the content of its page differs.
        await store.patch(thingType, key, {
          type: "merge",
          body: { metadata: { labels: null }, spec: { map: { a: 199 - index } } },
        });
      }
      await store.close();
      const now = readFileSync(path);
      const page = Array.from({ length: Math.floor(now.length / PAGE) }, (_, index) => index).find(
        (index) =>
          index > 3 &&
          old.subarray(index * PAGE, (index + 1) * PAGE).includes('"t1') &&
          !old
            .subarray(index * PAGE, (index + 1) * PAGE)
            .equals(now.subarray(index * PAGE, (index + 1) * PAGE)),
      );
      if (page === undefined) throw new Error("no page changed");
      overwrite(path, old.subarray(page * PAGE, (page + 1) * PAGE), page * PAGE);
      return path;
    },
    message: /is damaged: /,
    hint: /Move store\.db/,
  },
  "is cut off": {
    make: async () => {
      const path = await closed();
      truncateSync(path, Math.floor(statSync(path).size / 2 / PAGE) * PAGE);
      return path;
    },
    message: /is damaged: /,
    hint: /Move store\.db/,
  },
  "is empty": {
    make: async () => {
      const path = await closed();
      truncateSync(path, 0);
      return path;
    },
    message: /is damaged: it is empty/,
    hint: /Move store\.db/,
  },
  "is gone, with its log there": {
    make: async () => {
      const path = await killed();
      rmSync(path);
      return path;
    },
    message: /is damaged: it is gone, and its -wal file is there/,
    hint: /Move store\.db/,
  },
  "has lost its log": {
    make: async () => {
      const path = await killed();
      rmSync(`${path}-wal`);
      return path;
    },
    message: /was not closed in order, and its file store\.db-wal, which holds the last writes, is gone/,
    hint: /Put store\.db-wal back.*flaresmith restore/,
  },
  "has the log of another store beside it": {
    make: async () => {
      const path = await closed();
      copyFileSync(`${await killed({ things: 20 })}-wal`, `${path}-wal`);
      return path;
    },
    message: /is damaged: /,
    hint: /Move store\.db and store\.db-wal away/,
  },
  "was restored without removing the log of the one before": {
    make: async () => {
      const path = newPath();
      const store = await openTestStore({ path });
      await store.create(thingType, thing("early"));
      await store.close();
      const backup = newPath();
      copyFileSync(path, backup);
      const later = await openTestStore({ path });
      for (let index = 0; index < 60; index += 1) await later.create(thingType, thing(`late${index}`));
      await later.delete(thingType, { namespace: "default", name: "early" });
      const log = newPath();
      copyFileSync(`${path}-wal`, log);
      await later.close();
      // What the log does not carry is of the backup: half of its frames stand for the whole.
      truncateSync(log, Math.floor(statSync(log).size / 2));
      const other = await closed();
      renameSync(log, `${other}-wal`);
      return other;
    },
    message: /is damaged: /,
    hint: /Move store\.db and store\.db-wal away/,
  },
  "is a database of another program": {
    make: async () => {
      const path = newPath();
      const db = new DatabaseSync(path);
      db.exec("CREATE TABLE t(a)");
      db.close();
      return path;
    },
    message: /store\.db is a SQLite database of another program/,
    hint: /another --data-dir/,
  },
  "was written by a newer version": {
    make: async () => {
      const path = await closed();
      const db = new DatabaseSync(path);
      db.exec("PRAGMA user_version=99");
      db.close();
      return path;
    },
    message: /written by a newer version of Flaresmith \(format 99, this version knows 2\)/,
    hint: /Start that version/,
  },
  "is a directory": {
    make: async () => {
      const path = newPath();
      mkdirSync(path, { mode: 0o755 });
      return path;
    },
    message: /store\.db is a directory/,
    hint: /another --data-dir, or move it away/,
  },
};

test.each(Object.entries(breakages))(
  "a store that %s is refused in one sentence, with the remedy, and left alone",
  async (_, { hint, make, message }) => {
    const path = await make();
    const refusal = await refusalOf(path);
    expect(refusal.name).toBe("StoreUnusableError");
    expect(refusal.message).toMatch(message);
    expect(refusal.message).toContain(path);
    expect(refusal.message).not.toContain("\n");
    expect(refusal.hint).toMatch(hint);
  },
);

test("a log whose last frames were torn by a power failure is cut where they begin, as SQLite does", async () => {
  const path = await killed();
  const size = statSync(`${path}-wal`).size;
  truncateSync(`${path}-wal`, size - 100);
  const store = await openTestStore({ path });
  const { items } = await store.list(thingType);
  expect(items.length).toBe(0);
  expect(await store.create(thingType, thing("new"))).toMatchObject({ metadata: { name: "new" } });
  await store.close();
});

test("a store that was killed is opened with all that it had acknowledged", async () => {
  const store = await openTestStore({ path: await killed() });
  expect((await store.list(thingType)).items).toHaveLength(200);
  await store.close();
});
