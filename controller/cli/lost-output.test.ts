/** Output that nobody takes: readers that go away, full disks, terminals that are closed. */
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/e2e/command-line.ts";
import { endureLosses } from "./lost-output.ts";

const main = join(import.meta.dirname, "main.ts");
/** A file whose disk is always full. */
const FULL = "/dev/full";

/** Runs a command whose standard output is the full disk. */
function startOnFullDisk(...args: string[]) {
  const full = openSync(FULL, "w");
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", full, "pipe"] });
  closeSync(full);
  let err = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, err }));
  return { child, ended };
}

test("a command whose output nobody reads to its end exits as usual, without a stack trace", async () => {
  const child = spawn(process.execPath, [main, "crds"], { stdio: ["ignore", "pipe", "pipe"] });
  // Closed before anything is written: the first write fails already.
  child.stdout.destroy();
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const [code] = (await once(child, "close")) as [number | null];
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
});

test.skipIf(!existsSync(FULL))(
  "a command whose result does not fit on the disk fails in two lines, without a stack trace",
  async () => {
    const { code, err } = await startOnFullDisk("crds").ended;
    expect(code).toBe(1);
    expect(err).toMatch(/^error: ENOSPC: no space left on device, write\nhint: The disk is full: [^\n]+\n$/);
  },
);

test.skipIf(!existsSync(FULL))(
  "a disk that is full keeps what people see from the file, and the controller running",
  { timeout: 60_000 },
  async () => {
    const data = join(temporaryDirectory(), "data");
    const { child, ended } = startOnFullDisk("up", "--installation", "test", "--data-dir", data);
    const log = join(data, "flaresmith.log");
    const ports = join(data, "listeners.json");
    await expect.poll(() => existsSync(ports), { timeout: 30_000 }).toBe(true);
    const { ops } = JSON.parse(readFileSync(ports, "utf8")) as { ops: number };
    const isReady = async (): Promise<number> => (await fetch(`http://127.0.0.1:${ops}/readyz`)).status;
    await expect.poll(isReady, { timeout: 30_000 }).toBe(200);
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, err: "" });
    expect(readFileSync(log, "utf8")).toContain("shutting down");
  },
);

/** A stream that fails as it is told. */
function failing() {
  const output = Object.assign(new EventEmitter(), { write: (_: string, taken: () => void) => taken() });
  const fail = (code: string): Error => {
    const error = Object.assign(new Error(code), { code });
    output.emit("error", error);
    return error;
  };
  return { output, fail };
}

test.each(["EIO", "ENOSPC", "EDQUOT", "EFBIG"])("%s ends nothing, and is told to who asks", async (code) => {
  const { fail, output } = failing();
  const lost = endureLosses(output);
  expect(await lost()).toBeUndefined();
  const first = fail(code);
  fail("EPIPE");
  fail("EIO");
  expect(await lost()).toBe(first);
});

test("a failure that nobody expects of an output is none of them", () => {
  const { fail, output } = failing();
  endureLosses(output);
  expect(() => fail("EBADF")).toThrow("EBADF");
});
