import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { logDestination } from "./log-file.ts";

/** A device that is always full, where the system has one. */
const FULL = "/dev/full";

const newPath = (): string => join(mkdtempSync(join(tmpdir(), "flaresmith-log-")), "flaresmith.log");

test("lines go to a file that is its owner's alone, or to standard error", () => {
  const path = newPath();
  logDestination(path, () => undefined).write("one\n");
  expect(readFileSync(path, "utf8")).toBe("one\n");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const lines: string[] = [];
  logDestination("-", (line) => lines.push(line)).write("two\n");
  expect(lines).toEqual(["two"]);
});

test.skipIf(!existsSync(FULL))(
  "a full disk breaks nobody who logs; it is said once, and afterwards how much is missing",
  () => {
    const path = newPath();
    const said: string[] = [];
    const log = logDestination(path, (line) => said.push(line));
    log.write("before\n");
    rmSync(path);
    symlinkSync(FULL, path);
    for (const line of ["a\n", "b\n", "c\n"]) log.write(line);
    expect(said).toEqual([expect.stringMatching(/cannot be written \(ENOSPC/)]);
    rmSync(path);
    log.write("after\n");
    expect(readFileSync(path, "utf8")).toBe(
      '{"level":"warn","message":"lines before this one are lost","lost":3}\nafter\n',
    );
  },
);
