/**
 * What one process remembers of one object between passes, beyond what its status says. Losing it costs reads, never
 * correctness: the first pass of a process looks at everything deeply.
 */
import type { Outputs } from "./resource.ts";

export interface SlotMemory {
  /** Monotonic milliseconds of the last deep observation without any difference. */
  verifiedAt?: number;
  /** Monotonic milliseconds of the last observation without any difference, of any depth. */
  seenAt?: number;
  /** Hash of the desired state that was verified. */
  specHash?: string;
  /** Outputs of the last verified observation. */
  outputs?: Outputs;
  /** The last write: what it changed (see changesHash), when it was last under way (monotonic milliseconds), how often in a row. */
  written?: { hash: string; at: number; attempts: number };
  /** Which intent is counted from when (monotonic milliseconds); see intent-age.ts. */
  intent?: { key: string; at: number };
  /** Whether this process has been removing it. */
  removing?: boolean;
  /** Monotonic milliseconds at which a removal was last known to have no answer: the request may still take effect. */
  unansweredRemovalAt?: number;
  /** Set after a write or an unclear outcome, until it was read by itself. */
  doubted?: boolean;
}

export interface ObjectMemory {
  slots: Map<string, SlotMemory>;
  /** `type id` of what a provider said it deleted for us: it is gone, whether or not the status could be told so. */
  deleted: Set<string>;
  /** Monotonic milliseconds since when something is not settled and nothing moves. */
  unsettledSince?: number;
}

export function createObjectMemory(): ObjectMemory {
  return { slots: new Map(), deleted: new Set() };
}

/**
 * The store did not take what a pass learnt: what it wrote at the providers is compared with an older inventory the next
 * time, and must not be taken for a write that the provider ignored.
 */
export function forgetWrites(memory: ObjectMemory): void {
  for (const slot of memory.slots.values()) {
    if (slot.written !== undefined) slot.written = { ...slot.written, attempts: 0 };
  }
}

/** The memory of a slot; made on first use. */
export function slotMemory(memory: ObjectMemory, slot: string): SlotMemory {
  const known = memory.slots.get(slot);
  if (known) return known;
  const made: SlotMemory = {};
  memory.slots.set(slot, made);
  return made;
}
