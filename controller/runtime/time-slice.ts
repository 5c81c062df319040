/** Long work in short turns: what shares a slice holds the event loop no longer than the slice, all together. */
import { yieldToEventLoop } from "./adapters/event-loop.ts";
import type { Clock } from "./clock.ts";

export interface TimeSlice {
  /** Whether the loop has been held long enough: then await {@link TimeSlice.pause} before going on. */
  readonly isOver: boolean;
  /** Lets whatever waits have its turn. */
  pause(): Promise<void>;
}

/** How long the loop may be held, in milliseconds, where 20 is what nobody should notice. */
const LENGTH = 4;

/**
 * @param options.pause default: one turn of the event loop. Virtual time stands still while work is done, so there no
 * slice is ever over
 */
export function createTimeSlice(options: { clock: Clock; pause?: () => Promise<void> }): TimeSlice {
  const { clock, pause = yieldToEventLoop } = options;
  let began = Number.NEGATIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  let pausing: Promise<void> | undefined;
  return {
    get isOver() {
      const now = clock.monotonic();
      // Nobody asked for a while: the loop was free in between.
      if (now - last > LENGTH) began = now;
      last = now;
      return now - began > LENGTH;
    },
    pause: () => {
      // Who pauses at once goes on at once, in one slice: each with one of its own would hold the loop one after another.
      pausing ??= pause().then(() => {
        pausing = undefined;
        began = clock.monotonic();
        last = began;
      });
      return pausing;
    },
  };
}
