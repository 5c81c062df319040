/** What people want at each moment, and what follows for what may exist and what may go. */
import { expectedOf, leftovers } from "./expected.ts";
import type { Expected } from "./expected.ts";
import type { ProjectShape } from "./desired.ts";

export interface Intention {
  readonly shapes: ReadonlyMap<string, ProjectShape>;
  /** Everything that must exist, by name. */
  expected(): Expected;
  /** Things of earlier intentions that were left in place on purpose. */
  readonly left: ReadonlySet<string>;
  /** What belongs to somebody else, as it was when he made it: JSON by name. */
  readonly foreign: Map<string, string>;
  /** Things whose removal somebody asked for. */
  mayGo(name: string): boolean;
  /** Whether anything was changed, other than by saying a project for the first time, since this moment. */
  changedSince(moment: number): boolean;
  /** Somebody else changed what is ours, or a person decided something about it. */
  meddled(): void;
  meddledWith(): boolean;
  /** Whether that was after this moment. */
  meddledSince(moment: number): boolean;
  /** Notes a shape. @returns objects of the shape before that are no longer wanted */
  want(shape: ProjectShape): { kind: string; name: string }[];
  abandon(name: string): void;
  /** A shape was said while the Project of before is still being deleted, and takes along what it finds. */
  saidTooEarly(shape: ProjectShape): void;
  /** Somebody else takes away what belongs to him. */
  takenAway(name: string): void;
  /** Things of which nobody can say whose they are, as their project went while it took them over: they may stay or go. */
  doubtful(names: Iterable<string>): void;
}

/** @param now milliseconds since the epoch */
export function createIntention(now: () => number): Intention {
  const shapes = new Map<string, ProjectShape>();
  /** Shapes whose Project was deleted: what was declared beside it is still there when no controller had seen it yet. */
  const abandoned = new Map<string, ProjectShape>();
  const left = new Set<string>();
  const going = new Set<string>();
  const foreign = new Map<string, string>();
  let meddledAt = Number.NEGATIVE_INFINITY;
  let changedAt = Number.NEGATIVE_INFINITY;
  const leave = (before: ProjectShape, after: Expected): void => {
    const expected = expectedOf(before);
    const stays = before.deletionPolicy === "Orphan" ? leftovers(expected, before) : [];
    for (const name of expected.keys()) {
      if (after.has(name)) continue;
      if (stays.includes(name)) left.add(name);
      else going.add(name);
    }
  };
  const children = (shape: ProjectShape): { kind: string; name: string }[] => [
    ...Object.keys(shape.previews).map((short) => ({ kind: "Preview", name: `${shape.name}-${short}` })),
    ...Object.keys(shape.environments).map((short) => ({
      kind: "Environment",
      name: `${shape.name}-${short}`,
    })),
  ];
  return {
    shapes,
    left,
    foreign,
    expected: () => new Map([...shapes.values()].flatMap((shape) => [...expectedOf(shape)])),
    mayGo: (name) => going.has(name),
    changedSince: (moment) => changedAt >= moment,
    meddled: () => {
      meddledAt = now();
      changedAt = now();
    },
    meddledWith: () => meddledAt > Number.NEGATIVE_INFINITY,
    meddledSince: (moment) => meddledAt >= moment,
    want: (shape) => {
      const before = shapes.get(shape.name);
      shapes.set(shape.name, shape);
      if (before !== undefined) {
        changedAt = now();
        leave(before, expectedOf(shape));
      }
      const declared = before ?? abandoned.get(shape.name);
      if (declared === undefined) return [];
      const wanted = new Set(children(shape).map((child) => child.name));
      return children(declared).filter((child) => !wanted.has(child.name));
    },
    abandon: (name) => {
      const before = shapes.get(name);
      if (before === undefined) return;
      shapes.delete(name);
      abandoned.set(name, before);
      changedAt = now();
      leave(before, new Map());
    },
    saidTooEarly: (shape) => {
      for (const name of expectedOf(shape).keys()) going.add(name);
    },
    takenAway: (name) => {
      foreign.delete(name);
      going.add(name);
    },
    doubtful: (names) => {
      for (const name of names) {
        left.add(name);
        going.add(name);
      }
    },
  };
}
