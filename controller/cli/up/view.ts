/** All objects of our kinds as they change, for progress and for waiting: the controllers' own caches, looked at. */
import type { CacheEvent } from "../../runtime/cache.ts";
import type { FollowedCaches } from "../../runtime/manager.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import { shownTypes } from "../types.ts";

export interface WorldView {
  /** Resolves when every kind was listed once. */
  synced: Promise<void>;
  /** Everything there is, kind by kind, by namespace and name. */
  objects(): readonly KubernetesObject[];
  /** Tells of each change from now on, until the returned function is called. */
  onChange(callback: (change: CacheEvent<KubernetesObject>) => void): () => void;
  close(): void;
}

/** Looks at all kinds until it is closed. */
export function viewWorld(all: FollowedCaches): WorldView {
  const closing = new AbortController();
  const callbacks = new Set<(change: CacheEvent<KubernetesObject>) => void>();
  const caches = shownTypes.map((type) => all.of(type));
  const unsubscribe = caches.map((cache) =>
    cache.subscribe((event) => {
      for (const callback of callbacks) callback(event);
    }),
  );
  return {
    synced: Promise.all(caches.map((cache) => cache.synced(closing.signal))).then(() => undefined),
    objects: () => caches.flatMap((cache) => cache.list().toSorted(byPlace)),
    onChange: (callback) => {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    close: () => {
      for (const stop of unsubscribe) stop();
      closing.abort(new Error("nobody looks any more"));
    },
  };
}

function byPlace(a: KubernetesObject, b: KubernetesObject): number {
  const [left, right] = [a, b].map(({ metadata }) => `${metadata.namespace ?? ""}/${metadata.name}`);
  return (left ?? "") < (right ?? "") ? -1 : 1;
}
