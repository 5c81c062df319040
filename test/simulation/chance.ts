/** Chance from a seed, one stream for each concern, so that drawing more of one leaves the others as they were. */
import { seededRandom } from "../../controller/runtime/adapters/virtual.ts";
import type { Random } from "../../controller/runtime/clock.ts";

/** @param concern names the stream; equal seeds and concerns give equal sequences */
export function streamOf(seed: number, concern: string): Random {
  let mixed = 0x811c9dc5;
  for (const character of `${seed}/${concern}`)
    mixed = Math.imul(mixed ^ character.charCodeAt(0), 0x01000193);
  return seededRandom(mixed >>> 0);
}

export function happens(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** A float in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + random.next() * (high - low);
}

/** A float in [low, high) whose logarithm is uniform: small values are as likely as large ones. */
export function spread(random: Random, low: number, high: number): number {
  return low * (high / low) ** random.next();
}

/** An integer in [low, high]. */
export function count(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1));
}

/** @throws RangeError when there is nothing to choose from */
export function pick<T>(random: Random, from: readonly T[]): T {
  const chosen = from[Math.floor(random.next() * from.length)];
  if (chosen === undefined) throw new RangeError("nothing to choose from");
  return chosen;
}

/** In another order. */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: random.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
