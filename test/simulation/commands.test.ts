/**
 * Whatever people and accidents do one after another, in whatever order, everything becomes what people want when all is
 * well again, and no promise is broken on the way.
 */
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
