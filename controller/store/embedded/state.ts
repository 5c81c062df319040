/** The whole state in memory, changed by one transaction after another; a transaction can be undone until it is committed. */
import type { KubernetesObject, OwnerReference } from "../resource-client.ts";
import type { Change } from "./change-log.ts";
import { Collection, type StoredObject } from "./collection.ts";
import { isObject } from "../../runtime/json.ts";
import { typeKey, type TypeDefinition } from "./type-definition.ts";

/** Reads from a serialised object what is indexed. */
export function indexObject(
  object: KubernetesObject,
  fixed: { typeKey: string; revision: number; text: string; ephemeral: boolean; writtenAt: number },
): StoredObject {
  const { metadata } = object;
  return {
    ...fixed,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    uid: metadata.uid ?? "",
    labels: metadata.labels ?? {},
    ownerReferences: metadata.ownerReferences ?? [],
    terminating: metadata.deletionTimestamp !== undefined,
  };
}

/** Parses stored text. The result belongs to the caller. */
export function parseObject(text: string): KubernetesObject {
  return JSON.parse(text) as KubernetesObject;
}

/** Whether a parsed value has what every stored object has. */
export function isStoredObject(value: unknown): value is KubernetesObject {
  return isObject(value) && isObject(value["metadata"]) && typeof value["metadata"]["name"] === "string";
}

export class State {
  readonly #collections = new Map<string, Collection>();
  /** Objects by uid. */
  readonly #byUid = new Map<string, StoredObject>();
  /** Dependents by the uid of an owner. */
  readonly #dependents = new Map<string, Set<string>>();
  #changes: Change[] = [];
  #revision: number;

  constructor(revision: number) {
    this.#revision = revision;
  }

  get revision(): number {
    return this.#revision;
  }

  /** The changes since the last {@link commit}. */
  get changes(): readonly Change[] {
    return this.#changes;
  }

  collection(key: string): Collection {
    let found = this.#collections.get(key);
    if (found === undefined) {
      found = new Collection();
      this.#collections.set(key, found);
    }
    return found;
  }

  get collections(): Iterable<[string, Collection]> {
    return this.#collections;
  }

  get(definition: TypeDefinition, namespace: string, name: string): StoredObject | undefined {
    return this.collection(typeKey(definition.type)).get(namespace, name);
  }

  byUid(uid: string): StoredObject | undefined {
    return this.#byUid.get(uid);
  }

  /** Objects that name this uid in their ownerReferences. */
  dependentsOf(uid: string): StoredObject[] {
    const found: StoredObject[] = [];
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const object = this.#byUid.get(dependent);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  nextRevision(): number {
    this.#revision += 1;
    return this.#revision;
  }

  /** Puts an object in place without recording a change: for loading. */
  load(object: StoredObject): void {
    this.#place(undefined, object);
  }

  record(change: Change): void {
    this.#place(change.previous, change.next);
    this.#changes.push(change);
  }

  /** A point to {@link rollback} to. */
  mark(): { changes: number; revision: number } {
    return { changes: this.#changes.length, revision: this.#revision };
  }

  rollback(mark: { changes: number; revision: number }): void {
    while (this.#changes.length > mark.changes) {
      const change = this.#changes.pop();
      if (change !== undefined) this.#place(change.next, change.previous);
    }
    this.#revision = mark.revision;
  }

  /** Forgets how to undo and hands over what changed. */
  commit(): Change[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  #place(previous: StoredObject | undefined, next: StoredObject | undefined): void {
    if (previous !== undefined) {
      if (this.#byUid.get(previous.uid) === previous) this.#byUid.delete(previous.uid);
      this.#unlink(previous.uid, previous.ownerReferences);
      if (next === undefined) this.collection(previous.typeKey).remove(previous.namespace, previous.name);
    }
    if (next !== undefined) {
      this.collection(next.typeKey).put(next);
      this.#byUid.set(next.uid, next);
      for (const owner of next.ownerReferences) {
        let dependents = this.#dependents.get(owner.uid);
        if (dependents === undefined) {
          dependents = new Set();
          this.#dependents.set(owner.uid, dependents);
        }
        dependents.add(next.uid);
      }
    }
  }

  #unlink(uid: string, owners: readonly OwnerReference[]): void {
    for (const owner of owners) {
      const dependents = this.#dependents.get(owner.uid);
      if (dependents === undefined) continue;
      dependents.delete(uid);
      if (dependents.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}
