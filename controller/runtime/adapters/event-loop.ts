/** Resolves in a later turn of the event loop, after the input and output that is waiting has had its turn. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Calls back in a later turn of the event loop. A timer of no length takes a millisecond; this takes none. */
export function inLaterTurn(callback: () => void): void {
  setImmediate(callback);
}
