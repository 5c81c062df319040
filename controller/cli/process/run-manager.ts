/** Runs a manager as a part of the process. */
import type { Manager } from "../../runtime/manager.ts";
import type { Shutdown } from "../../runtime/shutdown.ts";
import type { Tracker } from "../../runtime/tracker.ts";

/**
 * Starts the manager and stops it with the process. A manager that fails ends the process: one that does nothing must not
 * stay behind.
 * @returns what it failed with, once it did
 */
export function runManager(options: { manager: Manager; shutdown: Shutdown; tracker: Tracker }): {
  failure: () => Error | undefined;
} {
  const { manager, shutdown, tracker } = options;
  const managing = manager.start(new AbortController().signal);
  shutdown.register("controller", async () => {
    await manager.stop();
    await managing;
  });
  let failure: Error | undefined;
  managing.catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
    tracker.log.error("the controller ended", { error });
    void shutdown.run("the controller failed");
  });
  return { failure: () => failure };
}
