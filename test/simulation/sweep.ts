/**
 * Systematic beside random: what a clean run does at the boundaries to providers and store is counted, and then the run is
 * repeated with one accident at each of these places, before it, after it, or with its answer lost.
 */
import { calm } from "./faults.ts";
import { run } from "./run.ts";
import type { RunOptions, RunResult, Scenario, Script } from "./run.ts";
import type { Planned } from "./planned-seeds.ts";
import { drift } from "./scenarios/drift.ts";
import { foreignName } from "./scenarios/foreign-name.ts";
import { scenarioNamed } from "./scenarios/index.ts";
import { wholeShape } from "./shapes.ts";

const MINUTE = 60_000;

const scripted = (name: string, about: string, script: () => Script): Scenario => ({ name, about, script });

/** What every kind goes through: being made, changed, repaired, taken over and deleted. */
const sweeps: readonly Scenario[] = [
  scripted("create", "Everything is made.", () => ({
    faults: calm,
    steps: [{ at: 0, act: (scene) => scene.want(wholeShape("shop")) }],
  })),
  scripted("update", "Everything that exists is changed.", () => {
    const shape = wholeShape("shop");
    const dev = shape.environments["dev"];
    if (dev === undefined) throw new Error("the whole shape has an environment dev");
    const next = {
      ...shape,
      description: "Another shop",
      region: "us",
      ruleset: false,
      environments: {
        dev: { ...dev, greeting: "moin", cron: "*/30 * * * *", stageVariable: "dev-2", stripe: false },
        staging: { ...dev, stage: "Staging" as const },
      },
      previews: { ...shape.previews, "pr-2": { base: "dev" } },
    };
    return {
      faults: calm,
      steps: [
        { at: 0, act: (scene) => scene.want(shape) },
        { at: MINUTE, act: (scene) => scene.want(next) },
      ],
    };
  }),
  scripted("delete", "Everything that exists is deleted.", () => ({
    faults: calm,
    steps: [
      { at: 0, act: (scene) => scene.want(wholeShape("shop")) },
      { at: MINUTE, act: (scene) => scene.abandon("shop") },
    ],
  })),
  scripted("orphan", "A project is deleted that leaves what holds data or code in place.", () => ({
    faults: calm,
    steps: [
      { at: 0, act: (scene) => scene.want({ ...wholeShape("shop"), deletionPolicy: "Orphan" }) },
      { at: MINUTE, act: (scene) => scene.abandon("shop") },
    ],
  })),
  { ...drift, name: "repair", script: (random, seed) => ({ ...drift.script(random, seed), faults: calm }) },
  {
    ...foreignName,
    name: "adopt",
    script: (random, seed) => ({ ...foreignName.script(random, seed), faults: calm }),
  },
];

/** Where an accident can happen: the nth call to a provider or the nth write to the store. */
export interface Place {
  boundary: "call" | "write";
  index: number;
}

const accidents = ["crash before", "crash after", "lost answer"] as const;
export type Accident = (typeof accidents)[number];

/** One run with one accident. */
function sweepRun(
  scenario: Scenario,
  seed: number,
  accident?: { place: Place; what: Accident },
): Promise<RunResult & { calls: number; writes: number }> {
  let calls = 0;
  let writes = 0;
  const hit = (boundary: Place["boundary"], index: number): Accident | undefined =>
    accident?.place.boundary === boundary && accident.place.index === index ? accident.what : undefined;
  const options: RunOptions = {
    scenario,
    seed,
    brief: true,
    callFate: (_call, drawn) => {
      const what = hit("call", calls++);
      if (what === "lost answer") return { ...drawn, lost: "answer" };
      return what === undefined ? drawn : { ...drawn, crash: what === "crash before" ? "before" : "after" };
    },
    writeFate: (_write, drawn) => {
      const what = hit("write", writes++);
      if (what === "lost answer") return { ...drawn, lost: true };
      return what === undefined ? drawn : { ...drawn, crash: what === "crash before" ? "before" : "after" };
    },
  };
  return run(options).then((result) => ({ ...result, calls, writes }));
}

/** Every place of the clean run of every sweep, with every accident. @throws Error when a clean run breaks a promise */
export async function* plannedSweep(): AsyncGenerator<Planned> {
  for (const scenario of sweeps) {
    const seed = 1;
    const clean = await sweepRun(scenario, seed);
    if (clean.violation !== undefined)
      throw new Error(
        `the clean ${scenario.name} breaks ${clean.violation.oracle}: ${clean.violation.message}`,
      );
    for (const what of accidents) {
      for (let index = 0; index < clean.calls; index += 1)
        yield { scenario: scenario.name, seed, accident: { place: { boundary: "call", index }, what } };
      for (let index = 0; index < clean.writes; index += 1)
        yield { scenario: scenario.name, seed, accident: { place: { boundary: "write", index }, what } };
    }
  }
}

/** Runs what was planned, of a sweep or of a scenario. @throws RangeError for a name that does not exist */
export function runPlanned({ accident, scenario, seed }: Planned): Promise<RunResult> {
  if (accident === undefined) return run({ scenario: scenarioNamed(scenario), seed });
  const found = sweeps.find((sweep) => sweep.name === scenario);
  if (found === undefined) throw new RangeError(`there is no sweep ${scenario}`);
  return sweepRun(found, seed, accident);
}
