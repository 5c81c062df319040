/** The store of `up`: opened, and heard of wherever people look when it cannot be written. */
import { join } from "node:path";
import { kinds } from "../../../crds/index.ts";
import { inLaterTurn } from "../../runtime/adapters/event-loop.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../store/embedded/index.ts";
import type { EmbeddedStore, StoreHealth } from "../../store/embedded/index.ts";
import { installationObject } from "../process/installation.ts";
import type { Run } from "./run.ts";

export interface OpenedStore {
  store: EmbeddedStore;
  /** Calls back whenever the store can be written again after it could not be. */
  onRecovery(listener: () => void): void;
  /** For `/readyz`: what is wrong, or undefined. */
  problem(): string | undefined;
}

/**
 * Opens the store of a data directory. When its file takes no more writes, the log, the metrics, the terminal and
 * `/readyz` say so with the remedy, and an Event once there is room for one.
 * @throws StoreUnusableError, and ApiError when a new file cannot be written
 */
export async function openStore({ directory, environment, report, tracker }: Run): Promise<OpenedStore> {
  const { clock, random } = environment;
  const listeners: (() => void)[] = [];
  const onHealth = (health: StoreHealth): void => {
    tracker.storeWritable(health.writable);
    if (!health.writable) {
      tracker.log.error("the store cannot be written", { fault: health.fault, problem: health.message });
      report.note(health.message);
      return;
    }
    tracker.log.info("the store can be written again");
    report.note("The store can be written again.");
    tracker.event(installationObject, {
      type: "Warning",
      reason: "StoreWasNotWritable",
      message: "The store could not be written for a time; what was refused meanwhile is tried again.",
    });
    for (const listener of listeners) listener();
  };
  tracker.storeWritable(true);
  const store = await openEmbeddedStore({
    path: join(directory, "store.db"),
    clock,
    random,
    types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
    // Writes of one turn share a transaction; nobody who writes alone waits for a timer.
    defer: inLaterTurn,
    onHealth,
    onWriteFailure: (fault) => tracker.storeWriteFailed(fault),
  });
  return {
    store,
    onRecovery: (listener) => void listeners.push(listener),
    problem: () => (store.health.writable ? undefined : store.health.message),
  };
}
