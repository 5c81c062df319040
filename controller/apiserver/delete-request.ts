/** Deletes over HTTP: one object or a selection. */
import { ApiError, type DeleteOptions, type KubernetesObject } from "../store/resource-client.ts";
import type { ApiStore } from "./api-store.ts";
import { decodeDeleteBody } from "./body.ts";
import { declaredWarning } from "./declared-warning.ts";
import { parseDeleteOptions } from "./delete-options.ts";
import { parseListQuery } from "./request-options.ts";
import type { ResourcePath } from "./request-path.ts";
import { deletedStatus, type StatusBody } from "./status.ts";

/** A header has to stay within what clients read. */
const MOST_WARNINGS = 16;

export interface DeleteContext {
  store: ApiStore;
  path: ResourcePath;
  request: Request;
  query: URLSearchParams;
  /** Takes the text of a Warning header. */
  warn: (text: string) => void;
}

export interface DeleteResult {
  /** The object while something still holds it, else a `Status`. */
  body: KubernetesObject | StatusBody;
  code: number;
}

/** DELETE of one object. @throws ApiError 404, 409, 422 */
export async function deleteRequest(context: DeleteContext, name: string): Promise<DeleteResult> {
  const { store, path, request } = context;
  const { type } = path.definition;
  const { orphanDependents, ...options } = parseDeleteOptions(context.query, await decodeDeleteBody(request));
  const key = path.namespace === undefined ? { name } : { name, namespace: path.namespace };
  const { object, removed } = await store.remove(type, key, options, request.signal);
  const warning = declaredWarning(store, object);
  if (warning !== undefined) context.warn(warning);
  if (removed) {
    const { uid = "" } = object.metadata;
    return { body: deletedStatus({ name, group: type.group, kind: type.plural, uid }), code: 200 };
  }
  // Only those who ask in the older way are told that it takes longer.
  return { body: object, code: orphanDependents === false ? 202 : 200 };
}

async function removeOne(
  context: DeleteContext,
  object: KubernetesObject,
  options: DeleteOptions,
): Promise<void> {
  const { store, path, request } = context;
  const { name, namespace } = object.metadata;
  try {
    await store.remove(
      path.definition.type,
      namespace === undefined ? { name } : { name, namespace },
      options,
      request.signal,
    );
  } catch (error) {
    // Gone in the meantime is what was asked for.
    if (!(error instanceof ApiError && error.reason === "NotFound")) throw error;
  }
}

/** DELETE of a collection: answers the list of what was there. @throws ApiError */
export async function deleteCollectionRequest(context: DeleteContext): Promise<unknown> {
  const { store, path, request } = context;
  const { type } = path.definition;
  const { orphanDependents: _, ...options } = parseDeleteOptions(
    context.query,
    await decodeDeleteBody(request),
  );
  const { labelSelector, fieldSelector, limit, continue: token } = parseListQuery(context.query);
  const listed = store.listText(type, {
    ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(limit === undefined ? {} : { limit }),
    ...(token === undefined ? {} : { continue: token }),
  });
  const items = listed.texts.map((text) => JSON.parse(text) as KubernetesObject);
  for (const warning of items.flatMap((item) => declaredWarning(store, item) ?? []).slice(0, MOST_WARNINGS))
    context.warn(warning);
  // Sent together, so that they share commits of the store.
  await Promise.all(items.map((item) => removeOne(context, item, options)));
  const apiVersion = type.group === "" ? type.version : `${type.group}/${type.version}`;
  const metadata = {
    ...(listed.continue === undefined && path.definition.builtIn === true
      ? {}
      : { continue: listed.continue ?? "" }),
    resourceVersion: String(listed.revision),
  };
  return { apiVersion, kind: `${type.kind}List`, metadata, items };
}
