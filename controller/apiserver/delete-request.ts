/** Deletes over HTTP: one object or a selection. */
import { ApiError, type DeleteOptions, type KubernetesObject } from "../store/resource-client.ts";
import type { ApiStore } from "./api-store.ts";
import { decodeDeleteBody } from "./body.ts";
import { declaredWarning } from "./declared-warning.ts";
import { isCustom } from "./openapi.ts";
import { parseDeleteOptions, parseListQuery } from "./request-options.ts";
import type { ResourcePath } from "./request-path.ts";
import { deletedStatus, type StatusBody } from "./status.ts";

export interface DeleteContext {
  store: ApiStore;
  path: ResourcePath;
  request: Request;
  query: URLSearchParams;
}

export interface DeleteResult {
  /** The object while something still holds it, else a `Status`. */
  body: KubernetesObject | StatusBody;
  warnings: readonly string[];
}

/** DELETE of one object. @throws ApiError 404, 409, 422 */
export async function deleteRequest(context: DeleteContext, name: string): Promise<DeleteResult> {
  const { store, path, request } = context;
  const { type } = path.definition;
  const options = parseDeleteOptions(context.query, await decodeDeleteBody(request));
  const key = path.namespace === undefined ? { name } : { name, namespace: path.namespace };
  const { object, removed } = await store.remove(type, key, options, request.signal);
  const warning = declaredWarning(store, object);
  const body = removed
    ? deletedStatus({ name, group: type.group, kind: type.plural, uid: object.metadata.uid ?? "" })
    : object;
  return { body, warnings: warning === undefined ? [] : [warning] };
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
export async function deleteCollectionRequest(
  context: DeleteContext,
): Promise<{ body: unknown; warnings: readonly string[] }> {
  const { store, path, request } = context;
  const { type } = path.definition;
  const options = parseDeleteOptions(context.query, await decodeDeleteBody(request));
  const { labelSelector, fieldSelector, limit, continue: token } = parseListQuery(context.query);
  const listed = store.listText(type, {
    ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(limit === undefined ? {} : { limit }),
    ...(token === undefined ? {} : { continue: token }),
  });
  const items = listed.texts.map((text) => JSON.parse(text) as KubernetesObject);
  const warnings = items.flatMap((item) => declaredWarning(store, item) ?? []);
  // Sent together, so that they share commits of the store.
  await Promise.all(items.map((item) => removeOne(context, item, options)));
  const apiVersion = type.group === "" ? type.version : `${type.group}/${type.version}`;
  const metadata = {
    ...(listed.continue === undefined && !isCustom(path.definition)
      ? {}
      : { continue: listed.continue ?? "" }),
    resourceVersion: String(listed.revision),
  };
  return { body: { apiVersion, kind: `${type.kind}List`, metadata, items }, warnings: warnings.slice(0, 16) };
}
