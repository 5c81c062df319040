/**
 * A heap whose items are not searched for when they no longer count: an item that has become invalid is dropped when it
 * comes up, or, where nobody takes from the heap, when it has doubled since it was last gone through.
 */
import { BinaryHeap } from "./binary-heap.ts";

/** Items that are held whether they are valid or not, before anything is gone through. */
const SPARE = 1_000;

export class LazyHeap<T> {
  readonly #heap: BinaryHeap<T>;
  readonly #isValid: (item: T) => boolean;
  #sweepAt = SPARE;

  /**
   * @param before whether `a` must come out before `b`
   * @param isValid whether an item still counts; one that does not never does again
   */
  constructor(before: (a: T, b: T) => boolean, isValid: (item: T) => boolean) {
    this.#heap = new BinaryHeap(before);
    this.#isValid = isValid;
  }

  /** What is held, invalid items included. */
  get size(): number {
    return this.#heap.size;
  }

  push(item: T): void {
    this.#heap.push(item);
    if (this.#heap.size <= this.#sweepAt) return;
    this.#heap.retain(this.#isValid);
    this.#sweepAt = SPARE + 2 * this.#heap.size;
  }

  /** The first valid item. */
  peek(): T | undefined {
    for (let item = this.#heap.peek(); item !== undefined; item = this.#heap.peek()) {
      if (this.#isValid(item)) return item;
      this.#heap.pop();
    }
    return undefined;
  }

  /** Takes the first valid item. */
  pop(): T | undefined {
    const item = this.peek();
    if (item !== undefined) this.#heap.pop();
    return item;
  }
}
