/** What variables and secrets have in common: where they lie, and which names are ours to remove. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { InventoryEntry, Reference } from "../engine/resource.ts";
import { splitName } from "./repository-access.ts";

/** The repository itself, or one of its environments. */
export interface Place {
  repository: string;
  environment: string | undefined;
}

const PREFIX = "environments/";

export function referenceOf({
  repository,
  environment,
}: {
  repository: string;
  environment?: string | undefined;
}): Reference {
  return { scope: repository, name: environment === undefined ? "repository" : PREFIX + environment };
}

export function placeOf({ scope, name }: Reference): Place {
  return { repository: scope, environment: name.startsWith(PREFIX) ? name.slice(PREFIX.length) : undefined };
}

/** For messages: `acme/shop` or `the environment dev of acme/shop`. */
export function describePlace({ repository, environment }: Place): string {
  return environment === undefined ? repository : `the environment ${environment} of ${repository}`;
}

export const pathOf = ({ repository }: Place): { owner: string; repo: string } => splitName(repository);

/**
 * Values by the upper-case names under which GitHub keeps them.
 *
 * @throws FlaresmithError SPEC_INVALID for names that GitHub reserves, and for two that differ only in case
 */
export function byStoredName<Value>(
  values: Readonly<Record<string, Value>>,
  what: "variable" | "secret",
): Map<string, Value> {
  const stored = new Map<string, Value>();
  for (const [name, value] of Object.entries(values)) {
    const upper = name.toUpperCase();
    if (stored.has(upper) || upper.startsWith("GITHUB_"))
      throw new FlaresmithError({
        code: "SPEC_INVALID",
        message: stored.has(upper)
          ? `two ${what}s are called ${upper} without regard to case`
          : `${what} names must not start with GITHUB_, as ${name} does`,
        hint: `Rename the ${what} ${name}.`,
        context: { provider: "github" },
      });
    stored.set(upper, value);
  }
  return stored;
}

/** Names that the inventory says we wrote. */
export function writtenNames(entry: InventoryEntry | undefined): string[] {
  return Object.keys(entry?.data ?? {}).filter((name) => name === name.toUpperCase());
}

/**
 * Runs the writes of a set one after another. When one fails after others succeeded, what succeeded must be remembered,
 * so the failure is returned as text to be pending on; the next pass runs into it again and tells it.
 *
 * @throws what the first write throws
 */
export async function runSteps(steps: readonly (() => Promise<void>)[]): Promise<string | undefined> {
  for (const [index, step] of steps.entries()) {
    try {
      await step();
    } catch (error) {
      if (index === 0 || !(error instanceof FlaresmithError)) throw error;
      return `${steps.length - index} more to write: ${error.message}`;
    }
  }
  return undefined;
}
