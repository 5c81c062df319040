/** `status.secrets` of an Environment: where each secret was written, by what the pass found. */
import type { PlannedSecret } from "./deployment.ts";
import type { NodeResult } from "./engine/result.ts";
import type { EnvironmentObject } from "./objects.ts";

type WrittenSecret = NonNullable<NonNullable<EnvironmentObject["status"]>["secrets"]>[number];

/** Slots of what carries a target's secrets. */
const carriers = {
  GitHub: (slot: string) => slot === "githubSecrets",
  Worker: (slot: string) => slot.startsWith("cloudflareWorker/"),
} as const;

/**
 * A target counts when everything that carries its secrets has them; what could not be brought up to date in this pass
 * keeps what was known of it.
 */
export function writtenSecrets(
  planned: readonly PlannedSecret[],
  results: ReadonlyMap<string, NodeResult>,
  before: readonly WrittenSecret[],
): WrittenSecret[] | undefined {
  const found = [...results.values()];
  const written = planned.flatMap(({ from, name, to }) => {
    const known = before.find((one) => one.name === name && one.from === from)?.to ?? [];
    const reached = to.filter((target) => {
      const own = found.filter(({ slot }) => carriers[target](slot));
      if (own.length === 0) return false;
      return own.every(({ status }) => status === "ready") || known.includes(target);
    });
    return reached.length === 0 ? [] : [{ name, from, to: reached }];
  });
  return written.length === 0 ? undefined : written;
}
