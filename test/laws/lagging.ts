/** A store whose watches lag behind: what a controller's caches show in a cluster, where news takes its time. */
import type { EmbeddedStore } from "../../controller/store/embedded/index.ts";
import type { ResourceType, WatchEvent, WatchOptions } from "../../controller/store/resource-client.ts";
import type { VirtualTime } from "../support/virtual-time.ts";

export interface LaggingStore {
  store: EmbeddedStore;
  /** Writes that were refused because they were based on what is no longer so. */
  readonly conflicts: number;
}

/**
 * Everything but watches is as the store has it now.
 * @param lag milliseconds of virtual time between a change and its event, asked anew for each; order is kept
 */
export function laggingStore(base: EmbeddedStore, time: VirtualTime, lag: () => number): LaggingStore {
  let conflicts = 0;
  async function* watch(
    type: ResourceType,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    let arrives = 0;
    const events = base.watch(type, options, signal);
    // What exists at the beginning is known at once; only news are late.
    let isNews = options.sendInitialEvents !== true;
    const due: { event: WatchEvent; at: number }[] = [];
    let wake = (): void => undefined;
    let ended = false;
    const read = async (): Promise<void> => {
      for await (const event of events) {
        arrives = isNews ? Math.max(arrives, time.now() + lag()) : 0;
        if (event.type === "BOOKMARK" && event.initialEventsEnd === true) isNews = true;
        due.push({ event, at: arrives });
        wake();
      }
      ended = true;
      wake();
    };
    const reading = read();
    while (!ended || due.length > 0) {
      const next = due.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const wait = next.at - time.now();
      if (wait > 0) await time.controller.sleep(wait, signal).catch(() => undefined);
      if (signal.aborted) break;
      yield next.event;
    }
    await reading;
  }
  const store = new Proxy(base, {
    get: (target, property) => {
      if (property === "watch") return watch;
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...parameters: unknown[]): unknown => {
        const answer: unknown = Reflect.apply(value as (...all: unknown[]) => unknown, target, parameters);
        if (answer instanceof Promise) {
          answer.catch((error: unknown) => {
            if ((error as { reason?: string }).reason === "Conflict") conflicts++;
          });
        }
        return answer;
      };
    },
  });
  return {
    store,
    get conflicts() {
      return conflicts;
    },
  };
}
