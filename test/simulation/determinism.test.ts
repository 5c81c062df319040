/** A seed is a run: the same one twice is the same to the last line, also while the machine is busy. */
import { fork } from "node:child_process";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "./run.ts";
import { scenarios } from "./scenarios/index.ts";

const busy = fork(new URL("testing/busy.ts", import.meta.url).pathname, { execArgv: [] });
afterAll(() => void busy.kill());

describe.each(scenarios.map((scenario) => [scenario.name, scenario] as const))("%s", (_name, scenario) => {
  it("gives the same trace for the same seed, and another for another", { timeout: 120_000 }, async () => {
    const first = await run({ scenario, seed: 11 });
    const again = await run({ scenario, seed: 11 });
    const other = await run({ scenario, seed: 12 });
    expect(again.hash).toBe(first.hash);
    expect(again.requests).toBe(first.requests);
    expect(other.hash).not.toBe(first.hash);
  });
});
