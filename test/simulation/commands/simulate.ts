/** `npm run simulate -- --commands`: plays workloads one after another, or one again with its timeline. */
import { outcomeInWords, playWorkload } from "./workload.ts";
import type { Place } from "./workload.ts";

/** Every workload of so many seeds. @returns 1 when one broke a promise, else 0 */
export async function simulateCommands(options: {
  /** How many workloads. */
  count: number;
  /** The seed of the first. */
  from: number;
  print: (line: string) => void;
}): Promise<number> {
  const { count, from, print } = options;
  const began = performance.now();
  let violations = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const outcome = await playWorkload({ seed });
    if (outcome.broken !== undefined) {
      violations += 1;
      print(`workload ${seed}: ${outcomeInWords(outcome)}`);
    }
    const done = seed + 1 - from;
    if (done % 500 === 0) print(`${done} workloads, ${violations} violations`);
  }
  const minutes = (performance.now() - began) / 60_000;
  print(`${count} workloads, ${violations} violations, ${Math.round(count / minutes)} workloads per minute`);
  return violations === 0 ? 0 : 1;
}

/**
 * One workload, moment by moment.
 * @param path as a violation was told with it; `0` for the whole workload of the seed
 * @returns 1 when it breaks a promise, else 0
 */
export async function replayCommands(
  seed: number,
  path: string,
  print: (line: string) => void,
): Promise<number> {
  const outcome = await playWorkload(placeOf(seed, path), {
    listen: (milliseconds, line) => print(`${(milliseconds / 1000).toFixed(3).padStart(10)} s  ${line}`),
  });
  print(outcomeInWords(outcome));
  return outcome.broken === undefined ? 0 : 1;
}

function placeOf(seed: number, path: string): Place {
  const slash = path.indexOf("/");
  // What fast-check calls the replay path has slashes of its own.
  return slash < 0 ? { seed, path } : { seed, path: path.slice(0, slash), replayPath: path.slice(slash + 1) };
}
