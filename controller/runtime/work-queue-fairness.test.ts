/** Namespaces take turns: nobody waits behind another team's ten thousand objects. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { seededRandom, virtualClock } from "./adapters/virtual.ts";
import { createWorkQueue, priorities } from "./work-queue.ts";
import type { WorkQueue } from "./work-queue.ts";

const newQueue = (): WorkQueue => createWorkQueue({ clock: virtualClock(), random: seededRandom(1) });

/** Hands out so many keys, and counts them by namespace. */
function serve(queue: WorkQueue, count: number): Map<string, number> {
  const served = new Map<string, number>();
  for (let index = 0; index < count; index += 1) {
    const item = queue.tryGet();
    if (item === undefined) break;
    queue.done(item.key);
    const [namespace = ""] = item.key.split("/");
    served.set(namespace, (served.get(namespace) ?? 0) + 1);
  }
  return served;
}

/** 1 when all get the same, 1/n when one gets everything (Jain, Chiu and Hawe 1984). */
function jain(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  return sum ** 2 / (shares.length * shares.reduce((total, share) => total + share ** 2, 0));
}

it("a small namespace is served at once although another one queued 10,000 objects before", () => {
  const queue = newQueue();
  for (let index = 0; index < 10_000; index += 1) queue.add(`loud/${index}`);
  queue.add("quiet/shop");
  expect(serve(queue, 2)).toEqual(
    new Map([
      ["loud", 1],
      ["quiet", 1],
    ]),
  );
  expect(queue.length).toBe(9_999);
});

it("twenty namespaces with a backlog of 100 to 10,000 get equal shares, whatever order they came in", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(
        Array.from({ length: 20 }, (_, index) => index),
        { minLength: 20 },
      ),
      (order) => {
        const queue = newQueue();
        for (const namespace of order)
          for (let index = 0; index < 100 + namespace * 500; index += 1)
            queue.add(`team-${namespace}/${index}`);
        const served = serve(queue, 1_000);
        expect(jain([...served.values()])).toBeGreaterThanOrEqual(0.9);
        expect(served.size).toBe(20);
      },
    ),
    { numRuns: 20 },
  );
});

it("who was idle for long gains nothing by it, and who comes back is not put behind", () => {
  const queue = newQueue();
  for (let index = 0; index < 3_000; index += 1) queue.add(`loud/${index}`);
  queue.add("quiet/shop");
  serve(queue, 1_500);
  for (let index = 0; index < 100; index += 1) queue.add(`quiet/${index}`);
  const served = serve(queue, 100);
  expect(served.get("quiet")).toBeGreaterThanOrEqual(49);
  expect(served.get("loud")).toBeGreaterThanOrEqual(49);
});

it("an edit still goes before every resync", () => {
  const queue = newQueue();
  for (let index = 0; index < 100; index += 1) queue.add(`a/${index}`);
  queue.add("b/edited", { priority: priorities.userEdit });
  expect(queue.tryGet()?.key).toBe("b/edited");
});
