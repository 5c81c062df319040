// Signals reach this process in three ways: a terminal's Ctrl-C goes to the whole process group (the child has it
// already), `kill` goes to this process alone, and npm repeats what it got. The child must get each exactly once.
// The scripts in package.json say `exec`: npm signals the shell it started, and a shell in between would swallow that.

const repeatWindowMs = 500;

/**
 * @param {import("node:child_process").ChildProcess} child
 */
export function forwardSignals(child) {
  const last = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      const now = Date.now();
      const repeated = now - (last.get(signal) ?? 0) < repeatWindowMs;
      last.set(signal, now);
      if (!repeated) child.kill(signal);
    });
  }
  endWithNpm(child);
  // Should this process end for any other reason, the child must not outlive it.
  process.on("exit", () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  });
}

/** A killed npm cannot pass anything on: when it is gone, so is what it started. */
function endWithNpm(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, 1000);
  watch.unref();
}
