/**
 * How long ago something was asked for. The stamp in the inventory is of the wall clock, which may jump: an hour forward
 * would end every grace at once, and what cannot be seen yet would be made twice; an hour back would prolong it by that.
 * So a process counts from when it first knew of the intent, which is never too short.
 */
import type { Clock } from "../../controller/runtime/clock.ts";
import type { SlotMemory } from "./memory.ts";
import type { InventoryEntry } from "./resource.ts";

/** What was known to exist for longer than clocks are wrong needs no new grace after each restart, in milliseconds. */
const LONG_AGO = 24 * 3_600_000;

const keyOf = ({ nonce, since }: InventoryEntry): string => `${nonce ?? ""}|${since ?? ""}`;

/** Counts from now on: the intent was just written, or what it asked for was just answered. */
export function startIntent(memory: SlotMemory, entry: InventoryEntry, clock: Clock): void {
  memory.intent = { key: keyOf(entry), at: clock.monotonic() };
}

/** @returns milliseconds; infinity for what was never asked for */
export function intentAge(memory: SlotMemory, entry: InventoryEntry | undefined, clock: Clock): number {
  if (entry?.since === undefined) return Number.POSITIVE_INFINITY;
  if (memory.intent?.key !== keyOf(entry)) {
    const long = clock.now() - Date.parse(entry.since) > LONG_AGO;
    if (long && entry.state !== "creating") return Number.POSITIVE_INFINITY;
    startIntent(memory, entry, clock);
  }
  return clock.monotonic() - (memory.intent?.at ?? 0);
}
