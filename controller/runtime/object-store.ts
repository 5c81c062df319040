/** The contents of a cache: frozen objects by key, by namespace and by index. Synchronous; knows nothing of watching. */
import type { KubernetesObject, ObjectKey } from "../store/resource-client.ts";

/** Values under which an object is found, e.g. the names of the Connections it refers to. */
export type IndexFunction<T extends KubernetesObject> = (object: T) => readonly string[];

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The reverse of {@link keyText}. */
export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf("/");
  return slash === -1 ? { name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** Freezes a value and everything it holds. */
export function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== "object" || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}

export class ObjectStore<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();
  readonly #functions = new Map<string, IndexFunction<T>>();
  /** Index name -> value -> keys. Listing by namespace is an index like the others. */
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>>) {
    this.addIndex(namespaceIndex, (object) => [object.metadata.namespace ?? ""]);
    for (const [name, values] of Object.entries(indexes)) this.addIndex(name, values);
  }

  get size(): number {
    return this.#objects.size;
  }

  addIndex(name: string, values: IndexFunction<T>): void {
    this.#functions.set(name, values);
    this.#indexes.set(name, new Map());
    for (const [key, object] of this.#objects) this.#link(name, key, values(object));
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  /** A store without objects and with the same indexes. */
  emptyCopy(): ObjectStore<T> {
    return new ObjectStore(Object.fromEntries(this.#functions));
  }

  list(namespace?: string): readonly T[] {
    return namespace === undefined ? [...this.#objects.values()] : this.byIndex(namespaceIndex, namespace);
  }

  /** @throws RangeError for an index that was never added */
  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`the cache has no index ${JSON.stringify(name)}`);
    const found: T[] = [];
    for (const key of index.get(value) ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  set(key: string, object: T): T {
    this.delete(key);
    const frozen = deepFreeze(object);
    this.#objects.set(key, frozen);
    for (const [name, values] of this.#functions) this.#link(name, key, values(frozen));
    return frozen;
  }

  delete(key: string): T | undefined {
    const object = this.#objects.get(key);
    if (object === undefined) return undefined;
    for (const [name, values] of this.#functions) this.#unlink(name, key, values(object));
    this.#objects.delete(key);
    return object;
  }

  #link(name: string, key: string, values: readonly string[]): void {
    const index = this.#indexes.get(name);
    for (const value of values) {
      const keys = index?.get(value) ?? new Set<string>();
      keys.add(key);
      index?.set(value, keys);
    }
  }

  #unlink(name: string, key: string, values: readonly string[]): void {
    const index = this.#indexes.get(name);
    for (const value of values) {
      const keys = index?.get(value);
      keys?.delete(key);
      if (keys?.size === 0) index?.delete(value);
    }
  }
}

const namespaceIndex = "metadata.namespace";
