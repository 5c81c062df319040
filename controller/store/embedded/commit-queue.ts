/** Group commit: writes wait for each other's transaction and share one, and nobody is answered before it is durable. */
import { internalError } from "./errors.ts";
import type { Change } from "./change-log.ts";
import type { RowChange } from "./format.ts";
import type { State } from "./state.ts";

/** How many writes share a transaction at most, so that one batch never holds the event loop for long. */
const BATCH = 256;

interface Waiting {
  run(): unknown;
  dryRun: boolean;
  signal: AbortSignal | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export interface CommitQueueOptions {
  state: State;
  /** Makes changes durable, or throws and has changed nothing. Left out: nothing is kept. */
  commit?: (changes: readonly RowChange[], revision: number) => void;
  /** Runs the next batch a little later, so that writes can gather. */
  defer(callback: () => void): void;
  /** Called with the committed changes before the writers are answered. */
  publish(changes: readonly Change[]): void;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #closed = false;
  #idle: (() => void)[] = [];
  #commits = 0;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** How many transactions were committed. */
  get commits(): number {
    return this.#commits;
  }

  /**
   * Runs a synchronous operation on the state in the next batch. What it throws rejects the promise and undoes what it
   * did. With `dryRun` what it did is undone in any case.
   * @throws ApiError 500 or 507 when the transaction cannot be written
   */
  submit<T>(run: () => T, options: { dryRun?: boolean; signal?: AbortSignal } = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#closed) {
        reject(internalError("the store is closed"));
        return;
      }
      this.#waiting.push({
        run,
        dryRun: options.dryRun ?? false,
        signal: options.signal,
        resolve: (value) => resolve(value as T),
        reject,
      });
      this.#schedule();
    });
  }

  /** Refuses new writes and resolves when every accepted one has been answered. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    this.#options.defer(() => {
      this.#scheduled = false;
      this.#drain();
      this.#schedule();
      if (this.#waiting.length === 0) for (const idle of this.#idle.splice(0)) idle();
    });
  }

  #drain(): void {
    const batch = this.#waiting.splice(0, BATCH);
    const start = this.#options.state.mark();
    const answers = batch.map((waiting) => this.#run(waiting));
    const changed = this.#options.state.changes.length > start.changes;
    if (changed) {
      try {
        this.#options.commit?.(rowChanges(this.#options.state.changes), this.#options.state.revision);
      } catch (error) {
        // All of them, also who changed nothing: what they were answered may rest on what is undone here.
        this.#options.state.rollback(start);
        for (const waiting of batch) waiting.reject(error);
        return;
      }
      this.#commits += 1;
      this.#options.publish(this.#options.state.commit());
    }
    for (const answer of answers) answer();
  }

  #run(waiting: Waiting): () => void {
    const { state } = this.#options;
    const mark = state.mark();
    try {
      waiting.signal?.throwIfAborted();
      const value = waiting.run();
      if (waiting.dryRun) state.rollback(mark);
      return () => waiting.resolve(value);
    } catch (error) {
      state.rollback(mark);
      return () => waiting.reject(error);
    }
  }
}

/** What the database has to write for these changes: of each place what was there first and what is there last. */
function rowChanges(changes: readonly Change[]): readonly RowChange[] {
  const rows = new Map<string, RowChange>();
  for (const { previous, next } of changes) {
    const object = next ?? previous;
    if (object === undefined || object.ephemeral) continue;
    const place = `${object.typeKey}\0${object.namespace}\0${object.name}`;
    const first = rows.has(place) ? rows.get(place)?.previous : previous;
    rows.set(place, {
      ...(first === undefined ? {} : { previous: first }),
      ...(next === undefined ? {} : { next }),
    });
  }
  return [...rows.values()];
}
