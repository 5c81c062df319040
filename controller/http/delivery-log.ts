import type { Clock } from "../runtime/clock.ts";

/** Which webhook deliveries were taken over. GitHub repeats an id when it redelivers, for up to three days. */
export interface DeliveryLog {
  /** Whether the delivery was taken over, or is being so. */
  has(id: string): boolean;
  /** Claims a delivery; give it back with `release` when taking it over failed. */
  claim(id: string): void;
  release(id: string): void;
}

const threeDays = 3 * 24 * 3_600_000;

/** @param options.capacity ids remembered; the oldest go first. Default 10,000 */
export function createDeliveryLog(options: { clock: Clock; capacity?: number | undefined }): DeliveryLog {
  const { clock, capacity = 10_000 } = options;
  const seen = new Map<string, number>();
  const expire = (): void => {
    const now = clock.monotonic();
    for (const [id, at] of seen) {
      if (seen.size <= capacity && now - at <= threeDays) return;
      seen.delete(id);
    }
  };
  return {
    has: (id) => {
      expire();
      return seen.has(id);
    },
    claim: (id) => {
      seen.set(id, clock.monotonic());
      expire();
    },
    release: (id) => void seen.delete(id),
  };
}
