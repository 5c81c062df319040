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

export class ChangeLog {
  readonly #capacity: number;
  /** Changes in ascending revision; the first `#dropped` slots of the array were given up. */
  #changes: Change[] = [];
  #start = 0;
  #oldest: number;

  /** @param options.revision the store's revision when the log begins: nothing before it is remembered */
  constructor(options: { capacity: number; revision: number }) {
    this.#capacity = options.capacity;
    this.#oldest = options.revision;
  }

  /** The oldest revision that a watch can start from: every later change is remembered. */
  get oldestRevision(): number {
    return this.#oldest;
  }

  append(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length - this.#start > this.#capacity) {
      this.#oldest = this.#changes[this.#start]?.revision ?? this.#oldest;
      this.#start += 1;
      if (this.#start > this.#capacity) {
        this.#changes = this.#changes.slice(this.#start);
        this.#start = 0;
      }
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

  /** At most `limit` changes after a revision, oldest first. The caller checks {@link oldestRevision}. */
  after(revision: number, limit: number): Change[] {
    const index = this.#indexAfter(revision);
    return this.#changes.slice(index, index + limit);
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
