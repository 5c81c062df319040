/**
 * A resource store in a Map, for tests of what reads and watches: resource versions, a bounded watch log (older is 410),
 * paging, and switches for the failures of a network. It knows no schemas, finalizers or field managers.
 */
import { ApiError } from "../../store/resource-client.ts";
import type {
  KubernetesObject,
  ListOptions,
  ObjectKey,
  Patch,
  ResourceClient,
  ResourceList,
  ResourceType,
  WatchEvent,
  WatchOptions,
} from "../../store/resource-client.ts";

interface LogEntry {
  revision: number;
  plural: string;
  event: WatchEvent;
}

export interface MemoryResourceClient extends ResourceClient {
  /** Every request that was made, e.g. `list projects`. */
  readonly requests: string[];
  /** Thrown by the next request whose text starts with the key, once per entry. */
  readonly failures: { on: string; error: Error }[];
  /** Forgets the log: watches from older revisions answer 410. */
  compact(): void;
  /** Ends every open watch, as a server does that restarts; with an error, the watch throws it. */
  endWatches(error?: Error): void;
  /** Sends a bookmark on every open watch. */
  bookmark(): void;
  readonly openWatches: number;
  /** Refuse watches that begin with what exists, as servers before Kubernetes 1.32 do. Default false */
  refuseInitialEvents: boolean;
}

const notFound = (type: ResourceType, { name }: ObjectKey): ApiError =>
  new ApiError({ code: 404, reason: "NotFound", message: `${type.plural} "${name}" not found` });

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === "object" && !Array.isArray(value);

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** Creates an empty store. */
export function memoryResourceClient(): MemoryResourceClient {
  const objects = new Map<string, KubernetesObject>();
  const requests: string[] = [];
  const failures: { on: string; error: Error }[] = [];
  const watches = new Set<{ wake: () => void; ended: boolean; error?: Error; bookmark: boolean }>();
  let log: LogEntry[] = [];
  let oldest = 0;
  let revision = 0;
  const keyOf = (type: ResourceType, key: ObjectKey): string =>
    `${type.plural}/${key.namespace ?? ""}/${key.name}`;
  const requested = (text: string): void => {
    requests.push(text);
    const index = failures.findIndex(({ on }) => text.startsWith(on));
    const [failure] = index === -1 ? [] : failures.splice(index, 1);
    if (failure !== undefined) throw failure.error;
  };
  const wakeAll = (): void => {
    for (const watch of watches) watch.wake();
  };
  const store = (
    type: ResourceType,
    object: KubernetesObject,
    event: "ADDED" | "MODIFIED" | "DELETED",
  ): KubernetesObject => {
    revision++;
    const stored = structuredClone({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(revision) },
    });
    const key = keyOf(type, object.metadata);
    if (event === "DELETED") objects.delete(key);
    else objects.set(key, stored);
    log.push({ revision, plural: type.plural, event: { type: event, object: stored } });
    wakeAll();
    return structuredClone(stored);
  };
  const existing = (type: ResourceType, key: ObjectKey): KubernetesObject => {
    const object = objects.get(keyOf(type, key));
    if (object === undefined) throw notFound(type, key);
    return object;
  };
  const checkVersion = (current: KubernetesObject, wanted: KubernetesObject): void => {
    const version = wanted.metadata.resourceVersion;
    if (version !== undefined && version !== current.metadata.resourceVersion) {
      throw new ApiError({ code: 409, reason: "Conflict", message: "the object has been modified" });
    }
  };
  const replace = (type: ResourceType, wanted: KubernetesObject, status: boolean): KubernetesObject => {
    const current = existing(type, wanted.metadata);
    checkVersion(current, wanted);
    if (status) return store(type, { ...current, status: wanted["status"] }, "MODIFIED");
    const changed = JSON.stringify(current["spec"]) !== JSON.stringify(wanted["spec"]);
    const generation = (current.metadata.generation ?? 1) + (changed ? 1 : 0);
    return store(
      type,
      {
        ...wanted,
        metadata: { ...wanted.metadata, uid: current.metadata.uid ?? "", generation },
        status: current["status"],
      },
      "MODIFIED",
    );
  };
  const page = (type: ResourceType, options: ListOptions): ResourceList => {
    const all = [...objects]
      .filter(
        ([key, object]) =>
          key.startsWith(`${type.plural}/`) &&
          (options.namespace === undefined || object.metadata.namespace === options.namespace),
      )
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => structuredClone(object));
    const start = Number(options.continue ?? 0);
    const items = all.slice(start, options.limit === undefined ? undefined : start + options.limit);
    const more = start + items.length < all.length ? { continue: String(start + items.length) } : {};
    return { items, resourceVersion: String(revision), ...more };
  };
  async function* watch(
    type: ResourceType,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    requested(`watch ${type.plural}`);
    const initial = options.sendInitialEvents === true;
    if (initial && client.refuseInitialEvents)
      throw new ApiError({ code: 422, reason: "Invalid", message: "sendInitialEvents is forbidden" });
    let seen = initial ? revision : Number(options.resourceVersion ?? 0);
    if (seen < oldest)
      throw new ApiError({ code: 410, reason: "Expired", message: "too old resource version" });
    const existing = initial ? page(type, options).items : [];
    const watcher: { wake: () => void; ended: boolean; error?: Error; bookmark: boolean } = {
      wake: () => undefined,
      ended: false,
      bookmark: false,
    };
    watches.add(watcher);
    const abort = (): void => watcher.wake();
    signal.addEventListener("abort", abort);
    try {
      for (const object of existing) yield { type: "ADDED", object };
      if (initial) yield { type: "BOOKMARK", resourceVersion: String(seen), initialEventsEnd: true };
      for (;;) {
        if (signal.aborted || watcher.ended) {
          if (watcher.error !== undefined) throw watcher.error;
          return;
        }
        const next = log.find((entry) => entry.revision > seen && entry.plural === type.plural);
        if (next !== undefined) {
          seen = next.revision;
          yield structuredClone(next.event);
        } else if (watcher.bookmark) {
          watcher.bookmark = false;
          yield { type: "BOOKMARK", resourceVersion: String(revision) };
        } else {
          await new Promise<void>((resolve) => (watcher.wake = resolve));
        }
      }
    } finally {
      watches.delete(watcher);
      signal.removeEventListener("abort", abort);
    }
  }
  const patched = (type: ResourceType, key: ObjectKey, patch: Patch, status: boolean): KubernetesObject => {
    requested(`patch ${type.plural}`);
    if (patch.type !== "merge") throw new Error("the store of tests takes merge patches only");
    const current = existing(type, key);
    return replace(type, { ...(mergePatch(current, patch.body) as KubernetesObject) }, status);
  };
  const client = {
    requests,
    failures,
    compact: () => {
      log = [];
      oldest = revision;
    },
    endWatches: (error?: Error) => {
      for (const watcher of watches) {
        watcher.ended = true;
        if (error !== undefined) watcher.error = error;
        watcher.wake();
      }
    },
    bookmark: () => {
      for (const watcher of watches) watcher.bookmark = true;
      wakeAll();
    },
    get openWatches() {
      return watches.size;
    },
    refuseInitialEvents: false,
    get: async (type: ResourceType, key: ObjectKey) => {
      requested(`get ${type.plural}`);
      return structuredClone(existing(type, key));
    },
    list: async (type: ResourceType, options: ListOptions = {}) => {
      requested(`list ${type.plural}`);
      return page(type, options);
    },
    watch,
    create: async (type: ResourceType, object: KubernetesObject) => {
      requested(`create ${type.plural}`);
      if (objects.has(keyOf(type, object.metadata))) {
        throw new ApiError({
          code: 409,
          reason: "AlreadyExists",
          message: `${type.plural} "${object.metadata.name}" already exists`,
        });
      }
      return store(
        type,
        { ...object, metadata: { generation: 1, uid: `uid-${revision + 1}`, ...object.metadata } },
        "ADDED",
      );
    },
    update: async (type: ResourceType, object: KubernetesObject) => {
      requested(`update ${type.plural}`);
      return replace(type, object, false);
    },
    updateStatus: async (type: ResourceType, object: KubernetesObject) => {
      requested(`updateStatus ${type.plural}`);
      return replace(type, object, true);
    },
    patch: async (type: ResourceType, key: ObjectKey, patch: Patch) => patched(type, key, patch, false),
    patchStatus: async (type: ResourceType, key: ObjectKey, patch: Patch) => patched(type, key, patch, true),
    apply: async (type: ResourceType, object: KubernetesObject) => {
      requested(`apply ${type.plural}`);
      const event = objects.has(keyOf(type, object.metadata)) ? "MODIFIED" : "ADDED";
      return store(type, object, event);
    },
    delete: async (type: ResourceType, key: ObjectKey) => {
      requested(`delete ${type.plural}`);
      return store(type, existing(type, key), "DELETED");
    },
  };
  // Every method of the interface is generic in the object; a store of plain objects cannot know more than that.
  return client as unknown as MemoryResourceClient;
}
