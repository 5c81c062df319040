import type { KvValue, R2Bucket } from "./model.ts";

/**
 * Where values live once uploaded Workers run: a Worker and the API must see the same keys and objects.
 * The control plane asks it instead of its own storage when one is given.
 */
export interface WorkersDataPlane {
  kv: {
    get(namespaceId: string, key: string): Promise<KvValue | undefined>;
    put(namespaceId: string, key: string, value: KvValue): Promise<void>;
    delete(namespaceId: string, key: string): Promise<void>;
    /** All keys with the prefix, sorted. */
    list(
      namespaceId: string,
      prefix: string,
    ): Promise<{ name: string; expiration?: number; metadata?: unknown }[]>;
  };
  r2: {
    /** Whether the bucket holds no object. */
    empty(bucket: R2Bucket): Promise<boolean>;
    /** The keys of all its objects. */
    list(bucket: R2Bucket): Promise<string[]>;
    delete(bucket: R2Bucket, keys: readonly string[]): Promise<void>;
  };
}
