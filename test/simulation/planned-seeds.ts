/** Which seeds of which scenarios a run is made of. */
import { scenarios } from "./scenarios/index.ts";
import type { Accident, Place } from "./sweep.ts";

/** One run to be made. */
export interface Planned {
  scenario: string;
  seed: number;
  /** Of a sweep: the one accident of the run. */
  accident?: { place: Place; what: Accident };
}

/** How often each scenario comes up among 100 seeds: what is small and breaks easily is run most. */
const shares: Readonly<Record<string, number>> = Object.freeze({
  "one-thing": 46,
  "unclear-creates": 15,
  "settings-in-place": 6,
  "refused-midway": 3,
  "delete-during-create": 10,
  "one-project": 6,
  "foreign-name": 5,
  "provider-outage": 4,
  drift: 3,
  "two-leaders": 2,
  "five-projects": 1,
});

/** @throws RangeError for a scenario that does not exist */
export function* plannedSeeds(options: {
  seeds: number;
  from: number;
  scenario?: string;
}): Generator<Planned> {
  const { from, scenario, seeds } = options;
  const names = scenarios.map(({ name }) => name);
  if (scenario !== undefined && !names.includes(scenario))
    throw new RangeError(`there is no scenario ${scenario}; there are ${names.join(", ")}`);
  const cycle = names.flatMap((name) => Array.from({ length: shares[name] ?? 1 }, () => name));
  for (let index = 0; index < seeds; index += 1) {
    const seed = from + index;
    // 37 is prime to 100: scenarios alternate instead of coming in blocks.
    yield { scenario: scenario ?? cycle[(seed * 37) % cycle.length] ?? "one-project", seed };
  }
}
