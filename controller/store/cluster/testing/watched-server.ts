/**
 * An API server of one type, down to its bytes: revisions, pages, watches, bookmarks, a log that is cut; and switches for
 * everything that can go wrong between it and a client. Time is the test's.
 */
import { seededRandom } from "../../../runtime/adapters/virtual.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { KubernetesObject, ResourceType } from "../../resource-client.ts";
import { ClusterClient } from "../client.ts";
import { ApiConnection } from "../connection.ts";
import type { ApiRequest, ApiResponse } from "../transport.ts";
import { response } from "./scripted-server.ts";
import type { Answer } from "./scripted-server.ts";

export const watchedType: ResourceType = Object.freeze({
  group: "flaresmith.dev",
  version: "v1alpha1",
  kind: "Project",
  plural: "projects",
  namespaced: true,
});

interface Change {
  revision: number;
  type: "ADDED" | "MODIFIED" | "DELETED";
  object: KubernetesObject;
}

/** One open watch, seen from the server. */
interface Stream {
  push(text: string): void;
  end(error?: Error): void;
  silent: boolean;
}

export interface WatchedServer {
  client: ClusterClient;
  /** Every request that arrived: `list`, `list not older than 7`, `list continued`, `watch`, `watch from 7`. */
  readonly requests: string[];
  readonly openWatches: number;
  readonly revision: number;
  /** Creates or changes an object of namespace `team`. */
  put(name: string, spec?: Record<string, unknown>): void;
  remove(name: string): void;
  /** Something of another type changes. */
  elsewhere(): void;
  /** What exists, by `namespace/name`. */
  objects(): ReadonlyMap<string, KubernetesObject>;
  /** Forgets everything that happened: earlier revisions and begun listings are expired. */
  compact(): void;
  /** Revisions begin anew, as after a backup was restored. */
  restore(): void;
  bookmark(): void;
  /** Answers the next requests of a sort with something else. @param times default 1 */
  fail(on: "list" | "watch", answer: Answer | Error, times?: number): void;
  /** Nothing fails any more. */
  heal(): void;
  /** Breaks every open connection. */
  cut(): void;
  /** Ends every open watch in order. */
  end(): void;
  /** Nothing is heard any more on watches that are open now. */
  silence(): void;
  /** Sends text on every open watch. */
  send(text: string): void;
  /** Milliseconds by which watches lag behind. Default 0 */
  lag: number;
  /** Whether watches may begin with what exists. Default true */
  sendsInitialEvents: boolean;
}

const status = (code: number, reason: string, details: object = {}): Answer => ({
  status: code,
  body: { kind: "Status", status: "Failure", code, reason, message: reason, details },
});

export function watchedServer(clock: Clock): WatchedServer {
  const requests: string[] = [];
  const failures: { on: "list" | "watch"; answer: Answer | Error; times: number }[] = [];
  const streams = new Set<Stream>();
  const objects = new Map<string, KubernetesObject>();
  const snapshots = new Map<number, KubernetesObject[]>();
  let log: Change[] = [];
  let revision = 0;
  let oldest = 0;
  let uids = 0;

  const line = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
  let due = 0;
  /** Lag that shrinks overtakes nothing. */
  const later = (act: () => void): void => {
    due = Math.max(due, clock.monotonic() + server.lag);
    const wait = due - clock.monotonic();
    if (wait === 0) act();
    else clock.setTimer(wait, act);
  };
  const record = (type: Change["type"], object: KubernetesObject): void => {
    log.push({ revision, type, object });
    const text = line(type, object);
    for (const stream of streams) later(() => stream.push(text));
  };
  const sorted = (): KubernetesObject[] =>
    [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);

  const list = (query: URLSearchParams): Answer => {
    const token = query.get("continue");
    const wanted = query.get("resourceVersion");
    requests.push(
      `list${token === null ? (wanted === null ? "" : ` not older than ${wanted}`) : " continued"}`,
    );
    if (wanted !== null && Number(wanted) > revision) {
      return status(504, "Timeout", {
        causes: [{ reason: "ResourceVersionTooLarge", message: "too large" }],
      });
    }
    const [from = revision, start = 0] = token === null ? [] : token.split(".").map(Number);
    if (token === null) snapshots.set(revision, sorted());
    const all = snapshots.get(from);
    if (all === undefined) return status(410, "Expired");
    const end = start + Number(query.get("limit"));
    const more = end < all.length ? { continue: `${from}.${end}` } : {};
    const metadata = { resourceVersion: String(from), ...more };
    return { body: { kind: "List", metadata, items: all.slice(start, end) } };
  };

  const watch = (query: URLSearchParams, signal: AbortSignal): ApiResponse => {
    const from = query.get("resourceVersion");
    const initial = query.get("sendInitialEvents") === "true";
    requests.push(from === null ? "watch" : `watch from ${from}`);
    if (initial && !server.sendsInitialEvents) return response(status(422, "Invalid"));
    const chunks: string[] = [];
    if (initial) {
      for (const object of objects.values()) chunks.push(line("ADDED", object));
      const annotations = { "k8s.io/initial-events-end": "true" };
      chunks.push(line("BOOKMARK", { metadata: { resourceVersion: String(revision), annotations } }));
    } else if (Number(from) < oldest || Number(from) > revision) {
      chunks.push(line("ERROR", status(410, "Expired").body));
    } else {
      for (const change of log.filter((one) => one.revision > Number(from)))
        chunks.push(line(change.type, change.object));
    }
    const { body, stream } = streamed(chunks, signal, () => streams.delete(stream));
    streams.add(stream);
    return { ...response({}), body };
  };

  const answer = (request: ApiRequest, signal: AbortSignal): ApiResponse => {
    const { searchParams } = new URL(request.url);
    const on = searchParams.get("watch") === "true" ? "watch" : "list";
    const failure = failures.find((one) => one.on === on && one.times > 0);
    if (failure !== undefined) {
      failure.times--;
      requests.push(`${on} failed`);
      if (failure.answer instanceof Error) throw failure.answer;
      return response(failure.answer);
    }
    return on === "watch" ? watch(searchParams, signal) : response(list(searchParams));
  };

  const connection = new ApiConnection({
    server: "https://cluster.test",
    transport: {
      send: async (request, signal) => {
        await Promise.resolve();
        signal.throwIfAborted();
        return answer(request, signal);
      },
      close: () => Promise.resolve(),
    },
    clock,
    random: seededRandom(7),
  });
  const server: WatchedServer = {
    client: new ClusterClient(connection),
    requests,
    get openWatches() {
      return streams.size;
    },
    get revision() {
      return revision;
    },
    put: (name, spec = {}) => {
      const old = objects.get(`team/${name}`);
      revision++;
      const metadata = {
        name,
        namespace: "team",
        uid: old?.metadata.uid ?? `uid-${++uids}`,
        resourceVersion: String(revision),
      };
      const object = { apiVersion: "flaresmith.dev/v1alpha1", kind: "Project", metadata, spec };
      objects.set(`team/${name}`, object);
      record(old === undefined ? "ADDED" : "MODIFIED", object);
    },
    remove: (name) => {
      const old = objects.get(`team/${name}`);
      if (old === undefined) return;
      objects.delete(`team/${name}`);
      revision++;
      record("DELETED", { ...old, metadata: { ...old.metadata, resourceVersion: String(revision) } });
    },
    elsewhere: () => void revision++,
    objects: () => objects,
    compact: () => {
      log = [];
      oldest = revision;
      snapshots.clear();
    },
    restore: () => {
      server.compact();
      revision = Math.floor(revision / 2);
      oldest = revision;
    },
    bookmark: () => {
      const text = line("BOOKMARK", { metadata: { resourceVersion: String(revision) } });
      for (const stream of streams) later(() => stream.push(text));
    },
    fail: (on, given, times = 1) => void failures.push({ on, answer: given, times }),
    heal: () => void failures.splice(0),
    cut: () => {
      const error = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      for (const stream of streams) stream.end(error);
    },
    end: () => {
      for (const stream of streams) stream.end();
    },
    silence: () => {
      for (const stream of streams) stream.silent = true;
    },
    send: (text) => {
      for (const stream of streams) stream.push(text);
    },
    lag: 0,
    sendsInitialEvents: true,
  };
  return server;
}

/** A body that goes on until somebody ends it. Lines are cut into chunks at odd places, as a network does. */
function streamed(
  chunks: string[],
  signal: AbortSignal,
  closed: () => void,
): { body: ApiResponse["body"]; stream: Stream } {
  let wake = (): void => undefined;
  let ended: { error?: Error } | undefined;
  const end = (error?: Error): void => {
    ended ??= error === undefined ? {} : { error };
    wake();
  };
  const stream: Stream = {
    silent: false,
    push: (text) => {
      if (stream.silent || ended !== undefined) return;
      chunks.push(text);
      wake();
    },
    end,
  };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    const abort = (): void => end(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    try {
      for (;;) {
        const text = ended?.error === undefined ? chunks.shift() : undefined;
        if (text !== undefined) {
          const all = Buffer.from(text);
          const middle = Math.floor(all.byteLength / 2);
          yield all.subarray(0, middle);
          yield all.subarray(middle);
        } else if (ended !== undefined) {
          if (ended.error !== undefined) throw ended.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener("abort", abort);
      closed();
    }
  }
  return { body: Object.assign(bytes(), { text: () => Promise.resolve("") }), stream };
}
