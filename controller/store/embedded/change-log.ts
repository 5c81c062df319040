/** The last changes of the store, in order: what watches read and what consistent continued lists are computed from. */
import type { StoredObject } from "./collection.ts";

/** One committed change. `previous` is absent for a create, `next` for a removal. */
export interface Change {
  revision: number;
  typeKey: string;
  previous?: StoredObject;
  next?: StoredObject;
  /** Text of the removed object as watchers see it: with the revision of its removal. */
  removedText?: string;
}

/** Stands in the place of what was given up, so that nothing holds on to its text. */
const GONE: Change = Object.freeze({ revision: 0, typeKey: "" });

/** Characters that a change keeps in memory; the version before it is the `next` of an earlier one. */
function weightOf({ next, removedText }: Change): number {
  return (next?.text.length ?? 0) + (removedText?.length ?? 0);
}

export class ChangeLog {
  readonly #capacity: number;
  readonly #largest: number;
  /** Changes in ascending revision; the first `#start` places were given up. */
  #changes: Change[] = [];
  #start = 0;
  #oldest: number;
  #weight = 0;

  /**
   * @param options.capacity changes
   * @param options.characters of all versions that are remembered: large objects leave fewer changes
   * @param options.revision the store's revision when the log begins: nothing before it is remembered
   */
  constructor(options: { capacity: number; characters: number; revision: number }) {
    this.#capacity = options.capacity;
    this.#largest = options.characters;
    this.#oldest = options.revision;
  }

  /** The oldest revision that a watch can start from: every later change is remembered. */
  get oldestRevision(): number {
    return this.#oldest;
  }

  /** How many changes are remembered, and how many characters they keep. */
  get size(): { changes: number; characters: number } {
    return { changes: this.#changes.length - this.#start, characters: this.#weight };
  }

  append(change: Change): void {
    this.#changes.push(change);
    this.#weight += weightOf(change);
    while (this.size.changes > this.#capacity || (this.#weight > this.#largest && this.size.changes > 1))
      this.#giveUpOldest();
  }

  #giveUpOldest(): void {
    const oldest = this.#changes[this.#start];
    if (oldest === undefined) return;
    this.#oldest = oldest.revision;
    this.#weight -= weightOf(oldest);
    this.#changes[this.#start] = GONE;
    this.#start += 1;
    if (this.#start > this.#capacity) {
      this.#changes = this.#changes.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Index of the first change after a revision, valid until the next append. */
  #indexAfter(revision: number): number {
    let low = this.#start;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * The next changes after a revision, oldest first: at least one if there is one, at most `limit`, and no more when they
   * keep `characters`. The caller checks {@link oldestRevision}.
   */
  after(revision: number, limit: number, characters = Number.POSITIVE_INFINITY): Change[] {
    const first = this.#indexAfter(revision);
    let end = first;
    for (let weight = 0; end < Math.min(this.#changes.length, first + limit) && weight < characters; end += 1)
      weight += weightOf(this.#changes[end] ?? GONE);
    return this.#changes.slice(first, end);
  }

  /** All changes after a revision, newest first: undoing them gives the state at that revision. */
  *newestFirst(revision: number): Generator<Change> {
    const first = this.#indexAfter(revision);
    for (let index = this.#changes.length - 1; index >= first; index -= 1) {
      const change = this.#changes[index];
      if (change !== undefined) yield change;
    }
  }
}
