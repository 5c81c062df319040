import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../runtime/adapters/system.ts";
import { chokidarWatch } from "./watch-directory.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "watched-"));
});
afterEach(() => rm(directory, { recursive: true }));

test("a file that is written is heard of, in a folder made later too", async () => {
  let heard = Promise.withResolvers<void>();
  let count = 0;
  const failures: unknown[] = [];
  const watch = chokidarWatch({ clock: systemClock(), failed: (_root, error) => failures.push(error) });
  const watcher = watch(directory, () => {
    count += 1;
    heard.resolve();
  });
  try {
    // Until the watcher stands nothing is promised: a file is written again and again until it is heard of.
    const written = (async (): Promise<void> => {
      let round = 0;
      for (const before = count; count === before; round += 1) {
        await writeFile(join(directory, "a.yaml"), String(round));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    await heard.promise;
    await written;
    heard = Promise.withResolvers<void>();
    await mkdir(join(directory, "sub"));
    await writeFile(join(directory, "sub", "b.yaml"), "b");
    await heard.promise;
    expect(failures).toEqual([]);
  } finally {
    watcher.close();
  }
});
