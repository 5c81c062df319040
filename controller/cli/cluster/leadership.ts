/** The lease in the life of the process: the controllers wait for it, renew it while they work, and end with it. */
import type { LeaderElection } from "../../runtime/leader-election.ts";
import type { Shutdown } from "../../runtime/shutdown.ts";

export interface Leadership {
  /** For the manager: resolves when this process leads. */
  acquire(signal: AbortSignal): Promise<void>;
  /** Whether the lease was lost while this process worked. */
  lost(): boolean;
}

/**
 * Registers the release of the lease, to be called before the manager is started, so that it is released after the manager
 * has stopped: until then it is renewed, and nobody else begins while something is still being done here.
 *
 * A process that lost the lease aborts what it does and ends, as controller-runtime does: what it remembers is of the time
 * when it led, and whoever starts it again gives it a clean beginning.
 *
 * @param options.abandon aborts what the controllers do, at once
 */
export function holdLeadership(options: {
  election: LeaderElection;
  shutdown: Shutdown;
  abandon: () => Promise<void>;
}): Leadership {
  const { abandon, election, shutdown } = options;
  const keeping = new AbortController();
  let kept: Promise<void> = Promise.resolve();
  let lost = false;
  shutdown.register("lease", async () => {
    keeping.abort(new Error("the process ends"));
    await kept;
    await election.release();
  });
  const keep = async (): Promise<void> => {
    await election.keep(keeping.signal);
    if (keeping.signal.aborted) return;
    lost = true;
    // First of all: somebody else may act from now on.
    void abandon();
    void shutdown.run("the lease is lost");
  };
  return {
    acquire: async (signal) => {
      await election.acquire(signal);
      kept = keep();
    },
    lost: () => lost,
  };
}
