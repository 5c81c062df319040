/** Objects in the order of their last write. */
import type { StoredObject } from "./collection.ts";

/** Sorted by revision, not by when it was told of them: what is undone comes back to the place that it had. */
export class WriteOrder {
  readonly #sorted: StoredObject[];

  constructor(objects: Iterable<StoredObject>) {
    this.#sorted = [...objects].toSorted((one, other) => one.revision - other.revision);
  }

  /** The object whose last write is longest ago. */
  get oldest(): StoredObject | undefined {
    return this.#sorted[0];
  }

  add(object: StoredObject): void {
    const last = this.#sorted.at(-1);
    if (last === undefined || last.revision <= object.revision) this.#sorted.push(object);
    else this.#sorted.splice(this.#lowerBound(object.revision), 0, object);
  }

  remove(object: StoredObject): void {
    const index = this.#sorted.indexOf(object, this.#lowerBound(object.revision));
    if (index !== -1) this.#sorted.splice(index, 1);
  }

  /** The first index whose revision is not below this one. */
  #lowerBound(revision: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle]?.revision ?? 0) < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
