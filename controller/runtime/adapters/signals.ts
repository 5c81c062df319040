/** The signals that ask a process to end, for the one who ends it in order. */

type EndSignal = "SIGINT" | "SIGTERM";
type Listener = (signal: string) => void;

const isEndSignal = (event: string | symbol): event is EndSignal => event === "SIGINT" || event === "SIGTERM";

/**
 * Listening through what this returns, and nobody else. Packages below (the Workers runtime of the sandbox) would end
 * the process at once, in the middle of an orderly end; what they must clean up is stopped by that end anyway.
 */
export function ownedSignals(): {
  on(signal: EndSignal, listener: Listener): void;
  off(signal: EndSignal, listener: Listener): void;
} {
  const ours = new Set<unknown>();
  process.on("newListener", (event, listener) => {
    if (!isEndSignal(event) || ours.has(listener)) return;
    // The event comes before the listener is added.
    queueMicrotask(() => process.off(event, listener as Listener));
  });
  return {
    on: (signal, listener) => {
      ours.add(listener);
      process.on(signal, listener);
    },
    off: (signal, listener) => {
      process.off(signal, listener);
    },
  };
}
