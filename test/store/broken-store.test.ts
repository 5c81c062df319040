/** Class 25: `flaresmith up` on a store that cannot be opened, as a person meets it. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { main, run, start, temporaryDirectory } from "../e2e/command-line.ts";

const LIMIT = 60_000;
const installation = ["--installation", "test"];

/** A data directory whose store was used once. */
async function used(): Promise<string> {
  const data = join(temporaryDirectory(), "data");
  const running = start(["up", ...installation, "--data-dir", data, "-o", "json"]);
  await running.line((line) => line.startsWith('{"event":"started"'));
  running.process.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 0 });
  return data;
}

const cases: Readonly<Record<string, { harm: (store: string) => void; error: RegExp; hint: RegExp }>> = {
  "is no database": {
    harm: (store) => writeFileSync(store, "no database\n".repeat(1000)),
    error: /^error: The store \S+store\.db is damaged: file is not a database\.$/,
    hint: /^hint: Nothing was changed\. Move store\.db and store\.db-wal away .*flaresmith restore.*--installation/,
  },
  "is empty": {
    harm: (store) => writeFileSync(store, ""),
    error: /^error: The store \S+store\.db is damaged: it is empty\.$/,
    hint: /^hint: Nothing was changed\./,
  },
  "is of a newer version": {
    harm: (store) => {
      const db = new DatabaseSync(store);
      db.exec("PRAGMA user_version=99");
      db.close();
    },
    error: /^error: The store \S+store\.db was written by a newer version of Flaresmith \(format 99/,
    hint: /^hint: Nothing was changed\. Start that version/,
  },
};

test.each(Object.entries(cases))(
  "a store that %s ends the start with exit code 1, two lines, and the file as it was",
  { timeout: LIMIT },
  async (_, { error, harm, hint }) => {
    const data = await used();
    const store = join(data, "store.db");
    harm(store);
    const before = readFileSync(store);
    const files = readdirSync(data);
    const ended = await run(["up", ...installation, "--data-dir", data]);
    expect(ended).toMatchObject({ code: 1, signal: null, out: "" });
    const lines = ended.err.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(error);
    expect(lines[1]).toMatch(hint);
    expect(readFileSync(store)).toEqual(before);
    expect(readdirSync(data)).toEqual(files);

    const json = await run(["up", ...installation, "--data-dir", data, "-o", "json"]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: "STORE_UNUSABLE" } });
  },
);

/** root may do everything; so that modes mean something, the process then runs as nobody. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const others = { uid: NOBODY, gid: NOBODY };
const canBeOther = !isRoot || spawnSync(process.execPath, [main, "version"], others).status === 0;
const asOther = isRoot ? { user: NOBODY } : {};

function give(path: string): void {
  if (isRoot) chownSync(path, NOBODY, NOBODY);
}

test.skipIf(!canBeOther)(
  "a store that this user may not read is named with what to do",
  { timeout: LIMIT },
  async () => {
    const data = await used();
    const store = join(data, "store.db");
    for (const path of [join(data, ".."), data, ...readdirSync(data).map((name) => join(data, name))])
      give(path);
    chmodSync(store, 0o000);
    const ended = await run(["up", ...installation, "--data-dir", data], asOther);
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(
      /^error: The store \S+store\.db cannot be opened: EACCES: permission denied[^\n]*\nhint: [^\n]*owner, mode[^\n]*\n$/,
    );
    expect(statSync(store).mode & 0o777).toBe(0);
  },
);

test(
  "a data directory that this user may not write is named with what to do",
  { timeout: LIMIT },
  async () => {
    const data = join(temporaryDirectory(), "data");
    mkdirSync(data);
    give(join(data, ".."));
    give(data);
    chmodSync(data, 0o500);
    const ended = await run(["up", ...installation, "--data-dir", data], asOther);
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(
      /^error: EACCES: permission denied[^\n]*data[^\n]*\nhint: [^\n]*owner and mode[^\n]*\n$/,
    );
    expect(readdirSync(data)).toEqual([]);
  },
);

test("a file in place of the data directory is named with what to do", { timeout: LIMIT }, async () => {
  const data = join(temporaryDirectory(), "data");
  writeFileSync(data, "mine");
  const ended = await run(["up", ...installation, "--data-dir", data]);
  expect(ended.code).toBe(1);
  expect(ended.err).toMatch(/^error: EEXIST: [^\n]*data[^\n]*\nhint: [^\n]*choose another path[^\n]*\n$/);
  expect(readFileSync(data, "utf8")).toBe("mine");
});

const ownMounts = spawnSync("unshare", ["-r", "-m", "true"]).status === 0;

test.skipIf(!ownMounts)(
  "a data directory on a read-only file system is named with what to do",
  { timeout: LIMIT },
  async () => {
    const data = await used();
    const readOnly = `mount --bind ${data} ${data} && mount -o remount,ro,bind ${data}`;
    const ended = await run(["up", ...installation, "--data-dir", data], {
      through: ["unshare", "-r", "-m", "sh", "-c", `${readOnly} && exec "$0" "$@"`],
    });
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(
      /^error: EROFS: read-only file system[^\n]*data[^\n]*\nhint: [^\n]*read-write[^\n]*\n$/,
    );
  },
);
