/** A controller process that can be stopped as a whole (SIGSTOP, a paused machine) and goes on later, or is killed. */
import type { Clock, Fetch } from "../../controller/runtime/clock.ts";
import type { ResourceClient, WatchEvent } from "../../controller/store/resource-client.ts";
import type { World } from "../support/world.ts";

export interface PausableProcess {
  client: ResourceClient;
  clock: Clock;
  fetch: Fetch;
  readonly paused: boolean;
  goOn(): void;
  /** Nothing of it happens any more. */
  kill(): void;
  /** Changing requests that it sent since a moment of the journal. */
  changesSince(mark: number): number;
}

/**
 * The world as such a process has it: what it waits for arrives when it goes on.
 * @param pauseBefore asked before each changing request; true stops the process there, with the request not sent yet
 */
export function pausableProcess(
  world: Pick<World, "sandbox" | "store" | "time">,
  pauseBefore: () => boolean = () => false,
): PausableProcess {
  const { sandbox, store, time } = world;
  const clock = time.controller;
  let held: (() => void)[] | undefined;
  let dead = false;
  const sent: number[] = [];
  const gate = async (): Promise<void> => {
    if (dead) await new Promise(() => undefined);
    while (held !== undefined) {
      const waiting = held;
      await new Promise<void>((resolve) => void waiting.push(resolve));
      if (dead) await new Promise(() => undefined);
    }
  };
  const setTimer: Clock["setTimer"] = (milliseconds, callback) =>
    clock.setTimer(milliseconds, () => {
      if (dead) return;
      if (held === undefined) callback();
      else held.push(callback);
    });
  const sleep: Clock["sleep"] = (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimer(milliseconds, resolve);
      const abort = (): void => {
        timer.cancel();
        reject(signal?.reason as Error);
      };
      if (signal?.aborted === true) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  async function* watch(...parameters: Parameters<ResourceClient["watch"]>): AsyncGenerator<WatchEvent> {
    for await (const event of store.watch(...parameters)) {
      await gate();
      yield event;
    }
    await gate();
  }
  const client = new Proxy(store, {
    get: (target, property) => {
      if (property === "watch") return watch;
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return async (...parameters: unknown[]): Promise<unknown> => {
        await gate();
        try {
          return await (Reflect.apply(
            value as (...all: unknown[]) => unknown,
            target,
            parameters,
          ) as Promise<unknown>);
        } finally {
          await gate();
        }
      };
    },
  });
  return {
    client,
    clock: { ...clock, setTimer, sleep },
    fetch: async (input, init) => {
      const request = new Request(input, init);
      await gate();
      if (request.method !== "GET" && pauseBefore()) {
        held ??= [];
        await gate();
      }
      if (request.method !== "GET") sent.push(sandbox.context.journal.last());
      const response = await sandbox.fetch(request);
      await gate();
      return response;
    },
    get paused() {
      return held !== undefined;
    },
    goOn: () => {
      const due = held ?? [];
      held = undefined;
      for (const resume of due) resume();
    },
    kill: () => {
      dead = true;
    },
    changesSince: (mark) => sent.filter((at) => at >= mark).length,
  };
}
