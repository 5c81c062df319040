/** Watches over HTTP: one JSON event per line until the client, the time limit or the store ends it. */
import type { Clock, Random } from "../runtime/clock.ts";
import type { TypeDefinition } from "../store/embedded/type-definition.ts";
import { ApiError } from "../store/resource-client.ts";
import type { ApiStore } from "./api-store.ts";
import { singleLine } from "./json-text.ts";
import type { ListQuery } from "./request-options.ts";
import { bookmarkObject, eventObject, type RespondContext } from "./respond.ts";
import { stalledReader } from "./stalled-reader.ts";
import { asApiError, statusOf } from "./status.ts";

/** A watch without a timeout lasts between this and twice this, as in kube-apiserver (`--min-request-timeout`). */
const LONGEST_SECONDS = 1800;

export interface WatchContext {
  store: ApiStore;
  clock: Clock;
  random: Random;
  definition: TypeDefinition;
  namespace: string | undefined;
  query: ListQuery;
  respond: RespondContext;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  /** Aborted when the server stops. */
  ending?: AbortSignal;
  /** Cuts the connection, for a client that no longer reads. */
  disconnect: () => void;
}

function startOf(context: WatchContext): { resourceVersion?: string; markInitialEvents: boolean } {
  const { query, store } = context;
  const { sendInitialEvents, resourceVersion } = query;
  if (sendInitialEvents === true) return { markInitialEvents: query.allowWatchBookmarks };
  if (sendInitialEvents === false && resourceVersion === undefined) {
    return { resourceVersion: store.revision, markInitialEvents: false };
  }
  return { ...(resourceVersion === undefined ? {} : { resourceVersion }), markInitialEvents: false };
}

/** How long a watch lasts; kube-apiserver's `GetTimeoutForWatch` takes 0 as not given. */
function secondsOf({ query, random }: WatchContext): number {
  const { timeoutSeconds = 0 } = query;
  return timeoutSeconds === 0 ? LONGEST_SECONDS * (1 + random.next()) : Math.max(0, timeoutSeconds);
}

/** Refusals that a watch reports as an event, because that is where clients look for them. */
function isEvent(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.code === 410 || error.code === 504);
}

/**
 * Opens a watch.
 * @throws ApiError 400 for bad selectors; a revision that is too old or from the future is reported as an ERROR event
 */
export function watchResponse(context: WatchContext): Response {
  const { store, clock, definition } = context;
  const stop = new AbortController();
  const lines = watchLines(context, stop.signal);
  // Here and not at the first read, so that a bad selector is a refusal and not a broken stream; and before anything
  // is registered that only the end of a watch lets go of.
  lines.open(store, definition);
  const onAbort = (): void => stop.abort();
  const ends = [context.signal, ...(context.ending === undefined ? [] : [context.ending])];
  for (const end of ends) {
    if (end.aborted) onAbort();
    else end.addEventListener("abort", onAbort, { once: true });
  }
  const limit = clock.setTimer(secondsOf(context) * 1000, onAbort);
  const reader = stalledReader(clock, () => {
    finish();
    context.disconnect();
  });
  const finish = (): void => {
    limit.cancel();
    reader.read();
    stop.abort();
    for (const end of ends) end.removeEventListener("abort", onAbort);
  };
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader.read();
        const next = await lines.next();
        if (next === undefined) {
          finish();
          controller.close();
          return;
        }
        controller.enqueue(encoder.encode(next));
        reader.sent();
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    status: 200,
    headers: { "cache-control": "no-cache, private", "content-type": "application/json" },
  });
}

interface WatchLines {
  open(store: ApiStore, definition: TypeDefinition): void;
  /** The next line; undefined at the end. */
  next(): Promise<string | undefined>;
}

function watchLines(context: WatchContext, signal: AbortSignal): WatchLines {
  const { query, respond, definition, clock } = context;
  let events: AsyncIterator<StoreEvent> | undefined;
  let failure: ApiError | undefined;
  let sent = false;
  const errorLine = (error: unknown): string =>
    `{"type":"ERROR","object":${singleLine(JSON.stringify(statusOf(asApiError(error))))}}\n`;
  const lineOf = (event: StoreEvent): string => {
    const now = { ...respond, now: clock.now() };
    const text =
      event.type === "BOOKMARK"
        ? JSON.stringify(
            bookmarkObject(definition, {
              revision: event.revision,
              initialEventsEnd: event.initialEventsEnd ?? false,
            }),
          )
        : event.text;
    const line = `{"type":"${event.type}","object":${singleLine(eventObject(text, now, !sent))}}\n`;
    sent = true;
    return line;
  };
  return {
    open(store) {
      try {
        events = store
          .watchText(
            definition.type,
            {
              ...startOf(context),
              allowBookmarks: query.allowWatchBookmarks,
              ...(context.namespace === undefined ? {} : { namespace: context.namespace }),
              ...(query.labelSelector === undefined ? {} : { labelSelector: query.labelSelector }),
              ...(query.fieldSelector === undefined ? {} : { fieldSelector: query.fieldSelector }),
            },
            signal,
          )
          [Symbol.asyncIterator]();
      } catch (error) {
        if (!isEvent(error)) throw error;
        failure = error;
      }
    },
    async next() {
      if (failure !== undefined) {
        const line = errorLine(failure);
        failure = undefined;
        return line;
      }
      if (events === undefined) return undefined;
      try {
        const next = await events.next();
        if (next.done === true) return undefined;
        return lineOf(next.value);
      } catch (error) {
        events = undefined;
        return errorLine(error);
      }
    },
  };
}

type StoreEvent = ReturnType<ApiStore["watchText"]> extends AsyncIterable<infer Event> ? Event : never;
