/** A disk that fills while `backup` or `restore` writes: they say so, and nothing that looks like a store is left. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openTestStore } from "../../controller/store/embedded/testing.ts";
import { main, temporaryDirectory } from "../e2e/command-line.ts";
import { typeOf } from "../support/world.ts";

/** Whether this user may have a mount namespace of their own, where a small file system can be mounted. */
const ownMounts =
  spawnSync("unshare", ["-r", "-m", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]).status === 0;

const MAPS = 86;

/** A data directory whose store takes a little more than 4 MiB. */
async function dataOfFourMegabytes(): Promise<string> {
  const data = join(temporaryDirectory(), "data");
  mkdirSync(data);
  const store = await openTestStore({ path: join(data, "store.db") });
  for (let index = 0; index < MAPS; index += 1) {
    await store.create(typeOf("ConfigMap"), {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `map-${index}`, namespace: "default" },
      data: { text: "x".repeat(50_000) },
    });
  }
  await store.close();
  return data;
}

async function mapsIn(path: string): Promise<number> {
  const store = await openTestStore({ path });
  const { items } = await store.list(typeOf("ConfigMap"));
  await store.close();
  return items.length;
}

/** Runs a command with a file system of that size at the path, lists what lies there then, and keeps `left` of it. */
function runOnSmallDisk(at: string, size: string, args: readonly string[], left: string) {
  mkdirSync(at, { recursive: true });
  const after = `code=$?; ls -A ${at}; cp ${left} ${at}.kept 2>/dev/null; exit $code`;
  const script = `mount -t tmpfs -o size=${size} tmpfs ${at} && { "$0" "$@"; ${after}; }`;
  const { status, stdout, stderr } = spawnSync(
    "unshare",
    ["-r", "-m", "sh", "-c", script, process.execPath, main, ...args],
    { encoding: "utf8" },
  );
  return { code: status, out: stdout, err: stderr };
}

test.skipIf(!ownMounts)(
  "a backup that does not fit fails, and leaves no file; one that just fits is whole",
  { timeout: 120_000 },
  async () => {
    const data = await dataOfFourMegabytes();
    const disk = join(temporaryDirectory(), "disk");
    const saved = join(disk, "saved.db");
    const saving = ["backup", saved, "--data-dir", data];
    for (const size of ["1m", "2m", "3m", "4m"]) {
      const { code, err, out } = runOnSmallDisk(disk, size, saving, saved);
      expect({ code, out }, size).toEqual({ code: 1, out: "" });
      expect(err, size).toMatch(/^error: The store \S+saved\.db cannot be \S+: .+\nhint: .*room/);
    }
    for (const size of ["5m", "6m", "7m", "8m", "9m"]) {
      const { code, out } = runOnSmallDisk(disk, size, saving, saved);
      expect({ code, out }, size).toEqual({ code: 0, out: expect.stringMatching(/^Saved .*\nsaved\.db\n$/) });
      expect(await mapsIn(`${disk}.kept`), size).toBe(MAPS);
      rmSync(`${disk}.kept`);
    }
  },
);

test.skipIf(!ownMounts)(
  "a restore that does not fit fails, and the data directory has no store afterwards",
  { timeout: 120_000 },
  async () => {
    const source = join(await dataOfFourMegabytes(), "store.db");
    const disk = join(temporaryDirectory(), "disk");
    const store = join(disk, "store.db");
    const restoring = ["restore", source, "--data-dir", disk];
    for (const size of ["2m", "6m", "7m", "8m"]) {
      const { code, err, out } = runOnSmallDisk(disk, size, restoring, store);
      expect(code, size).toBe(1);
      expect(out, size).not.toContain("store.db");
      expect(err, size).toMatch(/^error: .*(disk is full|no space left).*\nhint: .*room/);
    }
    for (const size of ["9m", "10m", "12m"]) {
      const { code, out } = runOnSmallDisk(disk, size, restoring, store);
      expect(code, size).toBe(0);
      expect(out, size).toMatch(/^Restored \d+ objects .*\n(\S+\n)*store\.db\n$/);
      expect(await mapsIn(`${disk}.kept`), size).toBe(MAPS);
      rmSync(`${disk}.kept`);
    }
  },
);
