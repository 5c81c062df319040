/** A ResourceClient over the HTTP API of a Kubernetes API server, a cluster's or our own. */
import {
  ApiError,
  type ApplyOptions,
  type DeleteOptions,
  type KubernetesObject,
  type ListOptions,
  type ObjectKey,
  type Patch,
  type ResourceClient,
  type ResourceList,
  type ResourceType,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from "../resource-client.ts";
import { errorOfStatus } from "./api-error.ts";
import type { ApiConnection } from "./connection.ts";
import { readLines } from "./lines.ts";
import { apiVersionOf, keyOf, pathOf, type Query } from "./request-path.ts";

/** On the bookmark that ends the initial events of a watch (`metav1.InitialEventsAnnotationKey`). */
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

interface WireEvent {
  type: string;
  object: KubernetesObject & Record<string, unknown>;
}

/** Fields that the server does not know are refused by it instead of being dropped. */
function writeQuery(options: WriteOptions | undefined): Query {
  return {
    fieldManager: options?.fieldManager,
    fieldValidation: "Strict",
    dryRun: options?.dryRun === true ? "All" : undefined,
  };
}

const PATCH_TYPE = { merge: "application/merge-patch+json", json: "application/json-patch+json" } as const;

/** Talks to one API server. @throws ApiError from every method, as {@link ResourceClient} says */
export class ClusterClient implements ResourceClient {
  readonly #connection: ApiConnection;

  constructor(connection: ApiConnection) {
    this.#connection = connection;
  }

  async get<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#connection.call({ method: "GET", path: pathOf(type, keyOf(type, key)) }, signal);
  }

  async list<T extends KubernetesObject>(
    type: ResourceType,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<ResourceList<T>> {
    const { namespace, labelSelector, fieldSelector, limit, continue: token, resourceVersion } = options;
    const list = await this.#connection.call<{
      items: T[] | null;
      metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
    }>(
      {
        method: "GET",
        path: pathOf(type, namespace === undefined ? {} : { namespace }),
        query: {
          labelSelector,
          fieldSelector,
          limit,
          continue: token,
          // A continued list has the revision of its first page.
          ...(resourceVersion === undefined || token !== undefined
            ? {}
            : { resourceVersion, resourceVersionMatch: "NotOlderThan" }),
        },
      },
      signal,
    );
    const { resourceVersion: revision = "", continue: next, remainingItemCount } = list.metadata;
    // Items of built-in types come without apiVersion and kind, because the list names them.
    const named = { apiVersion: apiVersionOf(type), kind: type.kind };
    const items = (list.items ?? []).map((item) =>
      Object.hasOwn(item, "kind") ? item : { ...item, ...named },
    );
    return {
      items,
      resourceVersion: revision,
      ...(next === undefined || next === "" ? {} : { continue: next }),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    };
  }

  async *watch<T extends KubernetesObject>(
    type: ResourceType,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    if (signal.aborted) return;
    const { allowBookmarks, namespace, resourceVersion, sendInitialEvents = false, ...selection } = options;
    const start = sendInitialEvents
      ? { sendInitialEvents, resourceVersionMatch: "NotOlderThan" }
      : { resourceVersion };
    try {
      const body = await this.#connection.open(
        {
          method: "GET",
          path: pathOf(type, namespace === undefined ? {} : { namespace }),
          query: { watch: true, ...selection, ...start, allowWatchBookmarks: allowBookmarks },
        },
        signal,
      );
      for await (const line of readLines(body)) {
        if (signal.aborted) return;
        const event = watchEvent<T>(line);
        if (event !== undefined) yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }

  create<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    const { namespace } = object.metadata;
    if (type.namespaced && (namespace === undefined || namespace === "")) {
      const message = "an empty namespace may not be set during creation";
      return Promise.reject(new ApiError({ code: 400, reason: "BadRequest", message }));
    }
    const path = pathOf(type, namespace === undefined ? {} : { namespace });
    return this.#connection.call({ method: "POST", path, query: writeQuery(options), body: object }, signal);
  }

  update<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#put(type, object, undefined, options, signal);
  }

  updateStatus<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#put(type, object, "status", options, signal);
  }

  async #put<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    subresource: "status" | undefined,
    options: WriteOptions | undefined,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const path = pathOf(type, keyOf(type, object.metadata), subresource);
    return this.#connection.call({ method: "PUT", path, query: writeQuery(options), body: object }, signal);
  }

  patch<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#patch(type, key, patch, undefined, options, signal);
  }

  patchStatus<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#patch(type, key, patch, "status", options, signal);
  }

  async #patch<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: Patch,
    subresource: "status" | undefined,
    options: WriteOptions | undefined,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const path = pathOf(type, keyOf(type, key), subresource);
    const contentType = PATCH_TYPE[patch.type];
    return this.#connection.call(
      { method: "PATCH", path, query: writeQuery(options), body: patch.body, contentType },
      signal,
    );
  }

  async apply<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#connection.call(
      {
        method: "PATCH",
        path: pathOf(type, keyOf(type, object.metadata), options.subresource),
        query: { ...writeQuery(options), force: options.force === true ? true : undefined },
        // JSON is YAML.
        body: object,
        contentType: "application/apply-patch+yaml",
      },
      signal,
    );
  }

  /** A server answers a removal with a `Status`; then the answer is the object's name and uid alone. */
  async delete(
    type: ResourceType,
    key: ObjectKey,
    options: DeleteOptions = {},
    signal?: AbortSignal,
  ): Promise<KubernetesObject> {
    const { preconditions, propagationPolicy, dryRun } = options;
    const answer = await this.#connection.call<KubernetesObject & { details?: { uid?: string } }>(
      {
        method: "DELETE",
        path: pathOf(type, keyOf(type, key)),
        body: {
          apiVersion: "v1",
          kind: "DeleteOptions",
          ...(preconditions === undefined ? {} : { preconditions }),
          ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
          ...(dryRun === true ? { dryRun: ["All"] } : {}),
        },
      },
      signal,
    );
    if (answer.kind !== "Status") return answer;
    const uid = answer.details?.uid;
    return {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      metadata: { ...key, ...(uid === undefined ? {} : { uid }) },
    };
  }
}

/** @throws ApiError for an ERROR event */
function watchEvent<T extends KubernetesObject>(line: string): WatchEvent<T> | undefined {
  const event = JSON.parse(line) as WireEvent;
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type: event.type, object: event.object as unknown as T };
    case "BOOKMARK": {
      const { annotations, resourceVersion = "" } = event.object.metadata;
      const end = annotations?.[INITIAL_EVENTS_END] === "true" ? { initialEventsEnd: true as const } : {};
      return { type: "BOOKMARK", resourceVersion, ...end };
    }
    case "ERROR":
      throw errorOfStatus(event.object, 500);
    default:
      // A newer server may send more; what is not known changes nothing here.
      return undefined;
  }
}
