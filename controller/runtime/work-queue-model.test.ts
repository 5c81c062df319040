import fc from "fast-check";
import { expect, it } from "vitest";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import type { VirtualClock } from "./adapters/virtual.ts";
import { createWorkQueue } from "./work-queue.ts";
import type { Priority, WorkQueue } from "./work-queue.ts";

/** The naive queue: a list of entries that is scanned. What the real one does must be indistinguishable from it. */
interface ModelEntry {
  key: string;
  priority: number;
  readyAt: number;
  /** Rank among ready entries of one priority. */
  turn: number;
}

class Model {
  now = 0;
  turns = 0;
  waiting = new Map<string, ModelEntry>();
  processing = new Map<string, ModelEntry | undefined>();

  add(key: string, priority: number, after: number): void {
    const readyAt = this.now + after;
    const old = this.processing.has(key) ? this.processing.get(key) : this.waiting.get(key);
    const merged: ModelEntry = {
      key,
      priority: Math.max(priority, old?.priority ?? 0),
      readyAt: Math.min(readyAt, old?.readyAt ?? Number.POSITIVE_INFINITY),
      turn: old?.turn ?? 0,
    };
    if (this.processing.has(key)) {
      this.processing.set(key, merged);
      return;
    }
    const wasReady = old !== undefined && old.readyAt <= this.now;
    if (wasReady) merged.readyAt = old.readyAt;
    if (merged.readyAt <= this.now && (!wasReady || merged.priority > old.priority))
      merged.turn = ++this.turns;
    this.waiting.set(key, merged);
  }

  advance(by: number): void {
    this.now += by;
    const due = [...this.waiting.values()].filter(
      (entry) => entry.readyAt <= this.now && entry.readyAt > this.now - by,
    );
    for (const entry of due.toSorted((a, b) => a.readyAt - b.readyAt)) entry.turn = ++this.turns;
  }

  take(): ModelEntry | undefined {
    const ready = [...this.waiting.values()].filter((entry) => entry.readyAt <= this.now);
    const first = ready.toSorted((a, b) => b.priority - a.priority || a.turn - b.turn)[0];
    if (first === undefined) return undefined;
    this.waiting.delete(first.key);
    this.processing.set(first.key, undefined);
    return first;
  }

  done(key: string): void {
    if (!this.processing.has(key)) return;
    const again = this.processing.get(key);
    this.processing.delete(key);
    if (again === undefined) return;
    if (again.readyAt <= this.now) again.turn = ++this.turns;
    this.waiting.set(key, again);
  }

  remove(key: string): void {
    if (this.processing.has(key)) this.processing.set(key, undefined);
    else this.waiting.delete(key);
  }
}

interface Real {
  queue: WorkQueue;
  clock: VirtualClock;
}

const key = fc.constantFrom("a", "b", "c", "d", "e");
const same = (model: Model, real: Real): void => {
  const ready = [...model.waiting.values()].filter((entry) => entry.readyAt <= model.now).length;
  expect(real.queue.length).toBe(ready);
  expect(real.queue.delayed).toBe(model.waiting.size - ready);
  expect(real.queue.processing).toBe(model.processing.size);
};

type Command = fc.AsyncCommand<Model, Real>;
const command = (label: string, run: (model: Model, real: Real) => Promise<void> | void): Command => ({
  check: () => true,
  run: async (model, real) => {
    await run(model, real);
    same(model, real);
  },
  toString: () => label,
});

const commands = [
  // Distinct delays, so that entries never fall due at the same instant and the order is defined.
  fc
    .tuple(key, fc.integer({ min: 0, max: 3 }), fc.option(fc.integer({ min: 1, max: 5000 })))
    .map(([name, priority, after]) =>
      command(`add(${name}, ${priority}, ${after ?? 0})`, (model, { queue }) => {
        const unique = [...model.waiting.values()].some(
          (entry) => entry.readyAt === model.now + (after ?? -1),
        );
        if (unique) return;
        model.add(name, priority, after ?? 0);
        queue.add(name, { priority: priority as Priority, after: after ?? 0 });
      }),
    ),
  fc.constant(
    command("take", (model, { queue }) => {
      const expected = model.take();
      const item = queue.tryGet();
      expect(item?.key).toBe(expected?.key);
      expect(item?.priority).toBe(expected?.priority);
      expect(item?.waited).toBe(expected === undefined ? undefined : model.now - expected.readyAt);
    }),
  ),
  key.map((name) =>
    command(`done(${name})`, (model, { queue }) => {
      model.done(name);
      queue.done(name);
    }),
  ),
  key.map((name) =>
    command(`remove(${name})`, (model, { queue }) => {
      model.remove(name);
      queue.remove(name);
    }),
  ),
  fc.integer({ min: 1, max: 3000 }).map((by) =>
    command(`advance(${by})`, async (model, { clock }) => {
      model.advance(by);
      await clock.advance(by);
    }),
  ),
];

it("does what a list that is scanned would do, whatever is done to it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 60 }), async (script) => {
      const clock = virtualClock();
      const queue = createWorkQueue({ clock, random: seededRandom() });
      await fc.asyncModelRun(() => ({ model: new Model(), real: { queue, clock } }), script);
    }),
    { numRuns: 300 },
  );
});

it("loses no key and hands none to two workers, however many workers compete", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 50 })), { maxLength: 80 }),
      fc.integer({ min: 1, max: 6 }),
      async (adds, workers) => {
        const clock = virtualClock();
        const queue = createWorkQueue({ clock, random: seededRandom() });
        const busy = new Set<string>();
        const lastAdded = new Map<string, number>();
        const lastStarted = new Map<string, number>();
        const work = async (): Promise<void> => {
          for (let item = await queue.get(); item !== undefined; item = await queue.get()) {
            expect(busy.has(item.key)).toBe(false);
            busy.add(item.key);
            lastStarted.set(item.key, clock.monotonic());
            await clock.sleep(7);
            busy.delete(item.key);
            queue.done(item.key);
          }
        };
        const running = Array.from({ length: workers }, work);
        for (const [name, pause] of adds) {
          lastAdded.set(String(name), clock.monotonic());
          queue.add(String(name));
          await clock.advance(pause);
        }
        await clock.advance(1000);
        for (const [name, at] of lastAdded) expect(lastStarted.get(name)).toBeGreaterThanOrEqual(at);
        await queue.shutDown();
        await Promise.all(running);
      },
    ),
    { numRuns: 50 },
  );
});
