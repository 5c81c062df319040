/** All objects of one stored type, in memory: serialised text plus what is asked without parsing. */
import type { OwnerReference } from "../resource-client.ts";
import { WriteOrder } from "./write-order.ts";

/** One version of one object. Never changed: a write makes a new one. */
export interface StoredObject {
  /** Key of the stored type. */
  typeKey: string;
  /** Empty for cluster-scoped types. */
  namespace: string;
  name: string;
  uid: string;
  revision: number;
  /** The object as JSON, complete. */
  text: string;
  labels: Readonly<Record<string, string>>;
  ownerReferences: readonly OwnerReference[];
  terminating: boolean;
  /** Kept in memory only, never written to the database. */
  ephemeral: boolean;
  /** Wall time of the last write in milliseconds, for types with retention. */
  writtenAt: number;
}

/** `namespace/name`: sorts as etcd sorts its keys, which is the order lists are answered in. */
export function objectPath(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** The first index whose value is not below `value`. */
function lowerBound(sorted: readonly string[], value: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Collection {
  readonly #byPath = new Map<string, StoredObject>();
  readonly #paths: string[] = [];
  /** Kept once anybody asked for it: only types with retention do. */
  #order: WriteOrder | undefined;

  get size(): number {
    return this.#byPath.size;
  }

  get(namespace: string, name: string): StoredObject | undefined {
    return this.#byPath.get(objectPath(namespace, name));
  }

  /** The object whose last write is longest ago. */
  oldest(): StoredObject | undefined {
    this.#order ??= new WriteOrder(this.#byPath.values());
    return this.#order.oldest;
  }

  put(object: StoredObject): void {
    const path = objectPath(object.namespace, object.name);
    const replaced = this.#byPath.get(path);
    if (replaced !== undefined) this.#order?.remove(replaced);
    else {
      const last = this.#paths.at(-1);
      if (last === undefined || last < path) this.#paths.push(path);
      else this.#paths.splice(lowerBound(this.#paths, path), 0, path);
    }
    this.#byPath.set(path, object);
    this.#order?.add(object);
  }

  remove(namespace: string, name: string): void {
    const path = objectPath(namespace, name);
    const removed = this.#byPath.get(path);
    if (removed === undefined) return;
    this.#byPath.delete(path);
    this.#order?.remove(removed);
    this.#paths.splice(lowerBound(this.#paths, path), 1);
  }

  /**
   * Objects in order of namespace and name.
   * @param namespace all namespaces when undefined
   * @param after only objects whose path is greater
   */
  *values(namespace: string | undefined, after = ""): Generator<StoredObject> {
    const prefix = namespace === undefined ? "" : `${namespace}/`;
    let index = lowerBound(this.#paths, after > prefix ? `${after}\0` : prefix);
    for (; index < this.#paths.length; index += 1) {
      const path = this.#paths[index] ?? "";
      if (!path.startsWith(prefix)) return;
      const object = this.#byPath.get(path);
      if (object !== undefined) yield object;
    }
  }
}
