/** What variables and secrets have in common: where they lie, and which names are ours to remove. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type {
  Depth,
  FieldChange,
  InventoryEntry,
  Reference,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";
import { define } from "./define.ts";
import { splitName } from "./repository-access.ts";
import type { ReadContext } from "./repository-access.ts";

type Context = ResourceContext<GitHubClient>;

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

/** Stands for a name in the inventory between the decision to write it and what is known of it afterwards. */
const CLAIMED = "claimed";

/** Names that the inventory says we wrote, or were about to write. */
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

/**
 * The resource of a set: there whenever its repository or environment is, nobody's by itself, and removed by removing
 * what we wrote into it, which `entry.data` remembers by name.
 *
 * @param parts.read undefined when the repository or environment does not exist
 * @param parts.empty what is observed of a set that nobody has written to
 */
export function defineSet<
  Desired extends { repository: string; environment?: string | undefined },
  Observed,
>(parts: {
  type: "variables" | "secrets";
  segment: string;
  rule: Depth | "write-only";
  empty: Observed;
  read: (context: ReadContext, place: Place) => Promise<Observed | undefined>;
  diff: (desired: Desired, observed: Observed, entry: InventoryEntry | undefined) => FieldChange[];
  /** Names that `write` is going to write. */
  due: (desired: Desired, observed: Observed, entry: InventoryEntry | undefined) => readonly string[];
  write: (desired: Desired, observed: Observed, context: Context) => Promise<WriteResult<Observed>>;
  drop: (place: Place, name: string, context: Context) => Promise<void>;
}): ResourceDefinition<Desired, Observed, GitHubClient> {
  const { diff, drop, due, empty, read, rule, segment, type, write } = parts;
  return define<Desired, Observed>({
    provider: "github",
    type,
    segment,
    holds: "nothing",
    ownership: "inherited",
    content: true,
    fields: { [type]: rule },
    reference: referenceOf,
    observe: async (reference, context) => {
      const place = placeOf(reference);
      const load = (): Promise<Observed | undefined> => read(context, place);
      const observed = await context.read({
        listing: `${reference.scope}#${reference.name}`.toLowerCase(),
        list: load,
        find: (found) => found,
        single: load,
      });
      if (!observed) return { state: "absent" };
      return { state: "present", id: reference.name, owner: "unmarked", observed, depth: "deep" };
    },
    diff,
    claim: (desired, observed, entry) => {
      const data = entry?.data ?? {};
      const added = due(desired, observed ?? empty, entry).filter((name) => !(name in data));
      return added.length === 0
        ? undefined
        : { ...data, ...Object.fromEntries(added.map((name) => [name, CLAIMED])) };
    },
    create: async (desired, context) =>
      write(desired, (await read(context, placeOf(referenceOf(desired)))) ?? empty, context),
    update: (desired, observed, _changes, context) => write(desired, observed, context),
    remove: async (reference, context) => {
      for (const name of writtenNames(context.entry)) await drop(placeOf(reference), name, context);
    },
    outputs: () => ({}),
  });
}
