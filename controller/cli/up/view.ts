/** All objects of our kinds as they change, for progress and for waiting. */
import { createCache } from "../../runtime/cache.ts";
import type { Clock, Random } from "../../runtime/clock.ts";
import type { Tracker } from "../../runtime/tracker.ts";
import type { KubernetesObject, ResourceClient } from "../../store/resource-client.ts";
import { shownTypes } from "../types.ts";

export interface WorldView {
  /** Resolves when every kind was listed once. */
  synced: Promise<void>;
  /** Everything there is, kind by kind, by namespace and name. */
  objects(): readonly KubernetesObject[];
  /** Calls back after each change. */
  onChange(callback: () => void): void;
  close(): Promise<void>;
}

/** Follows all kinds until it is closed. */
export function watchWorld(options: {
  client: ResourceClient;
  clock: Clock;
  random: Random;
  tracker: Tracker;
}): WorldView {
  const stopping = new AbortController();
  const callbacks: (() => void)[] = [];
  const caches = shownTypes.map((type) => createCache({ ...options, type }));
  const running = caches.map((cache) => cache.run(stopping.signal));
  for (const cache of caches) {
    cache.subscribe(() => {
      for (const callback of callbacks) callback();
    });
  }
  const order = (a: KubernetesObject, b: KubernetesObject): number => {
    const [left, right] = [a, b].map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name}`);
    return (left ?? "") < (right ?? "") ? -1 : 1;
  };
  return {
    synced: Promise.all(caches.map((cache) => cache.synced(stopping.signal))).then(() => undefined),
    objects: () => caches.flatMap((cache) => cache.list().toSorted(order)),
    onChange: (callback) => void callbacks.push(callback),
    close: async () => {
      stopping.abort(new Error("nobody looks any more"));
      await Promise.all(running);
    },
  };
}
