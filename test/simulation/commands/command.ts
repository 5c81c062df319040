/**
 * What a command is: a sentence that changes what people want, or breaks or mends something, at its moment. Running one
 * writes it into a script; the script is played on the simulated machine when all commands are written.
 */
import type { Command as ModelCommand } from "fast-check";
import type { ProjectShape } from "../desired.ts";
import type { FaultClass, Period } from "../faults.ts";
import type { Intention } from "../intention.ts";
import type { Scene, Step } from "../run.ts";
import type { Occupation } from "./occupations.ts";

/** What is known of the world while commands are written: what people decided, not what the controller has made of it. */
export interface Model {
  /** What people want so far. */
  intention: Intention;
  /** What each project was last, wanted or not. */
  last: Map<string, ProjectShape>;
  /** Objects, as `Kind/name`, on which work is stopped. */
  suspended: Set<string>;
  /** What somebody else has under the names of a project. */
  occupied: Map<string, Set<Occupation>>;
  /** What projects may take over of it. */
  consented: Map<string, Set<Occupation>>;
  /** Projects that were deleted at some time, wanted again or not. */
  deleted: Set<string>;
  /** What is broken at the moment, in words. */
  broken: Set<string>;
}

/** One accident at one of the next calls or writes. */
export interface Accident {
  boundary: "call" | "write";
  what: "crash before" | "crash after" | "lost answer";
  /** Calls or writes until it happens, from 1. */
  left: number;
}

/** A script while it is being written. */
export interface Draft {
  /** Milliseconds since the start. */
  at: number;
  /** Every command with its moment. */
  lines: { at: number; words: string }[];
  steps: Step[];
  /** Those that were not mended yet end at `Infinity`. */
  periods: Period[];
  /** What is broken at some of the calls and writes; filled and emptied by the steps as time goes on. */
  rates: Map<FaultClass, number>;
  /** Filled by the steps as time goes on. */
  accidents: Accident[];
  /** What of each project was last said to the store, as JSON; filled by the steps as time goes on. */
  said: Map<string, string>;
}

export type Command = ModelCommand<Model, Draft>;

/**
 * @param words a sentence, or the part of one, that says what happens
 * @param when whether it means anything now; a command that does not is left out
 */
export function command(
  words: string,
  when: (model: Readonly<Model>) => boolean,
  run: (model: Model, draft: Draft) => void,
): Command {
  return {
    check: when,
    run: (model, draft) => {
      draft.lines.push({ at: draft.at, words });
      run(model, draft);
      // The next one comes after it, in whatever order the machine takes what is due at one moment.
      draft.at += 1;
    },
    toString: () => words,
  };
}

/** Has something done at the moment of the command. */
export function act(draft: Draft, does: (scene: Scene) => Promise<void> | void): void {
  draft.steps.push({ at: draft.at, act: async (scene) => does(scene) });
}
