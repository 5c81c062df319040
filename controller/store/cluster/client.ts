/** A ResourceClient over the HTTP API of a Kubernetes API server, a cluster's or our own. */
import type { Fetch } from "../../runtime/clock.ts";
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
import { errorOfAnswer, errorOfStatus } from "./api-error.ts";
import { readLines } from "./lines.ts";

export interface ClusterClientOptions {
  /** URL of the API server, e.g. `https://127.0.0.1:6443`. */
  server: string;
  /** Trusts the server's authority and presents the client's certificate; see `transport.ts`. */
  fetch: Fetch;
  /** The bearer token, asked for at each request so that a rotated one is used. Left out: none is sent. */
  token?(): string | undefined;
  /** Product in the User-Agent. Default `flaresmith`. */
  userAgent?: string;
}

interface Call {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  contentType?: string;
}

interface WireEvent {
  type: string;
  object: KubernetesObject & Record<string, unknown>;
}

function apiVersionOf(type: ResourceType): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

function pathOf(
  type: ResourceType,
  key: { namespace?: string; name?: string },
  subresource?: "status",
): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const pieces = [
    ...(type.namespaced && key.namespace !== undefined ? ["namespaces", key.namespace] : []),
    type.plural,
    ...(key.name === undefined ? [] : [key.name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `${root}/${pieces.map(encodeURIComponent).join("/")}`;
}

function queryText(query: Call["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? "" : `?${parameters.toString()}`;
}

/** The namespace is required in the URL of an object of a namespaced type; without it the server's answer would mislead. */
function keyOf(
  type: ResourceType,
  metadata: { namespace?: string; name?: string },
): { namespace?: string; name: string } {
  const { name = "", namespace } = metadata;
  if (name === "")
    throw new ApiError({ code: 400, reason: "BadRequest", message: `resource name may not be empty` });
  if (type.namespaced && (namespace === undefined || namespace === "")) {
    throw new ApiError({
      code: 400,
      reason: "BadRequest",
      message: `${type.kind} "${name}": an empty namespace may not be set when a resource name is provided`,
    });
  }
  return namespace === undefined ? { name } : { name, namespace };
}

function writeQuery(options: WriteOptions | undefined): NonNullable<Call["query"]> {
  return {
    fieldManager: options?.fieldManager,
    dryRun: options?.dryRun === true ? "All" : undefined,
  };
}

const PATCH_TYPE = { merge: "application/merge-patch+json", json: "application/json-patch+json" } as const;

/** Talks to one API server. @throws ApiError from every method, as {@link ResourceClient} says */
export class ClusterClient implements ResourceClient {
  readonly #options: ClusterClientOptions;

  constructor(options: ClusterClientOptions) {
    this.#options = options;
  }

  async #send(call: Call, signal: AbortSignal | undefined): Promise<Response> {
    const { server, fetch, userAgent } = this.#options;
    const bearer = this.#options.token?.();
    const response = await fetch(`${server.replace(/\/+$/, "")}${call.path}${queryText(call.query)}`, {
      method: call.method,
      headers: {
        accept: "application/json",
        "user-agent": userAgent ?? "flaresmith",
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(call.body === undefined ? {} : { "content-type": call.contentType ?? "application/json" }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok) throw errorOfAnswer(response.status, await response.text());
    return response;
  }

  async #call<T>(call: Call, signal: AbortSignal | undefined): Promise<T> {
    const response = await this.#send(call, signal);
    return (await response.json()) as T;
  }

  async get<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#call({ method: "GET", path: pathOf(type, keyOf(type, key)) }, signal);
  }

  async list<T extends KubernetesObject>(
    type: ResourceType,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<ResourceList<T>> {
    const { namespace, labelSelector, fieldSelector, limit, continue: token } = options;
    const list = await this.#call<{
      items: T[] | null;
      metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
    }>(
      {
        method: "GET",
        path: pathOf(type, namespace === undefined ? {} : { namespace }),
        query: { labelSelector, fieldSelector, limit, continue: token },
      },
      signal,
    );
    const { resourceVersion = "", continue: next, remainingItemCount } = list.metadata;
    // Items of built-in types come without apiVersion and kind, because the list names them.
    const items = (list.items ?? []).map((item) => ({
      ...item,
      apiVersion: apiVersionOf(type),
      kind: type.kind,
    }));
    return {
      items,
      resourceVersion,
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
    const { namespace, labelSelector, fieldSelector, resourceVersion, allowBookmarks } = options;
    try {
      const response = await this.#send(
        {
          method: "GET",
          path: pathOf(type, namespace === undefined ? {} : { namespace }),
          query: {
            watch: true,
            labelSelector,
            fieldSelector,
            resourceVersion,
            allowWatchBookmarks: allowBookmarks,
          },
        },
        signal,
      );
      if (response.body === null) return;
      for await (const line of readLines(response.body)) {
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
    return this.#call({ method: "POST", path, query: writeQuery(options), body: object }, signal);
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
    return this.#call({ method: "PUT", path, query: writeQuery(options), body: object }, signal);
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
    return this.#call(
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
    return this.#call(
      {
        method: "PATCH",
        path: pathOf(type, keyOf(type, object.metadata)),
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
    const answer = await this.#call<KubernetesObject & { details?: { uid?: string } }>(
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
    case "BOOKMARK":
      return { type: "BOOKMARK", resourceVersion: event.object.metadata.resourceVersion ?? "" };
    case "ERROR":
      throw errorOfStatus(event.object, 500);
    default:
      // A newer server may send more; what is not known changes nothing here.
      return undefined;
  }
}
