/** A cache over a {@link watchedServer}, and what tests ask about it. */
import { afterEach, expect } from "vitest";
import { seededRandom, virtualClock } from "../../../runtime/adapters/virtual.ts";
import { createCache } from "../../../runtime/cache.ts";
import type { Cache, CacheEvent, CacheOptions } from "../../../runtime/cache.ts";
import { createTracker } from "../../../runtime/tracker.ts";
import type { KubernetesObject } from "../../resource-client.ts";
import { watchedServer, watchedType } from "./watched-server.ts";

export const MINUTE = 60_000;
const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort(new Error("the test is over"));
});

/** A cache over an API server whose failures the test decides. */
export function reflectedWorld(options: Partial<CacheOptions<KubernetesObject>> = {}) {
  const clock = virtualClock();
  const server = watchedServer(clock);
  const lines: string[] = [];
  const tracker = createTracker({ clock, destination: { write: (line) => void lines.push(line) } });
  const cache = createCache<KubernetesObject>({
    client: server.client,
    type: watchedType,
    clock,
    random: seededRandom(),
    tracker,
    ...options,
  });
  const events: string[] = [];
  const hear = (event: CacheEvent<KubernetesObject>): void => {
    const { name } = event.object.metadata;
    const was = event.type === "updated" ? ` was ${JSON.stringify(event.old["spec"])}` : "";
    const initial = event.type === "added" && event.initial ? " initially" : "";
    const unknown = event.type === "deleted" && event.finalStateUnknown ? ", unheard" : "";
    events.push(`${event.type} ${name}${was}${initial}${unknown}`);
  };
  const stop = new AbortController();
  stops.push(stop);
  const start = async (): Promise<void> => {
    cache.subscribe(hear);
    void cache.run(stop.signal);
    await clock.settle();
  };
  const metric = async (name: string): Promise<string[]> =>
    (await tracker.exposition()).body
      .split("\n")
      .filter((line) => line.startsWith(`flaresmith_cache_${name}`));
  const restarts = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await metric("watch_restarts_total")).map((line) => [
        /reason="([^"]*)"/.exec(line)?.[1] ?? "",
        Number(line.split(" ").at(-1)),
      ]),
    );
  /** Messages of the errors that the log warns of. */
  const warnings = (): string[] =>
    lines
      .map((line) => JSON.parse(line) as { level: string; error?: { message: string } })
      .flatMap(({ error, level }) => (level === "warn" && error !== undefined ? [error.message] : []));
  const lists = (): string[] => server.requests.filter((request) => request.startsWith("list"));
  return { clock, server, tracker, cache, events, stop, start, metric, restarts, lists, warnings };
}

export const names = (cache: Cache): string[] =>
  cache
    .list()
    .map(({ metadata }) => metadata.name)
    .toSorted();
/** Asserts that the cache holds what the server holds. */
export const sameAs = ({
  cache,
  server,
}: Pick<ReturnType<typeof reflectedWorld>, "cache" | "server">): void => {
  const versions = (objects: Iterable<KubernetesObject>): string[] =>
    [...objects].map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion ?? ""}`).toSorted();
  expect(versions(cache.list())).toEqual(versions(server.objects().values()));
};
