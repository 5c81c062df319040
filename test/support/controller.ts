/** One controller process without its command line: everything it reaches the world through is given to it. */
import { createControllers } from "../../reconcilers/controllers.ts";
import type { Clock, Fetch, Random } from "../../controller/runtime/clock.ts";
import { createManager } from "../../controller/runtime/manager.ts";
import { priorities } from "../../controller/runtime/work-queue.ts";
import type { Manager } from "../../controller/runtime/manager.ts";
import { createTracker } from "../../controller/runtime/tracker.ts";
import type { Tracker } from "../../controller/runtime/tracker.ts";
import type {
  KubernetesObject,
  ResourceClient,
  ResourceType,
} from "../../controller/store/resource-client.ts";
import { isApiError } from "../../controller/store/resource-client.ts";

// Loaded when the first Cloudflare client is used, which takes turns of the event loop that virtual time does not wait for.
await import("cloudflare/tree-shakable");

export interface ControllerOptions {
  client: ResourceClient;
  clock: Clock;
  random: Random;
  fetch: Fetch;
  /** Default `test`. */
  installation?: string | undefined;
  /** Key of the hashes that the store remembers. Default: one that no store has. */
  hashKey?: string | undefined;
  publicUrl?: string | undefined;
  /** Told every log line, debug included. Default: there is no log. */
  log?: ((line: string) => void) | undefined;
  /** See `ManagerOptions`. */
  leadership?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

export interface RunningController {
  manager: Manager;
  tracker: Tracker;
  /** Settles when everything that was started has ended; rejects when the controller broke. */
  ended: Promise<unknown>;
  /** Ends it without waiting for what is being reconciled. */
  abort(reason: Error): void;
}

const secretType: ResourceType = {
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
};

/** Starts the controllers of all kinds over a store and a network. */
export function startController(options: ControllerOptions): RunningController {
  const { client, clock, fetch, log, random } = options;
  const tracker = createTracker({
    clock,
    ...(log === undefined ? {} : { destination: { write: log }, level: "debug" as const }),
  });
  const controllers = createControllers({
    client,
    clock,
    random,
    tracker,
    fetch,
    installation: options.installation ?? "test",
    hashKey: options.hashKey ?? "test-key",
    version: "0.0.0-test",
    publicUrl: options.publicUrl,
    secret: (key) => readSecret(client, key),
    caches: () => manager.caches,
    wake: (controller, key) => manager.enqueue(controller, key, { priority: priorities.resync }),
  });
  const manager: Manager = createManager({
    client,
    clock,
    random,
    tracker,
    controllers: controllers.definitions,
    indexes: controllers.indexes,
    leadership: options.leadership,
  });
  const stopping = new AbortController();
  const ended = Promise.all([manager.start(stopping.signal), tracker.events.run(client, stopping.signal)]);
  return { manager, tracker, ended, abort: (reason) => stopping.abort(reason) };
}

async function readSecret(
  client: ResourceClient,
  key: { namespace: string; name: string },
): Promise<Record<string, string> | undefined> {
  try {
    const object = await client.get<KubernetesObject & { data?: Record<string, string> }>(secretType, key);
    const data = Object.entries(object.data ?? {});
    return Object.fromEntries(data.map(([name, text]) => [name, Buffer.from(text, "base64").toString()]));
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}
