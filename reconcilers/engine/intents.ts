/**
 * Intents before deeds (law 2): nothing is created or deleted at a provider before the inventory in the store says so.
 * All intents that are ready together go into one version-checked status write; a refused write stops every deed that
 * waited for it, which is what makes a second leader harmless.
 */
import type { Clock } from "../../controller/runtime/clock.ts";
import type { Activity } from "./activity.ts";
import type { InventoryEntry } from "./resource.ts";

/** How long, in milliseconds, ready intents wait for slower observations of the same pass. */
const GATHER = 1_000;

export interface Intents {
  /** Resolves when the entry is durable; rejects with the store's error when it is not. */
  record(entry: InventoryEntry): Promise<void>;
  /** Resolves when the object is still what this pass believes it to be; rejects with the store's error otherwise. */
  confirm(): Promise<void>;
}

interface Waiting {
  entry: InventoryEntry;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * @param write stores the inventory as it stands, version-checked
 * @param check asks the store whether the object is still as it was read
 * @param inventory the pass's inventory by slot; recorded entries are put into it before it is written
 */
export function createIntents(options: {
  inventory: Map<string, InventoryEntry>;
  activity: Activity;
  clock: Clock;
  write: () => Promise<void>;
  check: () => Promise<void>;
}): Intents {
  const { activity, check, clock, inventory, write } = options;
  let waiting: Waiting[] = [];
  let flushing: Promise<void> = Promise.resolve();
  let scheduled = false;

  const flush = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    scheduled = false;
    if (batch.length === 0) return;
    const before = new Map(batch.map(({ entry }) => [entry.slot, inventory.get(entry.slot)] as const));
    for (const { entry } of batch) inventory.set(entry.slot, entry);
    try {
      await write();
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const [slot, entry] of before) {
        if (entry) inventory.set(slot, entry);
        else inventory.delete(slot);
      }
      for (const { reject } of batch) reject(error);
    }
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    let started = false;
    const start = (): void => {
      if (started) return;
      started = true;
      timer.cancel();
      // One write at a time: each is checked against the version that the one before it left.
      flushing = flushing.then(flush);
    };
    const timer = clock.setTimer(GATHER, start);
    activity.whenIdle(start);
  };
  return {
    record: (entry) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ entry, resolve, reject });
        schedule();
      }),
    confirm: () => {
      // In its turn: a write of our own that is under way is no change by another.
      const checked = flushing.then(check);
      flushing = checked.catch(() => undefined);
      return checked;
    },
  };
}
