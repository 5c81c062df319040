import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Miniflare } from "miniflare";
import type { KvValue, R2Bucket } from "../model.ts";
import type { WorkersDataPlane } from "../workers-data-plane.ts";
import { bucketId, routerName } from "./options.ts";

interface ListedKey {
  name: string;
  expiration?: number;
  metadata?: unknown;
}

/** What is used of a KV namespace inside workerd; Miniflare types it only beside `@cloudflare/workers-types`. */
interface RunningNamespace {
  getWithMetadata(
    key: string,
    type: "arrayBuffer",
  ): Promise<{ value: ArrayBuffer | null; metadata: unknown }>;
  put(key: string, value: ArrayBuffer, options: { expiration?: number; metadata?: unknown }): Promise<void>;
  delete(key: string): Promise<void>;
  list(options: { prefix: string; cursor?: string }): Promise<{
    keys: ListedKey[];
    list_complete: boolean;
    cursor?: string;
  }>;
}

interface RunningBucket {
  list(options: { limit: number; cursor?: string }): Promise<{
    objects: { key: string }[];
    truncated: boolean;
    cursor?: string;
  }>;
  delete(keys: string[]): Promise<void>;
}

/** The most that a bucket lists, or deletes, at once. */
const PAGE = 1000;

/** Runs work on the current Miniflare, which is not restarted meanwhile; never nested, or a restart would wait for itself. */
export type UseRuntime = <Value>(work: (runtime: Miniflare) => Promise<Value>) => Promise<Value>;

async function listKeys(namespace: RunningNamespace, prefix: string): Promise<ListedKey[]> {
  const keys: ListedKey[] = [];
  let cursor: string | undefined;
  do {
    const page = await namespace.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
    keys.push(...page.keys);
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor !== undefined);
  return keys;
}

async function listObjects(bucket: RunningBucket): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    keys.push(...page.objects.map(({ key }) => key));
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return keys;
}

async function getValue(namespace: RunningNamespace, key: string): Promise<KvValue | undefined> {
  const { value, metadata } = await namespace.getWithMetadata(key, "arrayBuffer");
  if (value === null) return undefined;
  const { expiration } = (await listKeys(namespace, key)).find((candidate) => candidate.name === key) ?? {};
  return {
    base64: Buffer.from(value).toString("base64"),
    ...(metadata === null ? {} : { metadata }),
    ...(expiration === undefined ? {} : { expiration }),
  };
}

/**
 * KV values and R2 objects as running Workers see them. What was never written is answered from the directory alone,
 * without starting workerd.
 * @param options directory that Miniflare persists to, and access to the running Miniflare
 */
export function storedValues(options: { directory: string; use: UseRuntime }): WorkersDataPlane {
  const { directory, use } = options;
  const withNamespace = <Value>(
    id: string,
    work: (namespace: RunningNamespace) => Promise<Value>,
  ): Promise<Value> =>
    use(async (runtime) =>
      work((await runtime.getKVNamespace(id, routerName)) as unknown as RunningNamespace),
    );
  const written = (id: string): boolean => existsSync(join(directory, "kv", id));
  /** Undefined where nothing was ever written. */
  const withBucket = async <Value>(
    bucket: R2Bucket,
    work: (store: RunningBucket) => Promise<Value>,
  ): Promise<Value | undefined> => {
    const id = bucketId(bucket);
    if (!existsSync(join(directory, "r2", id))) return undefined;
    return use(async (runtime) =>
      work((await runtime.getR2Bucket(id, routerName)) as unknown as RunningBucket),
    );
  };
  return {
    kv: {
      get: async (id, key) =>
        written(id) ? withNamespace(id, (namespace) => getValue(namespace, key)) : undefined,
      put: (id, key, { base64, metadata, expiration }) => {
        const extras = {
          ...(expiration === undefined ? {} : { expiration }),
          ...(metadata === undefined ? {} : { metadata }),
        };
        const bytes = new Uint8Array(Buffer.from(base64, "base64"));
        return withNamespace(id, (namespace) => namespace.put(key, bytes.buffer, extras));
      },
      delete: (id, key) => withNamespace(id, (namespace) => namespace.delete(key)),
      list: async (id, prefix) =>
        written(id) ? withNamespace(id, (namespace) => listKeys(namespace, prefix)) : [],
    },
    r2: {
      empty: async (bucket) => {
        const listed = await withBucket(bucket, (store) => store.list({ limit: 1 }));
        return listed === undefined || listed.objects.length === 0;
      },
      list: async (bucket) => (await withBucket(bucket, listObjects)) ?? [],
      delete: async (bucket, keys) => {
        await withBucket(bucket, async (store) => {
          for (let from = 0; from < keys.length; from += PAGE)
            await store.delete(keys.slice(from, from + PAGE));
        });
      },
    },
  };
}
