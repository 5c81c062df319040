/** How soon an object is looked at again, by how it went. */
import type { Clock } from "../../controller/runtime/clock.ts";
import { awaitsSecret } from "../../controller/runtime/errors.ts";
import type { ObjectResult } from "./kind.ts";
import type { ObjectMemory } from "./memory.ts";
import type { RemovalResult } from "./remove.ts";
import type { NodeResult } from "./result.ts";

/** Milliseconds until what was written is read back, and until work at a provider is looked at again. */
export const SETTLE = 1_000;
/** The longest wait, in milliseconds, for what does not settle. */
const LONGEST_SETTLE = 60_000;

/**
 * When to look again at what is not settled yet, in milliseconds; undefined when everything is. Soon after a step forward,
 * less often the longer nothing moves: work that never ends must not eat the provider's limits.
 */
export function settleDelay(
  results: readonly NodeResult[],
  removals: readonly RemovalResult[],
  memory: ObjectMemory,
  clock: Clock,
): number | undefined {
  const unsettled =
    results.some(
      (result) =>
        result.status === "settling" ||
        (result.status === "failed" && result.error.code === "INTEGRATION_BUSY"),
    ) ||
    removals.some((removal) => removal.status === "removing" || removal.error?.code === "INTEGRATION_BUSY");
  const moved =
    results.some((result) => result.wrote === true) || removals.some((removal) => removal.status === "gone");
  if (!unsettled) {
    delete memory.unsettledSince;
    return undefined;
  }
  if (moved || memory.unsettledSince === undefined) memory.unsettledSince = clock.monotonic();
  return Math.min(LONGEST_SETTLE, Math.max(SETTLE, (clock.monotonic() - memory.unsettledSince) / 5));
}

/** What the work queue should do after a pass. */
export function nextStep(
  results: readonly NodeResult[],
  removals: readonly RemovalResult[],
  { clock, latest, soon }: { clock: Clock; latest?: number | undefined; soon: number | undefined },
): ObjectResult {
  const errors = [
    ...results.flatMap((result) => (result.status === "failed" ? [result.error] : [])),
    ...removals.flatMap((result) => (result.error ? [result.error] : [])),
  ];
  const limited = errors.filter((error) => error.class === "rateLimited" && error.until !== undefined);
  const retried = errors.find(
    (error) => error.class === "transient" || error.class === "unknownOutcome" || error.class === "conflict",
  );
  // Work at the provider ends in its own time: asking in ever shorter intervals would only repeat the refusal.
  const waits = limited.map((error) => Math.max(0, (error.until ?? 0) - clock.now()));
  if (soon !== undefined) waits.push(soon);
  if (latest !== undefined) waits.push(latest);
  if (soon === undefined && retried) return { error: retried };
  if (waits.length > 0) return { requeueAfter: Math.min(...waits) };
  // A Secret is looked for again sooner than the rest: nobody is told when it is created.
  const worst = errors.find(awaitsSecret) ?? errors[0];
  return worst ? { error: worst } : {};
}
