/**
 * A circuit breaker over a sliding window of failures: opens at 10 failures in 60 s, lets one probe through after 30 s,
 * closes when the probe succeeds. It never makes a caller wait.
 */
import type { Clock } from "./clock.ts";

export type BreakerState = "closed" | "open" | "halfOpen";

export interface BreakerOptions {
  clock: Clock;
  /** Failures within the window that open it. Default 10 */
  threshold?: number | undefined;
  /** Length of the window in milliseconds. Default 60,000 */
  window?: number | undefined;
  /** Milliseconds after opening (or a failed probe) until the next probe. Default 30,000 */
  probeAfter?: number | undefined;
  /** Hears every change of state. */
  onChange?: ((state: BreakerState) => void) | undefined;
}

/** Permission for one call; exactly one of its functions is called when the call ended. */
export interface BreakerPass {
  readonly probe: boolean;
  success(): void;
  failure(): void;
  /** The call says nothing about the provider's health, e.g. it was cancelled. */
  neutral(): void;
}

export interface Breaker {
  readonly state: BreakerState;
  /** A pass, or in how many milliseconds a probe may be made. */
  acquire(): { readonly pass: BreakerPass } | { readonly pass: undefined; readonly retryIn: number };
}

/** Creates a closed {@link Breaker}. */
export function createBreaker(options: BreakerOptions): Breaker {
  return new WindowBreaker(options);
}

class WindowBreaker implements Breaker {
  readonly #clock: Clock;
  readonly #threshold: number;
  readonly #window: number;
  readonly #probeAfter: number;
  readonly #onChange: (state: BreakerState) => void;
  #state: BreakerState = "closed";
  #failures: number[] = [];
  #openedAt = 0;
  /** Passes from before the last change of state no longer count. */
  #epoch = 0;

  constructor(options: BreakerOptions) {
    this.#clock = options.clock;
    this.#threshold = options.threshold ?? 10;
    this.#window = options.window ?? 60_000;
    this.#probeAfter = options.probeAfter ?? 30_000;
    this.#onChange = options.onChange ?? (() => undefined);
  }

  get state(): BreakerState {
    return this.#state;
  }

  acquire(): { readonly pass: BreakerPass } | { readonly pass: undefined; readonly retryIn: number } {
    if (this.#state === "closed") return { pass: this.#pass(false) };
    const retryIn = this.#openedAt + this.#probeAfter - this.#clock.monotonic();
    if (this.#state === "halfOpen") return { pass: undefined, retryIn: this.#probeAfter };
    if (retryIn > 0) return { pass: undefined, retryIn };
    this.#change("halfOpen");
    return { pass: this.#pass(true) };
  }

  #pass(probe: boolean): BreakerPass {
    const epoch = this.#epoch;
    let ended = false;
    const once = (act: () => void) => (): void => {
      if (ended || epoch !== this.#epoch) return;
      ended = true;
      act();
    };
    return {
      probe,
      success: once(() => {
        if (probe) this.#close();
      }),
      failure: once(() => (probe ? this.#open() : this.#count())),
      neutral: once(() => {
        // Nothing was learnt: the next caller probes.
        if (probe) this.#change("open");
      }),
    };
  }

  #count(): void {
    const now = this.#clock.monotonic();
    this.#failures = this.#failures.filter((at) => now - at < this.#window);
    this.#failures.push(now);
    if (this.#failures.length >= this.#threshold) this.#open();
  }

  #open(): void {
    this.#openedAt = this.#clock.monotonic();
    this.#failures = [];
    this.#change("open");
  }

  #close(): void {
    this.#failures = [];
    this.#change("closed");
  }

  #change(state: BreakerState): void {
    this.#state = state;
    this.#epoch++;
    this.#onChange(state);
  }
}
