/** A file that is made takes nothing from anybody: no name, and no file beside it. */
import type * as FileSystem from "node:fs";
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { createStore } from "./copy.ts";
import { inspect } from "./inspect.ts";

vi.mock("node:fs", async (original) => {
  const fs = await original<typeof FileSystem>();
  return { ...fs, linkSync: vi.fn(fs.linkSync) };
});

/** Of a store in which nothing is. */
const nothing = { rows: [], revision: 7 };
let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "flaresmith-create-")), "b.db");
});
const around = (): string[] => readdirSync(dirname(path)).toSorted();

test("what a user keeps beside a backup stays as it is, whatever it is called", () => {
  const kept = ["b.db.new", "b.db.new-wal", "b.db.unfinished-1", "b.db.unfinished-2-journal"];
  for (const name of kept) writeFileSync(join(dirname(path), name), name);
  createStore(path, nothing);
  for (const name of kept) expect(readFileSync(join(dirname(path), name), "utf8")).toBe(name);
  expect(around()).toEqual(["b.db", ...kept].toSorted());
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("two backups to one name at the same time: the first gets it, and the other says so", () => {
  vi.mocked(linkSync).mockImplementationOnce((from, to) => {
    createStore(path, { ...nothing, revision: 8 });
    linkSync(from, to);
  });
  expect(() => createStore(path, nothing)).toThrow(`${path} exists.`);
  expect(inspect(path).revision).toBe(8);
  expect(around()).toEqual(["b.db"]);
});

test("where the file system has no links it gets its name all the same, and takes it from nothing", () => {
  vi.mocked(linkSync).mockImplementationOnce(() => {
    throw Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM" });
  });
  createStore(path, nothing);
  expect(inspect(path).revision).toBe(7);
  expect(() => createStore(path, { ...nothing, revision: 8 })).toThrow(`${path} exists.`);
  expect(inspect(path).revision).toBe(7);
  expect(around()).toEqual(["b.db"]);
});

test("what a killed restore left half made in a data directory is gone after the next", () => {
  for (const name of ["b.db.unfinished-1", "b.db.unfinished-1-journal"])
    writeFileSync(join(dirname(path), name), "half");
  createStore(path, nothing, { isOwn: true });
  expect(around()).toEqual(["b.db"]);
  expect(existsSync(`${path}.unfinished-1`)).toBe(false);
});
