/** A ResourceClient over a real kube-apiserver, as plain as can be: it shows that the contract is Kubernetes' and not ours. */
import {
  ApiError,
  type KubernetesObject,
  type ObjectKey,
  type ResourceClient,
  type ResourceType,
  type WatchEvent,
} from "../../controller/store/resource-client.ts";
import { openKubeApi, watchLines } from "./kube-api.ts";

function pathOf(type: ResourceType, key: { namespace?: string | undefined; name?: string }): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const namespace = type.namespaced && key.namespace !== undefined ? `/namespaces/${key.namespace}` : "";
  return `${root}${namespace}/${type.plural}${key.name === undefined ? "" : `/${key.name}`}`;
}

function query(values: Record<string, string | number | boolean | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(values))
    if (value !== undefined && value !== false) parameters.set(key, String(value));
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

interface StatusBody {
  code?: number;
  reason?: string;
  message?: string;
  details?: { causes?: { reason: string; message: string; field?: string }[] };
}

function failure(body: Record<string, unknown>): ApiError {
  const { code = 0, reason = "", message = "", details } = body as StatusBody;
  return new ApiError({ code, reason, message, causes: details?.causes ?? [] });
}

export function createKubeClient(kubeconfig: string): ResourceClient {
  const api = openKubeApi(kubeconfig);
  const ask = async <T>(method: string, path: string, body?: unknown, contentType?: string): Promise<T> => {
    const answer = await api(
      method,
      path,
      body === undefined ? undefined : JSON.stringify(body),
      contentType,
    );
    if (answer.code >= 400) throw failure(answer.body);
    return answer.body as T;
  };
  const write = (options: { fieldManager?: string; dryRun?: boolean; force?: boolean } = {}): string =>
    query({
      fieldManager: options.fieldManager,
      dryRun: options.dryRun === true ? "All" : undefined,
      force: options.force,
    });
  const patchTypes = { merge: "application/merge-patch+json", json: "application/json-patch+json" } as const;
  return {
    get: (type, key) => ask("GET", pathOf(type, key)),
    async list(type, options = {}) {
      const { namespace, ...rest } = options;
      const list = await ask<{
        items: never[];
        metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
      }>("GET", pathOf(type, { namespace }) + query(rest));
      return { items: list.items, ...list.metadata };
    },
    async *watch<T extends KubernetesObject>(
      type: ResourceType,
      options: { namespace?: string; resourceVersion?: string; labelSelector?: string },
      signal: AbortSignal,
    ) {
      const { namespace, ...rest } = options;
      const path = pathOf(type, { namespace }) + query({ ...rest, watch: true });
      for await (const line of watchLines(kubeconfig, path, signal)) {
        const event = JSON.parse(line) as { type: string; object: T };
        if (event.type === "ERROR") throw failure(event.object);
        if (event.type !== "BOOKMARK") yield event as WatchEvent<T>;
      }
    },
    create: (type, object, options) =>
      ask("POST", pathOf(type, { namespace: object.metadata.namespace }) + write(options), object),
    update: (type, object, options) => ask("PUT", pathOf(type, object.metadata) + write(options), object),
    updateStatus: (type, object, options) =>
      ask("PUT", `${pathOf(type, object.metadata)}/status${write(options)}`, object),
    patch: (type, key, patch, options) =>
      ask("PATCH", pathOf(type, key) + write(options), patch.body, patchTypes[patch.type]),
    patchStatus: (type, key, patch, options) =>
      ask("PATCH", `${pathOf(type, key)}/status${write(options)}`, patch.body, patchTypes[patch.type]),
    apply: (type, object, options) =>
      ask("PATCH", pathOf(type, object.metadata) + write(options), object, "application/apply-patch+yaml"),
    async delete(type, key: ObjectKey, options = {}) {
      const { dryRun, ...body } = options;
      return ask("DELETE", pathOf(type, key), { ...body, ...(dryRun === true ? { dryRun: ["All"] } : {}) });
    },
  };
}
