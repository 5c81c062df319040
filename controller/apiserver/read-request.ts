/** Get, list and watch over HTTP. */
import type { Clock, Random } from "../runtime/clock.ts";
import type { ApiStore } from "./api-store.ts";
import { notAcceptable } from "./status.ts";
import { parseListQuery, parseVersion } from "./request-options.ts";
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
  /** Hears what makes a watch fail inside the server. */
  onError: (error: unknown) => void;
}

/** GET of an object or a collection. @throws ApiError */
export function listRequest(context: ReadContext): Response {
  const { store, path, respond } = context;
  const { definition, namespace, name } = path;
  const { type } = definition;
  if (name !== undefined) {
    const isWatch = context.query.get("watch") === "true" || context.query.get("watch") === "1";
    if (!isWatch) {
      parseVersion(context.query);
      const text = store.getText(type, namespace === undefined ? { name } : { name, namespace });
      if (respond.negotiated.as?.kind === "PartialObjectMetadataList") {
        throw notAcceptable(
          `you requested PartialObjectMetadataList, but the requested object is not a list (${type.kind})`,
        );
      }
      return objectResponse(text, respond);
    }
    // The older way to watch one object.
    context.query.set("fieldSelector", `metadata.name=${name}`);
  }
  const query = parseListQuery(context.query);
  if (query.watch) {
    const { clock, random, disconnect, ending, onError, request } = context;
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
      onError,
    });
  }
  const {
    limit,
    labelSelector,
    fieldSelector,
    continue: token,
    resourceVersion,
    resourceVersionMatch,
  } = query;
  const listed = store.listText(type, {
    ...(namespace === undefined ? {} : { namespace }),
    ...(limit === undefined ? {} : { limit }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(token === undefined ? {} : { continue: token }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(resourceVersionMatch === "Exact" ? { exactRevision: Number(resourceVersion) } : {}),
  });
  if (respond.negotiated.as?.kind === "PartialObjectMetadata") {
    throw notAcceptable(
      `you requested PartialObjectMetadata, but the requested object is a list (${type.kind}List)`,
    );
  }
  return listResponse(listed, definition, respond, context);
}
