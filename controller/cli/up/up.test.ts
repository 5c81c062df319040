/** Ctrl-C at any moment of the start of `flaresmith up` ends it as Ctrl-C does later. */
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { systemClock, systemRandom } from "../../runtime/adapters/system.ts";
import type { Clock } from "../../runtime/clock.ts";
import { lockDataDirectory } from "../../store/embedded/index.ts";
import { runCommandLine } from "../program.ts";

const root = mkdtempSync(join(tmpdir(), "flaresmith-up-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A clock that counts how often it is read: nearly everything that happens reads it. */
function countingClock(onRead: (reads: number) => void): Clock {
  const system = systemClock();
  let reads = 0;
  const read = (value: number): number => {
    onRead((reads += 1));
    return value;
  };
  return {
    ...system,
    now: () => read(system.now()),
    monotonic: () => read(system.monotonic()),
  };
}

interface Ended {
  code: number;
  err: string;
  /** How often the clock had been read when it ran; undefined when it was stopped before. */
  ranAfter: number | undefined;
}

/** Starts it, and presses Ctrl-C once the clock was read so often; at the latest when it runs. */
async function stoppedAfter(wanted: number, ...args: string[]): Promise<Ended> {
  const signals = new EventEmitter();
  const data = mkdtempSync(join(root, "data-"));
  const press = (): void => void setImmediate(() => signals.emit("SIGINT", "SIGINT"));
  let err = "";
  let ranAfter: number | undefined;
  let seen = 0;
  const code = await runCommandLine(
    ["up", "--installation", "test", "--data-dir", data, "-o", "json", ...args],
    {
      terminal: {
        line: (text) => {
          if (!text.includes('"event":"started"')) return;
          ranAfter = seen;
          press();
        },
        error: (text) => void (err += `${text}\n`),
        raw: () => undefined,
        interactive: false,
        columns: 120,
      },
      clock: countingClock((reads) => {
        seen = reads;
        if (reads === wanted) press();
      }),
      random: systemRandom(),
      fetch: () => Promise.reject(new Error("no network here")),
      env: {},
      signals,
      ask: undefined,
      exit: () => undefined,
      version: "0.0.0-test",
    },
  );
  lockDataDirectory(data).release();
  return { code, err, ranAfter };
}

const MOMENTS = 24;

test("Ctrl-C while it starts ends with 0, says nothing of defects, and leaves the directory free", async () => {
  const whole = await stoppedAfter(Infinity);
  const reads = whole.ranAfter ?? 0;
  const moments = new Set(
    Array.from({ length: MOMENTS }, (_, index) => 1 + Math.floor((index * reads) / MOMENTS)),
  );
  expect(moments.size).toBeGreaterThan(MOMENTS / 2);
  const ended = [whole];
  for (const moment of moments) ended.push(await stoppedAfter(moment));
  expect(ended.map(({ code, err }) => ({ code, err }))).toEqual(ended.map(() => ({ code: 0, err: "" })));
  expect(ended.filter(({ ranAfter }) => ranAfter === undefined).length).toBeGreaterThan(MOMENTS / 2);
}, 60_000);

test("Ctrl-C while --once starts ends with 1: not everything is Ready", async () => {
  expect(await stoppedAfter(1, "--once")).toEqual({ code: 1, err: "", ranAfter: undefined });
});
