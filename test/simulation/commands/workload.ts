/**
 * A workload is a list of commands that fast-check draws, keeps meaningful by what people decided before, and shrinks. It
 * is written into a script and played as every scenario is; after the last command everything is well, and the same
 * oracles as everywhere must hold.
 */
import fc from "fast-check";
import type { CallFate, FaultPlan, WriteFate } from "../faults.ts";
import { createIntention } from "../intention.ts";
import { run } from "../run.ts";
import type { RunOptions, RunResult, Scene } from "../run.ts";
import type { Accident, Command, Draft, Model } from "./command.ts";
import { act } from "./command.ts";
import { accidents, breaks, crashes, heals, mend, waits, weakens } from "./troubles.ts";
import { agree, takeUpAgain } from "./say.ts";
import {
  adopts,
  changes,
  deletes,
  makes,
  makesAgain,
  makeWay,
  meddles,
  occupies,
  resumeAll,
  resumes,
  suspends,
} from "./wishes.ts";

/** Commands that are drawn for a workload, at most; about half of them mean something when their turn comes. */
const MOST = 80;

/** How often each command is drawn; what means nothing at its moment is left out afterwards. */
const shares: readonly (readonly [fc.Arbitrary<Command>, number])[] = [
  [makes, 3],
  [makesAgain, 3],
  [changes, 4],
  [deletes, 1],
  [suspends, 1],
  [resumes, 1],
  [occupies, 1],
  [adopts, 4],
  [meddles, 4],
  [crashes, 1],
  [accidents, 2],
  [breaks, 1],
  [weakens, 1],
  [heals, 2],
  [waits, 5],
];

function commandsOf(replayPath: string | undefined): fc.Arbitrary<Iterable<Command>> {
  return fc.commands(
    shares.flatMap(([kind, share]) => Array.from({ length: share }, () => kind)),
    { maxCommands: MOST, size: "max", ...(replayPath === undefined ? {} : { replayPath }) },
  );
}

/** Milliseconds of real time after which a workload is told as small as it was made so far. */
const LONGEST = 120_000;

interface Written {
  draft: Draft;
  faults: FaultPlan;
  decide(this: void, scene: Scene): Promise<void>;
}

/** Writes the commands down, and after them that everything is well. */
function write(commands: Iterable<Command>): Written {
  const draft: Draft = {
    at: 0,
    lines: [],
    steps: [],
    periods: [],
    rates: new Map(),
    accidents: [],
    said: new Map(),
  };
  const model: Model = {
    intention: createIntention(() => draft.at),
    last: new Map(),
    suspended: new Set(),
    occupied: new Map(),
    consented: new Map(),
    deleted: new Set(),
    broken: new Set(),
  };
  fc.modelRun(() => ({ model, real: draft }), commands);
  mend(draft);
  // First the faults end: whoever tidies up uses the same accounts.
  draft.at += 1;
  act(draft, async (scene) => {
    draft.rates.clear();
    draft.accidents.length = 0;
    await resumeAll(scene);
  });
  const decide = async (scene: Scene): Promise<void> => {
    await makeWay(scene, model);
    await takeUpAgain(scene);
    await agree(scene);
  };
  return { draft, decide, faults: { end: draft.at, rates: draft.rates, periods: draft.periods, crashes: 0 } };
}

/** Counts down to the next accident. @returns what happens to this call or write */
function meet(boundary: Accident["boundary"], pending: Accident[]): Accident["what"] | undefined {
  let hit: Accident["what"] | undefined;
  for (const accident of pending.filter((one) => one.boundary === boundary)) {
    accident.left -= 1;
    if (accident.left > 0) continue;
    pending.splice(pending.indexOf(accident), 1);
    hit ??= accident.what;
  }
  return hit;
}

function callFate(what: Accident["what"] | undefined, drawn: CallFate): CallFate {
  if (what === undefined) return drawn;
  if (what === "lost answer") return { ...drawn, lost: "answer" };
  return { ...drawn, crash: what === "crash before" ? "before" : "after" };
}

function writeFate(what: Accident["what"] | undefined, drawn: WriteFate): WriteFate {
  if (what === undefined) return drawn;
  if (what === "lost answer") return { ...drawn, lost: true };
  return { ...drawn, crash: what === "crash before" ? "before" : "after" };
}

interface Played extends RunResult {
  /** The commands that meant something, each with its moment. */
  lines: readonly string[];
}

/**
 * Plays commands on the simulated machine. Equal commands and seeds give equal results, hash included.
 * @param seed decides everything that no command says: latencies, the order of what is due at one moment, rates
 */
async function play(
  commands: Iterable<Command>,
  seed: number,
  options: Pick<RunOptions, "listen" | "logged"> = {},
): Promise<Played> {
  const { decide, draft, faults } = write(commands);
  const result = await run({
    ...options,
    seed,
    scenario: {
      name: "commands",
      about: "Whatever commands say.",
      script: () => ({ steps: draft.steps, faults, decide }),
    },
    callFate: (_call, drawn) => callFate(meet("call", draft.accidents), drawn),
    writeFate: (_write, drawn) => writeFate(meet("write", draft.accidents), drawn),
  });
  const lines = draft.lines.map(({ at, words }) => `${(at / 1_000).toFixed(3).padStart(10)} s  ${words}`);
  return { ...result, lines };
}

/** Where fast-check found something: enough to find it again. */
export interface Place {
  seed: number;
  path?: string | undefined;
  replayPath?: string | undefined;
}

export interface Outcome {
  /** The workload, or the shortest that still breaks a promise. */
  played: Played;
  /** Where that one stands; undefined when all promises were kept. */
  broken?: {
    place: Required<Place>;
    /** How many times it was made smaller. */
    shrinks: number;
    /** Commands of the workload that broke a promise first. */
    from: number;
  };
}

/** Tells fast-check that a promise was broken. */
class Broken extends Error {
  override readonly name = "Broken";
}

/**
 * Draws one workload and plays it. One that breaks a promise is shrunk to a short one that breaks one as well.
 * @param place the seed of the workload; with paths, the one that shrinking found, which is not shrunk further
 */
export async function playWorkload(
  place: Place,
  options: Pick<RunOptions, "listen" | "logged"> = {},
): Promise<Outcome> {
  let first: Played | undefined;
  let last: Played | undefined;
  const property = fc.asyncProperty(
    commandsOf(place.replayPath),
    // Which of the latencies show a fault cannot be made smaller.
    fc.noShrink(fc.nat({ max: 0x7fffffff })),
    async (commands, seed) => {
      const played = await play(commands, seed, options);
      first ??= played;
      if (played.violation === undefined) return;
      last = played;
      throw new Broken(played.violation.oracle);
    },
  );
  const details = await fc.check(property, {
    seed: place.seed,
    numRuns: 1,
    // Small workloads come when large ones shrink.
    unbiased: true,
    interruptAfterTimeLimit: LONGEST,
    ...(place.path === undefined ? {} : { path: place.path, endOnFailure: true }),
  });
  if (first === undefined || (details.failed && !(details.errorInstance instanceof Broken)))
    throw new Error("a workload could not be played", { cause: details.errorInstance });
  if (!details.failed || last === undefined) return { played: first };
  const replayPath = /replayPath="([^"]*)"/.exec(fc.stringify(details.counterexample?.[0]))?.[1] ?? "";
  return {
    played: last,
    broken: {
      place: { seed: place.seed, path: details.counterexamplePath ?? "", replayPath },
      shrinks: details.numShrinks,
      from: first.lines.length,
    },
  };
}

/** What was found, for people: what broke, the commands, and how to play it again. */
export function outcomeInWords({ broken, played }: Outcome): string {
  const { hash, lines, violation } = played;
  return [
    violation === undefined ? "all is well" : `${violation.oracle}: ${violation.message}`,
    ...lines.map((line) => `  ${line}`),
    ...(broken === undefined
      ? [`  trace ${hash}`]
      : [
          `  ${lines.length} commands of ${broken.from}; trace ${hash}`,
          `  npm run simulate -- --commands 1 --from ${broken.place.seed} --path '${broken.place.path}/${broken.place.replayPath}'`,
        ]),
  ].join("\n");
}
