/** How long the fuzzers run. */
import type { Parameters } from "fast-check";

const factor = Number(process.env["FLARESMITH_FUZZ"] ?? "1");
const seed = Number(process.env["FLARESMITH_FUZZ_SEED"]);

/**
 * Runs for a property: a fixed number in `npm test`, times `FLARESMITH_FUZZ` where that is set. `FLARESMITH_FUZZ_SEED`
 * starts where an earlier run did; fast-check prints the seed of what failed.
 */
export function fuzz(runs: number): Pick<Parameters<unknown>, "numRuns" | "seed"> {
  if (!Number.isFinite(factor) || factor <= 0) throw new RangeError("FLARESMITH_FUZZ is no positive number");
  return { numRuns: Math.ceil(runs * factor), ...(Number.isInteger(seed) ? { seed } : {}) };
}

/** Milliseconds that a test of such properties may take: more runs take longer. */
export const FUZZ_TIMEOUT = 30_000 * Math.max(1, factor);
