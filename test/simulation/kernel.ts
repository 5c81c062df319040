/**
 * The simulated machine: one virtual time, one queue of what is due, and nothing that runs by itself. Time stands still
 * while anything can run; then the next event is taken, and events of one moment are taken in an order that the seed
 * decides. The whole run is a function of the seed.
 *
 * What really happens outside (a provider of the sandbox answering, the store writing) is awaited as an operation before
 * anything else is taken, so that how long it takes on this machine decides nothing.
 */
import { BinaryHeap } from "../../controller/runtime/binary-heap.ts";
import type { Random } from "../../controller/runtime/clock.ts";

/** What was set and can be taken back. */
interface Pending {
  cancel(): void;
}

export interface Kernel {
  /** Virtual wall time, milliseconds since the epoch. */
  now: () => number;
  /** Runs something after so many milliseconds of virtual time. */
  after: (milliseconds: number, run: () => void) => Pending;
  /** Resolves after so many milliseconds of virtual time. */
  sleep: (milliseconds: number) => Promise<void>;
  /** Awaits what really happens, with time standing still. */
  operation<T>(run: () => Promise<T>): Promise<T>;
  /** Adds a line to the trace: it goes into the hash and, where somebody listens, to the timeline. */
  trace(line: string): void;
  /** Hash of the trace so far: equal for equal seeds. */
  hash(): string;
  /** Runs until the moment, or until `done` says so. @returns whether `done` did */
  runUntil(moment: number, done?: () => boolean): Promise<boolean>;
}

/** The run goes round in circles. */
class Livelock extends Error {
  constructor(milliseconds: number) {
    super(`more than ${MOST_EVENTS} events by ${Math.round(milliseconds)} ms`);
    this.name = "Livelock";
  }
}

interface Due {
  at: number;
  /** Drawn from the seed: decides among events of one moment. */
  order: number;
  sequence: number;
  run: (() => void) | undefined;
}

/** Events in a run after which it goes round in circles: a run that converges takes a few thousand. */
const MOST_EVENTS = 200_000;

/**
 * Turns of the event loop without any operation under way, after which nothing more can run by itself: all that runs
 * settles in microtasks, and Node runs those before the next turn. The second is for what nobody thought of.
 */
const CALM_TURNS = 2;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createKernel(options: {
  schedule: Random;
  /** Milliseconds since the epoch. Default 2026-01-01T00:00:00Z */
  start?: number;
  /** Told every line of the trace with the milliseconds since the start. */
  listen?: ((milliseconds: number, line: string) => void) | undefined;
}): Kernel {
  const { listen, schedule, start = Date.UTC(2026, 0, 1) } = options;
  let now = start;
  let sequence = 0;
  let operations = 0;
  let events = 0;
  // FNV-1a, 2 x 32 bits: cheap, and two traces that differ anywhere differ here.
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;

  const due = new BinaryHeap<Due>((a, b) =>
    a.at !== b.at ? a.at < b.at : a.order !== b.order ? a.order < b.order : a.sequence < b.sequence,
  );
  const quiet = async (): Promise<void> => {
    for (let calm = 0; calm < CALM_TURNS; calm = operations === 0 ? calm + 1 : 0) await turn();
  };

  const after: Kernel["after"] = (milliseconds, run) => {
    const at = now + Math.max(0, Math.ceil(milliseconds));
    const entry: Due = { at, order: schedule.next(), sequence: (sequence += 1), run };
    due.push(entry);
    return { cancel: () => void (entry.run = undefined) };
  };
  return {
    now: () => now,
    after,
    sleep: (milliseconds) => new Promise((resolve) => void after(milliseconds, resolve)),
    operation: async (run) => {
      operations += 1;
      try {
        return await run();
      } finally {
        operations -= 1;
      }
    },
    trace: (line) => {
      const text = `${now - start} ${line}`;
      for (let index = 0; index < text.length; index += 1) {
        const code = text.charCodeAt(index);
        low = Math.imul(low ^ code, 0x01000193);
        high = Math.imul(high ^ (code + index), 0x01000193);
      }
      listen?.(now - start, line);
    },
    hash: () => (low >>> 0).toString(16).padStart(8, "0") + (high >>> 0).toString(16).padStart(8, "0"),
    runUntil: async (moment, done) => {
      for (;;) {
        await quiet();
        if (done?.()) return true;
        while (due.peek() !== undefined && due.peek()?.run === undefined) due.pop();
        const next = due.peek();
        if (next === undefined || next.at > moment) {
          now = Math.max(now, moment);
          return false;
        }
        due.pop();
        if ((events += 1) > MOST_EVENTS) throw new Livelock(now - start);
        now = Math.max(now, next.at);
        next.run?.();
      }
    },
  };
}
