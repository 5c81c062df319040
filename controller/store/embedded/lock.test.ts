import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DataDirectoryLockedError, lockDataDirectory } from "./lock.ts";

const directory = (): string => join(mkdtempSync(join(tmpdir(), "flaresmith-lock-")), "data");

test("a second holder is refused with the pid of the first", () => {
  const at = directory();
  const lock = lockDataDirectory(at);
  expect(() => lockDataDirectory(at)).toThrow(DataDirectoryLockedError);
  expect(() => lockDataDirectory(at)).toThrow(`process ${process.pid}`);
  lock.release();
  lockDataDirectory(at).release();
});

test("a holder that was killed leaves no lock behind", async () => {
  const at = directory();
  const script = `import { lockDataDirectory } from ${JSON.stringify(join(import.meta.dirname, "lock.ts"))};
    lockDataDirectory(${JSON.stringify(at)}); process.stdout.write("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  expect(() => lockDataDirectory(at)).toThrow(`process ${String(child.pid)}`);
  child.kill("SIGKILL");
  await once(child, "exit");
  lockDataDirectory(at).release();
});
