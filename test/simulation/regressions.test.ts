/** What once broke a promise keeps it now. */
import { expect, it } from "vitest";
import { regressions } from "./regressions.ts";
import { run } from "./run.ts";
import { scenarioNamed } from "./scenarios/index.ts";

it.each(regressions)("$scenario $seed: $was", { timeout: 120_000 }, async ({ scenario, seed }) => {
  const { violation } = await run({ scenario: scenarioNamed(scenario), seed });
  expect(violation).toBeUndefined();
});
