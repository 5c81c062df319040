/** Secrets lie in the store: nothing of it is written to a folder that is meant for everybody. */
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openTestStore } from "../../controller/store/embedded/testing.ts";
import { temporaryDirectory } from "../e2e/command-line.ts";
import { typeOf } from "../support/world.ts";

const LONG_AGO = new Date("2020-01-01T00:00:00Z");

test("a store of many megabytes is opened, written and closed without a file in the temporary directory", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "store.db");
  const store = await openTestStore({ path });
  for (let index = 0; index < 120; index += 1) {
    await store.create(typeOf("Secret"), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: `secret-${index}`, namespace: "default" },
      data: { text: "A".repeat(100_000) },
    });
  }
  await store.close();
  const temporary = join(directory, "tmp");
  mkdirSync(temporary);
  utimesSync(temporary, LONG_AGO, LONG_AGO);
  const opener = spawnSync(process.execPath, [join(import.meta.dirname, "opener-process.ts"), path], {
    encoding: "utf8",
    env: { ...process.env, SQLITE_TMPDIR: temporary, TMPDIR: temporary },
  });
  expect(opener).toMatchObject({ status: 0, stdout: expect.stringContaining("closed") });
  // SQLite removes what it makes there at once, so that the directory's own time tells of it alone.
  expect(statSync(temporary).mtime).toEqual(LONG_AGO);
});
