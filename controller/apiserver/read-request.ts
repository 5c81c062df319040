/** Get, list and watch over HTTP. */
import type { Clock, Random } from "../runtime/clock.ts";
import { ApiError } from "../store/resource-client.ts";
import type { ApiStore } from "./api-store.ts";
import { parseListQuery, type ListQuery } from "./request-options.ts";
import type { ResourcePath } from "./request-path.ts";
import { listResponse, objectResponse, type RespondContext } from "./respond.ts";
import { watchResponse } from "./watch-response.ts";

export interface ReadContext {
  store: ApiStore;
  clock: Clock;
  random: Random;
  path: ResourcePath;
  query: URLSearchParams;
  respond: RespondContext;
  request: Request;
  yieldToLoop: () => Promise<void>;
  /** Aborted when the server stops. */
  ending?: AbortSignal;
  disconnect: () => void;
}

/** @throws ApiError 410 for an exact revision of the past */
function checkRevision(query: ListQuery, current: string): void {
  const { resourceVersion, resourceVersionMatch } = query;
  if (resourceVersion === undefined || query.continue !== undefined) return;
  if (resourceVersionMatch === "Exact" && Number(resourceVersion) < Number(current)) {
    throw new ApiError({
      code: 410,
      reason: "Expired",
      message: "The resourceVersion for the provided list is too old.",
    });
  }
}

/** GET of an object or a collection. @throws ApiError */
export function listRequest(context: ReadContext): Response {
  const { store, path, respond } = context;
  const { definition, namespace, name } = path;
  const { type } = definition;
  if (name !== undefined) {
    const isWatch = context.query.get("watch") === "true" || context.query.get("watch") === "1";
    if (!isWatch)
      return objectResponse(
        store.getText(type, namespace === undefined ? { name } : { name, namespace }),
        respond,
      );
    // The older way to watch one object.
    context.query.set("fieldSelector", `metadata.name=${name}`);
  }
  const query = parseListQuery(context.query);
  if (query.watch) {
    const { clock, random, disconnect, ending, request } = context;
    return watchResponse({
      store,
      clock,
      random,
      definition,
      namespace,
      query,
      respond,
      signal: request.signal,
      ...(ending === undefined ? {} : { ending }),
      disconnect,
    });
  }
  checkRevision(query, store.revision);
  const { limit, labelSelector, fieldSelector, continue: token, resourceVersion } = query;
  const listed = store.listText(type, {
    ...(namespace === undefined ? {} : { namespace }),
    ...(limit === undefined ? {} : { limit }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(token === undefined ? {} : { continue: token }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  });
  return listResponse(listed, definition, respond, context);
}
