/** Watches: each reads the change log at its own pace, so that a slow one costs nothing and a too slow one ends with 410. */
import type { ChangeLog, Change } from "./change-log.ts";
import { unknownResourceVersion, tooOldResourceVersion } from "./errors.ts";
import type { Selection } from "./list.ts";
import { parseObject, type State } from "./state.ts";

/** One event with the object as JSON, to be passed on as it is. */
export type TextWatchEvent =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; text: string; revision: number }
  /** `initialEventsEnd`: everything that existed has been sent. */
  | { type: "BOOKMARK"; revision: number; initialEventsEnd?: true };

export interface WatcherOptions {
  /** Events after this revision; undefined: an ADDED for everything that exists, first. */
  revision: number | undefined;
  bookmarks: boolean;
  /** Ask for a BOOKMARK when the initial ADDED events are through. */
  markInitialEvents: boolean;
}

/** Changes of other objects after which a quiet watch with bookmarks gets one. */
const BOOKMARK_EVERY = 500;
/** Changes that are looked at in one go, and characters that a reader holds of them until it has read on. */
const PAGE = 512;
const PAGE_CHARACTERS = 1024 * 1024;

interface Waiter {
  typeKey: string;
  bookmarks: boolean;
  /** Everything up to here has been looked at. */
  cursor: number;
  /** The revision of the last event sent. */
  sent: number;
  wake: (() => void) | undefined;
}

export class Watches {
  readonly #state: State;
  readonly #log: ChangeLog;
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  constructor(options: { state: State; log: ChangeLog }) {
    this.#state = options.state;
    this.#log = options.log;
  }

  /** How many watches are open. */
  get size(): number {
    return this.#waiters.size;
  }

  /** Wakes the watches that these changes concern. */
  publish(changes: readonly Change[]): void {
    for (const change of changes) this.#log.append(change);
    const touched = new Set(changes.map((change) => change.typeKey));
    const { revision } = this.#state;
    for (const waiter of this.#waiters) {
      if (waiter.wake === undefined) continue;
      if (touched.has(waiter.typeKey) || (waiter.bookmarks && revision - waiter.sent >= BOOKMARK_EVERY)) {
        const { wake } = waiter;
        waiter.wake = undefined;
        wake();
      } else {
        // Asleep means that everything before was looked at, and these changes are of other types.
        waiter.cursor = revision;
      }
    }
  }

  /** Ends every watch. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.wake?.();
  }

  /**
   * Events of one type, from the moment of the call. Ends when aborted or when the store closes.
   * @throws ApiError 410 when the log no longer reaches back far enough, or for a revision of the future: at once, not at
   * the first `next()`; later on for a reader that is too slow
   */
  open(
    key: string,
    selection: Selection,
    options: WatcherOptions,
    signal: AbortSignal,
  ): AsyncGenerator<TextWatchEvent> {
    const start = options.revision ?? this.#state.revision;
    if (start > this.#state.revision) throw unknownResourceVersion(start, this.#state.revision);
    if (start < this.#log.oldestRevision) throw tooOldResourceVersion(start, this.#log.oldestRevision);
    const initial: TextWatchEvent[] = [];
    if (options.revision === undefined) {
      for (const object of this.#state.collection(key).values(selection.namespace)) {
        if (selection.matches(object))
          initial.push({ type: "ADDED", text: object.text, revision: object.revision });
      }
    }
    if (options.markInitialEvents)
      initial.push({ type: "BOOKMARK", revision: start, initialEventsEnd: true });
    const waiter: Waiter = {
      typeKey: key,
      bookmarks: options.bookmarks,
      cursor: start,
      sent: start,
      wake: undefined,
    };
    return this.#read(waiter, initial, selection, signal);
  }

  async *#read(
    waiter: Waiter,
    initial: TextWatchEvent[],
    selection: Selection,
    signal: AbortSignal,
  ): AsyncGenerator<TextWatchEvent> {
    const stop = (): void => waiter.wake?.();
    signal.addEventListener("abort", stop);
    this.#waiters.add(waiter);
    try {
      for (const event of initial) {
        if (signal.aborted) return;
        yield event;
      }
      initial.length = 0;
      for (;;) {
        if (signal.aborted || this.#closed) return;
        if (waiter.cursor < this.#log.oldestRevision) {
          throw tooOldResourceVersion(waiter.cursor, this.#log.oldestRevision);
        }
        const page = this.#log.after(waiter.cursor, PAGE, PAGE_CHARACTERS);
        for (const change of page) {
          waiter.cursor = change.revision;
          const event = change.typeKey === waiter.typeKey ? eventOf(change, selection) : undefined;
          if (event === undefined) continue;
          waiter.sent = change.revision;
          yield event;
          if (signal.aborted) return;
        }
        if (page.length > 0) continue;
        if (waiter.bookmarks && waiter.cursor - waiter.sent >= BOOKMARK_EVERY) {
          waiter.sent = waiter.cursor;
          yield { type: "BOOKMARK", revision: waiter.cursor };
          continue;
        }
        await new Promise<void>((resolve) => {
          waiter.wake = resolve;
        });
        waiter.wake = undefined;
      }
    } finally {
      signal.removeEventListener("abort", stop);
      this.#waiters.delete(waiter);
    }
  }
}

/** What a change looks like through a selection: an object that comes to match is ADDED, one that ceases to is DELETED. */
function eventOf(change: Change, selection: Selection): TextWatchEvent | undefined {
  const { previous, next, revision } = change;
  const before = previous !== undefined && selection.matches(previous);
  const after = next !== undefined && selection.matches(next);
  if (next !== undefined && after) return { type: before ? "MODIFIED" : "ADDED", text: next.text, revision };
  if (previous === undefined || !before) return undefined;
  return { type: "DELETED", text: change.removedText ?? atRevision(previous.text, revision), revision };
}

/** The last matching version, with the revision of the change that made it cease to match, so that a client resumes there. */
function atRevision(text: string, revision: number): string {
  const object = parseObject(text);
  object.metadata.resourceVersion = String(revision);
  return JSON.stringify(object);
}
