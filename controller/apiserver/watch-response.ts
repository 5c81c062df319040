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
  /** Hears what made the watch fail inside the server; the client is told that it failed. */
  onError: (error: unknown) => void;
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
  const { clock } = context;
  const stop = new AbortController();
  // Here and not at the first read, so that a bad selector is a refusal and not a broken stream; and before anything
  // is registered that only the end of a watch lets go of.
  const lines = watchLines(context, openEvents(context, stop.signal));
  const ends = [context.signal, ...(context.ending === undefined ? [] : [context.ending])];
  const finish = (): void => {
    limit.cancel();
    reader.read();
    for (const end of ends) end.removeEventListener("abort", finish);
    // Wakes the store where it waits for a change; where it waits to be read, only the return lets it go.
    stop.abort();
    void lines.return(undefined);
  };
  const limit = clock.setTimer(secondsOf(context) * 1000, finish);
  const reader = stalledReader(clock, () => {
    finish();
    context.disconnect();
  });
  for (const end of ends) end.addEventListener("abort", finish, { once: true });
  if (ends.some((end) => end.aborted)) finish();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader.read();
        const next = await lines.next();
        if (next.done === true) {
          finish();
          controller.close();
          return;
        }
        controller.enqueue(encoder.encode(next.value));
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

/** @throws ApiError for what is no event of the watch itself */
function openEvents(context: WatchContext, signal: AbortSignal): AsyncIterable<StoreEvent> {
  const { definition, namespace, query, store } = context;
  const { labelSelector, fieldSelector, allowWatchBookmarks } = query;
  try {
    return store.watchText(
      definition.type,
      {
        ...startOf(context),
        allowBookmarks: allowWatchBookmarks,
        ...(namespace === undefined ? {} : { namespace }),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      },
      signal,
    );
  } catch (error) {
    if (!isEvent(error)) throw error;
    return failing(error);
  }
}

function failing(error: ApiError): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

/** What is sent, line by line. Whoever stops reading returns it, so that the store lets go of the watch. */
async function* watchLines(
  context: WatchContext,
  events: AsyncIterable<StoreEvent>,
): AsyncGenerator<string, undefined, undefined> {
  const { clock, definition, onError, respond } = context;
  let isFirst = true;
  try {
    for await (const event of events) {
      const object =
        event.type === "BOOKMARK" ? JSON.stringify(bookmarkObject(definition, event)) : event.text;
      yield lineOf(event.type, eventObject(object, { ...respond, now: clock.now() }, isFirst));
      isFirst = false;
    }
  } catch (error) {
    const refusal = asApiError(error);
    if (refusal !== error) onError(error);
    yield lineOf("ERROR", JSON.stringify(statusOf(refusal)));
  }
}

function lineOf(type: StoreEvent["type"] | "ERROR", object: string): string {
  return `{"type":"${type}","object":${singleLine(object)}}\n`;
}

type StoreEvent = ReturnType<ApiStore["watchText"]> extends AsyncIterable<infer Event> ? Event : never;
