/** What one write sees: the state, the types, the clock; and the two ways to change the state. */
import { timestamp, type Clock, type Random } from "../../runtime/clock.ts";
import type { KubernetesObject } from "../resource-client.ts";
import type { StoredObject } from "./collection.ts";
import { tooLarge } from "./errors.ts";
import { indexObject, parseObject, type State } from "./state.ts";
import { apiVersionOf, typeKey, type TypeDefinition } from "./type-definition.ts";

/** Characters of one object as JSON. Bodies have the same limit in bytes, but patches add to what is stored. */
const MAX_OBJECT_LENGTH = 3 * 1024 * 1024;

export interface TransactionOptions {
  state: State;
  clock: Clock;
  random: Random;
  /** Every type that is served, by its key. */
  types: ReadonlyMap<string, TypeDefinition>;
  dryRun: boolean;
}

export class Transaction {
  readonly state: State;
  readonly random: Random;
  readonly dryRun: boolean;
  /** The time of this write, RFC 3339 with seconds. */
  readonly time: string;
  /** The time of this write in milliseconds. */
  readonly now: number;
  readonly #types: ReadonlyMap<string, TypeDefinition>;
  /** Uids of objects that were stored with owners, which may not exist. For the garbage collector, like the next two. */
  readonly owned: string[] = [];
  /** Objects that are gone. */
  readonly removed: StoredObject[] = [];
  /** Uids of objects that carry a deletion mark. */
  readonly marked = new Set<string>();
  /** Keys of the types that were written to. */
  readonly touched = new Set<string>();

  constructor(options: TransactionOptions) {
    this.state = options.state;
    this.random = options.random;
    this.dryRun = options.dryRun;
    this.now = options.clock.now();
    this.time = timestamp(options.clock);
    this.#types = options.types;
  }

  definition(key: string): TypeDefinition | undefined {
    return this.#types.get(key);
  }

  /** The type that objects and references to them name so. */
  definitionOf(apiVersion: string, kind: string): TypeDefinition | undefined {
    for (const definition of this.#types.values()) {
      if (definition.type.kind === kind && apiVersionOf(definition.type) === apiVersion) return definition;
    }
    return undefined;
  }

  get(definition: TypeDefinition, namespace: string, name: string): StoredObject | undefined {
    return this.state.get(definition, namespace, name);
  }

  /**
   * Stores a version of an object, which gets its revision; a dry run gives it none.
   * @param object changed in place: metadata.resourceVersion is set
   * @throws ApiError 413 when it would be larger than any object may be
   */
  put(
    definition: TypeDefinition,
    object: KubernetesObject,
    previous: StoredObject | undefined,
    options: { ephemeral?: boolean } = {},
  ): StoredObject {
    const revision = this.dryRun ? (previous?.revision ?? 0) : this.state.nextRevision();
    if (revision > 0) object.metadata.resourceVersion = String(revision);
    this.touched.add(typeKey(definition.type));
    const text = JSON.stringify(object);
    if (text.length > MAX_OBJECT_LENGTH) {
      throw tooLarge(`the object would have ${text.length} characters, the limit is ${MAX_OBJECT_LENGTH}`);
    }
    const next = indexObject(object, {
      typeKey: typeKey(definition.type),
      revision,
      text,
      ephemeral: options.ephemeral ?? previous?.ephemeral ?? false,
      writtenAt: this.now,
    });
    this.state.record({
      revision,
      typeKey: next.typeKey,
      next,
      ...(previous === undefined ? {} : { previous }),
    });
    if (next.ownerReferences.length > 0) this.owned.push(next.uid);
    if (next.terminating) this.marked.add(next.uid);
    return next;
  }

  /** Removes an object for good; `last` is what watchers see, by default the stored version. Answers that last version. */
  remove(previous: StoredObject, last?: KubernetesObject): KubernetesObject {
    const revision = this.dryRun ? previous.revision : this.state.nextRevision();
    const object = last ?? parseObject(previous.text);
    const seen = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    this.state.record({ revision, typeKey: previous.typeKey, previous, removedText: JSON.stringify(seen) });
    this.removed.push(previous);
    return object;
  }
}
