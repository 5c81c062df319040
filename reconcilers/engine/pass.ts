/** What one pass over an object's graph is given, and what goes wrong in it. */
import { classifyError } from "../../controller/runtime/classify.ts";
import type { Clock, Random } from "../../controller/runtime/clock.ts";
import { isFlaresmithError } from "../../controller/runtime/errors.ts";
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { GraphNode } from "./graph.ts";
import type { MarkerParts } from "./marker.ts";
import type { ObjectMemory } from "./memory.ts";
import type { InventoryEntry } from "./resource.ts";

/** People's decisions, read from the object's annotations. */
export interface Consents {
  /** Slots to take over: `flaresmith.dev/adopt`. */
  adopt: ReadonlySet<string>;
  /** Plan hashes to carry out: `flaresmith.dev/confirm`. */
  confirm: ReadonlySet<string>;
  /** Ids that a person says are gone: `flaresmith.dev/confirm-gone`. */
  gone: ReadonlySet<string>;
}

/** What the engine tells the world while it works; Events and metrics come of it. */
export interface EngineTracker {
  event(type: "Normal" | "Warning", reason: string, message: string): void;
  drift(provider: string, type: string): void;
  /** `status.state` moves; `from` is undefined the first time. */
  state(from: string | undefined, to: string): void;
}

export interface PassOptions {
  nodes: readonly GraphNode[];
  /** By slot; changed in place as the pass learns. */
  inventory: Map<string, InventoryEntry>;
  memory: ObjectMemory;
  marker: Omit<MarkerParts, "slot">;
  consents: Consents;
  drift: "Correct" | "Warn";
  /** Milliseconds that shared observations may be old. */
  freshness: number;
  /** Milliseconds after which every field is compared again. */
  deepInterval: number;
  /** True: everything is read past all caches and compared deeply. */
  requested: boolean;
  /** Milliseconds within which what was verified without difference is not looked at again; 0 for none. */
  trust: number;
  /** Stores the inventory, version-checked. */
  persist(): Promise<void>;
  /** Asks the store whether the object is still as it was read. @throws ApiError Conflict when it is not */
  confirm(): Promise<void>;
  clock: Clock;
  random: Random;
  tracker: EngineTracker;
  signal: AbortSignal;
}

/** What one node of the pass is given. */
export interface NodeOptions extends PassOptions {
  /** Milliseconds since the last write to the node or to what it needs: nothing it reads may be older. */
  sinceWrite: number;
}

/** Anything thrown becomes an error that conditions can show; what nobody foresaw is a bug of ours. */
export function toFlaresmithError(thrown: unknown): FlaresmithError {
  return isFlaresmithError(thrown) ? thrown : classifyError(thrown);
}

/** Wraps the store's refusal of an intent, so that it is not taken for a provider's fault. */
export class RefusedIntent extends Error {
  constructor(cause: unknown) {
    super("the intent was not stored", { cause });
  }
}
