/**
 * Stands between the commit queue and the file: what a failed write means for those who asked for it, whether the store
 * can be written at all, and when it can be written again. Reading goes on in any case, it never touches the file.
 */
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { ApiError } from "../resource-client.ts";
import type { Database } from "./database.ts";
import { insufficientStorage, internalError } from "./errors.ts";
import type { RowChange } from "./format.ts";

/** `full`: no room, tried again; `failing`: the disk refuses, tried again; `damaged`: never written again by this process. */
export type StoreFault = "full" | "failing" | "damaged";

export type StoreHealth =
  | { readonly writable: true }
  | {
      readonly writable: false;
      readonly fault: StoreFault;
      /** What is wrong and what to do. */ readonly message: string;
    };

export interface WriteGuardOptions {
  database: Database;
  clock: Clock;
  /** Hears when the store stops being writable and when it is again. */
  onHealth?: ((health: StoreHealth) => void) | undefined;
  /** Hears every write that the file did not take. */
  onFailure?: ((fault: StoreFault) => void) | undefined;
}

const healthy: StoreHealth = Object.freeze({ writable: true });

/** Milliseconds between attempts to find out whether there is room again. */
const PROBE_EVERY = 5_000;
/** Room for this many bytes is enough to call the disk no longer full, whatever the size of what did not fit. */
const LARGEST_PROBE = 4 * 1024 * 1024;

/** Result codes of SQLite, primary and extended. @see https://www.sqlite.org/rescode.html */
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;
/** A write was refused for another reason than ENOSPC: a quota (EDQUOT), a limit on file size (EFBIG), a broken disk. */
const IO_ERROR_WRITE = 778;

function faultOf(error: unknown): StoreFault {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  if (typeof code !== "number") return "failing";
  const primary = code & 0xff;
  if (primary === CORRUPT || primary === NOT_A_DATABASE) return "damaged";
  return primary === FULL || code === IO_ERROR_WRITE ? "full" : "failing";
}

function describe(fault: StoreFault, path: string, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  switch (fault) {
    case "full":
      return `The store ${path} cannot be written (${text}): the disk is full, or a quota or limit on file size is reached. Nothing was changed, and reading goes on. Make room; writing then goes on by itself.`;
    case "failing":
      return `The store ${path} cannot be written (${text}). Nothing was changed, and reading goes on. Look after the disk of the data directory; writing goes on by itself as soon as it works.`;
    case "damaged":
      return `The store ${path} is damaged (${text}) and is not written any more; reading goes on, from memory. Save what it holds with flaresmith backup while this process runs; then stop it, move the file and its -wal away, put the backup in place with flaresmith restore, and start again.`;
  }
}

export class WriteGuard {
  readonly #options: WriteGuardOptions;
  #health: StoreHealth = healthy;
  #probe: Timer | undefined;
  #closed = false;

  constructor(options: WriteGuardOptions) {
    this.#options = options;
  }

  get health(): StoreHealth {
    return this.#health;
  }

  /**
   * Writes everything in one transaction; when it returns, all of it survives a crash.
   * @throws ApiError 507 when there is no room, 500 when the file cannot be written for another reason
   */
  commit(changes: readonly RowChange[], revision: number): void {
    const { database, onFailure } = this.#options;
    if (!this.#health.writable && this.#health.fault === "damaged") {
      onFailure?.("damaged");
      throw refusal(this.#health);
    }
    try {
      database.commit(changes, revision);
    } catch (error) {
      const fault = faultOf(error);
      onFailure?.(fault);
      const health = { writable: false, fault, message: describe(fault, database.path, error) } as const;
      this.#fail(health, sizeOf(changes));
      throw refusal(health);
    }
    this.#recover();
  }

  close(): void {
    this.#closed = true;
    this.#probe?.cancel();
    const { database } = this.#options;
    if (this.#health.writable || this.#health.fault !== "damaged") database.close();
    else database.abandon();
  }

  #fail(health: StoreHealth & { writable: false }, bytes: number): void {
    const known = this.#health;
    this.#health = health;
    this.#probe?.cancel();
    if (health.fault !== "damaged") this.#schedule(bytes);
    if (known.writable || known.fault !== health.fault) this.#options.onHealth?.(health);
  }

  #recover(): void {
    if (this.#health.writable) return;
    this.#health = healthy;
    this.#probe?.cancel();
    this.#options.onHealth?.(healthy);
  }

  /** Nobody may write for a long time: whether it would work is found out without them. */
  #schedule(bytes: number): void {
    const { clock, database } = this.#options;
    this.#probe = clock.setTimer(PROBE_EVERY, () => {
      if (this.#closed) return;
      try {
        database.probe(Math.min(bytes, LARGEST_PROBE));
      } catch (error) {
        const fault = faultOf(error);
        this.#fail({ writable: false, fault, message: describe(fault, database.path, error) }, bytes);
        return;
      }
      this.#recover();
    });
  }
}

function refusal(health: StoreHealth & { writable: false }): ApiError {
  return health.fault === "full" ? insufficientStorage(health.message) : internalError(health.message);
}

function sizeOf(changes: readonly RowChange[]): number {
  let bytes = 0;
  for (const { next } of changes) bytes += next?.text.length ?? 0;
  return bytes;
}
