/** Pure: which leaks a deletion takes, and why it leaves the others. */
import type { Leak, LeakReport } from "./find-leaks.ts";

export interface LeakChoice {
  chosen: Leak[];
  kept: { leak: Leak; why: string }[];
  /** Names that were given and are no leak, each with the reason. */
  wrong: { name: string; why: string }[];
}

type Identified = { provider: string; type: string; id: string };

/** How something is named to `include` it: `neon/branch/br-1`. */
export const includeName = ({ id, provider, type }: Identified): string => `${provider}/${type}/${id}`;

const leakName = ({ found: { definition, id } }: Leak): string => includeName({ ...definition, id });

const isNamed = (name: string, full: string): boolean => full === name || full.endsWith(`/${name}`);

/**
 * What holds data or code is taken only when it is named.
 * @param include names such as `neon/branch/br-1`, or `branch/br-1` where one provider alone has it
 */
export function chooseLeaks(report: LeakReport, include: readonly string[]): LeakChoice {
  const { leaks, missed } = report;
  const choice: LeakChoice = { chosen: [], kept: [], wrong: [] };
  const named = new Set<Leak>();
  for (const name of include) {
    const meant = leaks.filter((leak) => /\/./.test(name) && isNamed(name, leakName(leak)));
    const [only, another] = meant;
    if (only !== undefined && another === undefined) named.add(only);
    else choice.wrong.push({ name, why: another ? "several are called so" : reasonFor(name, report) });
  }
  const half = new Set(missed.map(({ connection }) => connection));
  for (const leak of leaks) {
    const { connection, definition } = leak.found;
    if (half.has(connection.key))
      choice.kept.push({
        leak,
        why: `not everything could be looked at through Connection ${connection.key}, so that nobody knows what lies in it`,
      });
    else if (definition.holds !== "nothing" && !named.has(leak))
      choice.kept.push({
        leak,
        why: `it holds ${definition.holds}: name it with --include ${leakName(leak)}`,
      });
    else choice.chosen.push(leak);
  }
  return choice;
}

function reasonFor(name: string, { found, tombstones, undecided }: LeakReport): string {
  if (tombstones.some(({ tombstone }) => isNamed(name, includeName(tombstone))))
    return "it was left in place on purpose, and is no leak: delete it at the provider";
  if (undecided.some((leak) => isNamed(name, leakName(leak))))
    return "it cannot be told yet whether it is a leak";
  const owned = found.some(({ definition, id }) => isNamed(name, includeName({ ...definition, id })));
  return owned ? "an object owns it" : "no leak is called so";
}
