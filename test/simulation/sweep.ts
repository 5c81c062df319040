/**
 * Systematic beside random: what a clean run does at the boundaries to providers and store is counted, and then the run is
 * repeated with one accident at each of these places, before it, after it, or with its answer lost.
 */
import type { Random } from "../../controller/runtime/clock.ts";
import type { ProjectShape } from "./desired.ts";
import { calm } from "./faults.ts";
import { run } from "./run.ts";
import type { RunOptions, RunResult, Scenario, Scene, Script, Step } from "./run.ts";
import type { Planned } from "./planned-seeds.ts";
import { meddleWithEverything } from "./scenarios/drift.ts";
import { consent, occupyAndWant } from "./scenarios/foreign-name.ts";
import { scenarioNamed } from "./scenarios/index.ts";
import { wholeShape } from "./shapes.ts";

const MINUTE = 60_000;

/** Something that is done to what stands already, or to nothing, a minute after the start. */
const operation = (name: string, about: string, steps: readonly Step["act"][]): Scenario => ({
  name,
  about,
  script: () => ({ faults: calm, steps: steps.map((act, index) => ({ at: index * MINUTE, act })) }),
});

const everything = wholeShape("shop");

function another(): ProjectShape {
  const { dev } = everything.environments;
  if (dev === undefined) throw new Error("the whole shape has an environment dev");
  return {
    ...everything,
    description: "Another shop",
    region: "us",
    ruleset: false,
    environments: {
      dev: { ...dev, greeting: "moin", cron: "*/30 * * * *", stageVariable: "dev-2", stripe: false },
      staging: { ...dev, stage: "Staging" },
    },
    previews: { ...everything.previews, "pr-2": { base: "dev" } },
  };
}

const want =
  (shape: ProjectShape): Step["act"] =>
  (scene) =>
    scene.want(shape);
const abandon: Step["act"] = (scene) => scene.abandon("shop");

/** What every kind goes through. The last step is the operation that accidents happen to; the ones before it go well. */
const sweeps: readonly Scenario[] = [
  operation("create", "Everything is made.", [want(everything)]),
  operation("update", "Everything that exists is changed.", [want(everything), want(another())]),
  operation("delete", "Everything that exists is deleted.", [want(everything), abandon]),
  operation("orphan", "A project is deleted that leaves what holds data or code in place.", [
    want({ ...everything, deletionPolicy: "Orphan" }),
    abandon,
  ]),
  operation("repair", "What others changed and deleted is put right.", [
    want(everything),
    meddleWithEverything,
  ]),
  operation("adopt", "What belonged to others is taken over with their consent.", [
    occupyAndWant(["repository", "KV namespace", "bucket"]),
    consent,
  ]),
];

/** Where an accident can happen: the nth call to a provider or the nth write to the store. */
export interface Place {
  boundary: "call" | "write";
  index: number;
}

const accidents = ["crash before", "crash after", "lost answer"] as const;
export type Accident = (typeof accidents)[number];

interface Swept extends RunResult {
  /** Calls of the operation, each telling whether it may change anything, and the number of its writes. */
  calls: readonly { changing: boolean }[];
  writes: number;
}

/** One run with one accident. Places are counted from the beginning of the operation. */
async function sweepRun(
  scenario: Scenario,
  seed: number,
  accident?: { place: Place; what: Accident },
): Promise<Swept> {
  const calls: { changing: boolean }[] = [];
  let writes = 0;
  let begun = false;
  const hit = (boundary: Place["boundary"], index: number): Accident | undefined =>
    accident?.place.boundary === boundary && accident.place.index === index ? accident.what : undefined;
  const script = (random: Random): Script => {
    const drawn = scenario.script(random, seed);
    const last = drawn.steps.length - 1;
    const steps = drawn.steps.map((step, index) =>
      index < last
        ? step
        : {
            ...step,
            act: (scene: Scene) => {
              begun = true;
              return step.act(scene);
            },
          },
    );
    return { ...drawn, steps };
  };
  const options: RunOptions = {
    scenario: { ...scenario, script },
    seed,
    brief: true,
    callFate: ({ method }, drawn) => {
      if (!begun) return drawn;
      const what = hit("call", calls.length);
      calls.push({ changing: method !== "GET" });
      if (what === "lost answer") return { ...drawn, lost: "answer" };
      return what === undefined ? drawn : { ...drawn, crash: what === "crash before" ? "before" : "after" };
    },
    writeFate: (_write, drawn) => {
      if (!begun) return drawn;
      const what = hit("write", writes++);
      if (what === "lost answer") return { ...drawn, lost: true };
      return what === undefined ? drawn : { ...drawn, crash: what === "crash before" ? "before" : "after" };
    },
  };
  const result = await run(options);
  return { ...result, calls, writes };
}

/**
 * Every place of the clean run of every operation, with every accident. A process that dies before it reads leaves what
 * one leaves that dies after it: that is done once. @throws Error when a clean run breaks a promise
 */
export async function* plannedSweep(): AsyncGenerator<Planned> {
  for (const scenario of sweeps) {
    const seed = 1;
    const clean = await sweepRun(scenario, seed);
    if (clean.violation !== undefined)
      throw new Error(
        `the clean ${scenario.name} breaks ${clean.violation.oracle}: ${clean.violation.message}`,
      );
    for (const what of accidents) {
      for (const [index, { changing }] of clean.calls.entries())
        if (changing || what !== "crash before")
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
