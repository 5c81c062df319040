/**
 * A circuit breaker over a sliding window of failures: opens at 10 failures in 60 s, lets one probe through after 30 s,
 * closes when the probe succeeds. A probe that shows nothing is followed by another after as long. It never makes a caller
 * wait.
 */
import type { Clock } from "./clock.ts";

export type BreakerState = "closed" | "open" | "halfOpen";

export interface BreakerOptions {
  clock: Clock;
  /** Failures within the window that open it. Default 10 */
  threshold?: number | undefined;
  /** Length of the window in milliseconds. Default 60,000 */
  window?: number | undefined;
  /** Milliseconds after opening (or a probe that did not succeed) until the next probe. Default 30,000 */
  probeAfter?: number | undefined;
  /** Hears every change of state. */
  onChange?: ((state: BreakerState) => void) | undefined;
}

/** Permission for one call; exactly one of its functions is called when the call ended. */
export interface BreakerPass {
  readonly probe: boolean;
  success(): void;
  failure(): void;
  /** The call says nothing about the provider's health, e.g. it was cancelled: as if there had been none. */
  neutral(): void;
}

export interface Breaker {
  readonly state: BreakerState;
  /** Closed, and as far from opening as a new one. */
  readonly atRest: boolean;
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
  /** Monotonic moment of the next probe while not closed; undefined while one is under way. */
  #probeAt: number | undefined;
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

  get atRest(): boolean {
    this.#forget();
    return this.#state === "closed" && this.#failures.length === 0;
  }

  acquire(): { readonly pass: BreakerPass } | { readonly pass: undefined; readonly retryIn: number } {
    if (this.#state === "closed") return { pass: this.#pass(false) };
    if (this.#probeAt === undefined) return { pass: undefined, retryIn: this.#probeAfter };
    const retryIn = this.#probeAt - this.#clock.monotonic();
    if (retryIn > 0) return { pass: undefined, retryIn };
    this.#probeAt = undefined;
    if (this.#state !== "halfOpen") this.#change("halfOpen");
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
        if (probe) this.#probeLater();
      }),
    };
  }

  #forget(): void {
    const now = this.#clock.monotonic();
    this.#failures = this.#failures.filter((at) => now - at < this.#window);
  }

  #count(): void {
    this.#forget();
    this.#failures.push(this.#clock.monotonic());
    if (this.#failures.length >= this.#threshold) this.#open();
  }

  #probeLater(): void {
    this.#probeAt = this.#clock.monotonic() + this.#probeAfter;
  }

  #open(): void {
    this.#probeLater();
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
