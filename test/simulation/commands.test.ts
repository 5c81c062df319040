/**
 * Whatever people and accidents do one after another, in whatever order, everything becomes what people want when all is
 * well again, and no promise is broken on the way.
 */
import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { outcomeInWords, playWorkload } from "./commands/workload.ts";

/** Workloads, from seed 1. */
const WORKLOADS = 100;
const GROUP = 20;

const groups = Array.from({ length: WORKLOADS / GROUP }, (_, index) => 1 + index * GROUP);
const seen: string[] = [];

describe("workloads of commands", () => {
  it.each(groups)("seeds from %i keep every promise", { timeout: 300_000 }, async (from) => {
    for (let seed = from; seed < from + GROUP; seed += 1) {
      const outcome = await playWorkload({ seed });
      seen.push(...outcome.played.lines);
      expect(outcome.broken === undefined ? "" : outcomeInWords(outcome)).toBe("");
    }
  });

  it.each([
    "is wanted: from the template",
    "is wanted: from files",
    "is wanted again",
    "is to have",
    "is deleted",
    "is suspended",
    "what is suspended goes on",
    "somebody else makes a",
    "may take over what it finds",
    "somebody deletes",
    "the process dies",
    "the process dies after its call",
    "nobody hears the answer of its write",
    "the process is told to end",
    "is down",
    "asks to wait",
    "lag",
    "503 of the store",
    "believes that it leads",
    "everything works again",
    "min pass",
  ])("say among others: %s", (words) => {
    expect(seen.some((line) => line.includes(words))).toBe(true);
  });

  it("of one seed are the same to the last line of the trace", { timeout: 60_000 }, async () => {
    const first = await playWorkload({ seed: 1 });
    const again = await playWorkload({ seed: 1 });
    const other = await playWorkload({ seed: 2 });
    expect(again.played.lines).toEqual(first.played.lines);
    expect(again.played.hash).toBe(first.played.hash);
    expect(other.played.hash).not.toBe(first.played.hash);
  });
});

/** Runs the command line with a deliberate fault in the controller: whatever looks like ours is taken for ours. */
function simulate(...args: string[]): Promise<string> {
  const program = new URL("simulate.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, "--mutation", "adoption-by-name", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => void (text += chunk.toString()));
  return new Promise((resolve) => child.on("close", () => resolve(text)));
}

describe("a workload that breaks a promise", () => {
  it(
    "is told as the few commands that it takes, and played again to the same end",
    { timeout: 240_000 },
    async () => {
      // A seed whose workload is long and meets the fault; another has to be found when commands are drawn otherwise.
      const told = await simulate("--commands", "1", "--from", "33");
      const [, count = "", from = "", hash = ""] = /(\d+) commands of (\d+); trace (\w+)/.exec(told) ?? [];
      expect(Number(from)).toBeGreaterThanOrEqual(15);
      expect(Number(count)).toBeLessThanOrEqual(3);
      expect(told).toMatch(/somebody else makes a repository[^\n]*\n[^\n]*the project \w+ is wanted/);
      const broken = /^workload 33: (.+)$/m.exec(told)?.[1] ?? "";
      expect(broken).toMatch(/^only what is ours: github acme/);
      const path = /--path '([^']+)'/.exec(told)?.[1] ?? "";
      const again = await simulate("--commands", "1", "--from", "33", "--path", path);
      expect(again).toContain(`${broken}\n`);
      expect(again).toContain(`trace ${hash}`);
    },
  );
});
