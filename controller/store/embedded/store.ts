/** The embedded store: a ResourceClient over one SQLite file, and what the API server needs besides. */
import type { DatabaseSync } from "node:sqlite";
import type { Clock, Random } from "../../runtime/clock.ts";
import { customResourceDefinitionType, servedDefinition } from "./builtin/custom-resource-definition.ts";
import type {
  ApplyOptions,
  DeleteOptions,
  KubernetesObject,
  ListOptions,
  ObjectKey,
  Patch,
  ResourceClient,
  ResourceList,
  ResourceType,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "../resource-client.ts";
import { ChangeLog, type Change } from "./change-log.ts";
import { CommitQueue } from "./commit-queue.ts";
import type { StoredObject } from "./collection.ts";
import { Database } from "./database.ts";
import { deleteObject, type Deleted } from "./delete.ts";
import { alreadyExists, notFound } from "./errors.ts";
import { collectGarbage } from "./garbage.ts";
import { listObjects, select, type ListedText } from "./list.ts";
import { NAMESPACE_KEY, STANDING_NAMESPACES } from "./namespaces.ts";
import { State } from "./state.ts";
import { Transaction } from "./transaction.ts";
import { typeKey, type TypeDefinition } from "./type-definition.ts";
import { createFile } from "./create-file.ts";
import { rowOf } from "./format.ts";
import type { Row } from "./format.ts";
import { inspect, isPresent } from "./inspect.ts";
import {
  checkVerb,
  parseRevision,
  performWrite,
  type StoreWrite,
  type StoreWriteOptions,
} from "./perform-write.ts";
import { dropExpired } from "./retention.ts";
import { viewEvents, viewText } from "./view.ts";
import { Watches, type TextWatchEvent } from "./watch.ts";
import { WriteGuard, type StoreFault, type StoreHealth } from "./write-guard.ts";
import { createObject } from "./create-object.ts";
import { decodeObject } from "./decode-object.ts";
import { fieldValidation } from "./field-validation.ts";
import { cloneJson } from "../../runtime/json.ts";
import { replaceObject } from "./replace-object.ts";
import { storedDefinition, type Written } from "./stored-form.ts";

export interface EmbeddedStoreOptions {
  /** The database file, or `:memory:`: then nothing is kept and no timer is ever set. */
  path: string;
  clock: Clock;
  random: Random;
  /** Every type that is served. */
  types: readonly TypeDefinition[];
  /** How many changes are remembered for watches and continued lists. Default 10,000. */
  logCapacity?: number;
  /** How many characters these changes may keep in memory. Default 32 Mi: 10,000 versions of 3 kB */
  logCharacters?: number;
  /**
   * Runs a callback in a later turn of the event loop; writes that arrive until then share one transaction. Default: a
   * timer of 0 ms of the clock for a file, a microtask for `:memory:`.
   */
  defer?: (callback: () => void) => void;
  /** Hears when the file cannot be written any more, and when it can be again. */
  onHealth?: ((health: StoreHealth) => void) | undefined;
  /** Hears of every transaction that the file did not take. */
  onWriteFailure?: ((fault: StoreFault) => void) | undefined;
  /** Given the connection to the file once it is open, e.g. to limit its size. */
  onOpen?: (connection: DatabaseSync) => void;
}

/** Opens the file, which is made when it is missing, and reads all of it. @throws StoreUnusableError */
function openFile(options: EmbeddedStoreOptions): {
  file: WriteGuard;
  revision: number;
  objects: readonly StoredObject[];
} {
  const { path, clock, onHealth, onOpen, onWriteFailure: onFailure } = options;
  if (!isPresent(path)) createFile(path, { rows: [], revision: clock.now() }, { isCopy: false });
  const { objects, ...found } = inspect(path);
  const database = new Database({ path, found, onOpen });
  return {
    file: new WriteGuard({ database, clock, onHealth, onFailure }),
    revision: database.revision,
    objects,
  };
}

/** Manager of writes that name none. */
const DEFAULT_MANAGER = "flaresmith";

export class EmbeddedStore implements ResourceClient {
  readonly #state: State;
  readonly #log: ChangeLog;
  readonly #queue: CommitQueue;
  readonly #watches: Watches;
  readonly #file: WriteGuard | undefined;
  readonly #types = new Map<string, TypeDefinition>();
  readonly #clock: Clock;
  readonly #random: Random;

  /** Use {@link openEmbeddedStore}. @throws StoreUnusableError */
  constructor(options: EmbeddedStoreOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    for (const definition of options.types) this.register(definition);
    const inMemory = options.path === ":memory:";
    const opened = inMemory ? undefined : openFile(options);
    const file = opened?.file;
    this.#file = file;
    this.#state = new State(opened?.revision ?? 0);
    for (const object of opened?.objects ?? []) this.#state.load(object);
    this.#log = new ChangeLog({
      capacity: options.logCapacity ?? 10_000,
      characters: options.logCharacters ?? 32 * 1024 * 1024,
      revision: this.#state.revision,
    });
    this.#watches = new Watches({ state: this.#state, log: this.#log });
    const later = inMemory
      ? (callback: () => void) => queueMicrotask(callback)
      : (callback: () => void) => void this.#clock.setTimer(0, callback);
    this.#queue = new CommitQueue({
      state: this.#state,
      ...(file === undefined ? {} : { commit: (changes, revision) => file.commit(changes, revision) }),
      defer: (callback) => (options.defer ?? later)(callback),
      publish: (changes: readonly Change[]) => this.#watches.publish(changes),
    });
  }

  /** The revision of the last committed change. */
  get revision(): string {
    return String(this.#state.revision);
  }

  /** Whether what is written is kept. */
  get health(): StoreHealth {
    return this.#file?.health ?? { writable: true };
  }

  /** Everything that the file holds, of one moment; of memory, whatever has become of the file. */
  snapshot(): { revision: number; rows: readonly Row[] } {
    const rows: Row[] = [];
    for (const [, collection] of this.#state.collections) {
      for (const object of collection.values(undefined)) {
        if (!object.ephemeral) rows.push(rowOf(object));
      }
    }
    return { revision: this.#state.revision, rows };
  }

  /** Figures for metrics and tests. */
  get statistics(): {
    revision: number;
    commits: number;
    watches: number;
    oldestRevision: number;
    /** What is remembered for watches. */
    logged: { changes: number; characters: number };
  } {
    return {
      revision: this.#state.revision,
      commits: this.#queue.commits,
      watches: this.#watches.size,
      oldestRevision: this.#log.oldestRevision,
      logged: this.#log.size,
    };
  }

  /** Every registered type. */
  get types(): readonly TypeDefinition[] {
    return [...this.#types.values()];
  }

  /** Serves one more type, or replaces what is known about one. */
  register(definition: TypeDefinition): void {
    this.#types.set(typeKey(definition.type), definition);
  }

  /** @throws ApiError 404 for a type that is not served */
  definition(type: ResourceType): TypeDefinition {
    const found = this.#types.get(typeKey(type));
    if (found === undefined) {
      throw notFound(type, "");
    }
    return found;
  }

  /** One object as JSON. @throws ApiError 404 */
  getText(type: ResourceType, key: ObjectKey): string {
    const definition = this.definition(type);
    const stored = this.#state
      .collection(typeKey(definition.viewOf?.type ?? definition.type))
      .get(definition.type.namespaced ? (key.namespace ?? "") : "", key.name);
    if (stored === undefined) throw notFound(definition.type, key.name);
    return viewText(definition, stored.text);
  }

  /**
   * A list as the JSON of each object.
   * @param options.exactRevision lists what was there at an earlier revision
   * @throws ApiError 400, 410, 504
   */
  listText(type: ResourceType, options: ListOptions & { exactRevision?: number } = {}): ListedText {
    const definition = this.definition(type);
    const listed = listObjects(this.#state, this.#log, definition, {
      ...options,
      key: typeKey(definition.viewOf?.type ?? definition.type),
    });
    if (definition.viewOf !== undefined)
      listed.texts = listed.texts.map((text) => viewText(definition, text));
    return listed;
  }

  /**
   * Events as JSON texts.
   * @param options.markInitialEvents ask for a BOOKMARK when the initial ADDED events are through (`sendInitialEvents`)
   * @throws ApiError 400, 410 at once
   */
  watchText(
    type: ResourceType,
    options: WatchOptions & { markInitialEvents?: boolean },
    signal: AbortSignal,
  ): AsyncIterable<TextWatchEvent> {
    const definition = this.definition(type);
    const selection = select(definition, options);
    const events = this.#watches.open(
      typeKey(definition.viewOf?.type ?? definition.type),
      selection,
      {
        revision: parseRevision(options.resourceVersion),
        bookmarks: options.allowBookmarks ?? false,
        markInitialEvents: options.markInitialEvents ?? false,
      },
      signal,
    );
    return definition.viewOf === undefined ? events : viewEvents(definition, events);
  }

  /** Any write. @throws ApiError as the methods of ResourceClient do */
  async write(
    type: ResourceType,
    write: StoreWrite,
    options: StoreWriteOptions = {},
    signal?: AbortSignal,
  ): Promise<Written> {
    const definition = this.definition(type);
    checkVerb(definition, write.verb === "apply" ? "patch" : write.verb);
    const manager = options.fieldManager ?? DEFAULT_MANAGER;
    const answer = await this.#transact(options.dryRun ?? false, signal, (tx) => {
      const stored = storedDefinition(tx, definition);
      return performWrite(tx, { served: definition, stored }, write, manager, options);
    });
    return { ...answer, object: definition.viewOf?.fromStored(answer.object) ?? answer.object };
  }

  /** Deletes one object and says whether it is gone. @throws ApiError 404, 409 */
  async remove(
    type: ResourceType,
    key: ObjectKey,
    options: DeleteOptions = {},
    signal?: AbortSignal,
  ): Promise<Deleted> {
    const definition = this.definition(type);
    checkVerb(definition, "delete");
    const deleted = await this.#transact(options.dryRun ?? false, signal, (tx) => {
      const stored = storedDefinition(tx, definition);
      const namespace = stored.type.namespaced ? (key.namespace ?? "") : "";
      return deleteObject(tx, stored, { namespace, name: key.name }, options);
    });
    return { ...deleted, object: definition.viewOf?.fromStored(deleted.object) ?? deleted.object };
  }

  /**
   * Creates or replaces an object that lives in memory only and is gone after a restart.
   * @throws ApiError 409 when a stored object has the name
   */
  async putEphemeral<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    signal?: AbortSignal,
  ): Promise<T> {
    const definition = this.definition(type);
    return this.#transact(false, signal, (tx) => {
      const { name } = object.metadata;
      const present = tx.get(definition, object.metadata.namespace ?? "", name);
      const decoded: KubernetesObject = cloneJson(object);
      decodeObject(definition, decoded);
      if (present === undefined)
        return createObject(tx, definition, decoded, { manager: DEFAULT_MANAGER, ephemeral: true })
          .object as T;
      if (!present.ephemeral) throw alreadyExists(type, name);
      decoded.metadata.resourceVersion ??= String(present.revision);
      return replaceObject(tx, definition, present, decoded, { manager: DEFAULT_MANAGER, status: false })
        .object as T;
    });
  }

  async get<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    return JSON.parse(this.getText(type, key)) as T;
  }

  async list<T extends KubernetesObject>(
    type: ResourceType,
    options: ListOptions = {},
    signal?: AbortSignal,
  ): Promise<ResourceList<T>> {
    signal?.throwIfAborted();
    const { texts, revision, ...rest } = this.listText(type, options);
    return { items: texts.map((text) => JSON.parse(text) as T), resourceVersion: String(revision), ...rest };
  }

  async *watch<T extends KubernetesObject>(
    type: ResourceType,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const { resourceVersion, sendInitialEvents = false, timeoutSeconds = 0, ...rest } = options;
    const from = resourceVersion === undefined || sendInitialEvents ? {} : { resourceVersion };
    const start = { ...rest, ...from, markInitialEvents: sendInitialEvents };
    const ended = new AbortController();
    const end = (): void => ended.abort();
    const limit = timeoutSeconds === 0 ? undefined : this.#clock.setTimer(timeoutSeconds * 1000, end);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    try {
      for await (const event of this.watchText(type, start, ended.signal)) {
        if (event.type === "BOOKMARK") {
          const last = event.initialEventsEnd === true ? { initialEventsEnd: true as const } : {};
          yield { type: "BOOKMARK", resourceVersion: String(event.revision), ...last };
        } else yield { type: event.type, object: JSON.parse(event.text) as T };
      }
    } finally {
      limit?.cancel();
      signal.removeEventListener("abort", end);
    }
  }

  async create<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return (await this.write(type, { verb: "create", object }, strictly(type, options), signal)).object as T;
  }

  async update<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return (await this.write(type, { verb: "update", object }, strictly(type, options), signal)).object as T;
  }

  async updateStatus<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return (
      await this.write(type, { verb: "update", object }, { ...strictly(type, options), status: true }, signal)
    ).object as T;
  }

  async patch<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return (await this.write(type, { verb: "patch", key, patch }, strictly(type, options), signal))
      .object as T;
  }

  async patchStatus<T extends KubernetesObject>(
    type: ResourceType,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    return (
      await this.write(
        type,
        { verb: "patch", key, patch },
        { ...strictly(type, options), status: true },
        signal,
      )
    ).object as T;
  }

  async apply<T extends KubernetesObject>(
    type: ResourceType,
    object: T,
    options: ApplyOptions,
    signal?: AbortSignal,
  ): Promise<T> {
    const { subresource, ...rest } = options;
    const written = { ...strictly(type, rest), status: subresource === "status" };
    return (await this.write(type, { verb: "apply", object }, written, signal)).object as T;
  }

  async delete(
    type: ResourceType,
    key: ObjectKey,
    options?: DeleteOptions,
    signal?: AbortSignal,
  ): Promise<KubernetesObject> {
    return (await this.remove(type, key, options, signal)).object;
  }

  /** Answers what was accepted, ends every watch and closes the file. */
  async close(): Promise<void> {
    await this.#queue.close();
    this.#watches.close();
    this.#file?.close();
  }

  /** Makes sure that the namespaces exist which every cluster has. */
  async ensureStandingNamespaces(): Promise<void> {
    const type = this.#types.get(NAMESPACE_KEY)?.type;
    if (type === undefined) return;
    for (const name of STANDING_NAMESPACES) {
      if (this.#state.collection(NAMESPACE_KEY).get("", name) !== undefined) continue;
      await this.create(type, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
  }

  #transact<T>(dryRun: boolean, signal: AbortSignal | undefined, run: (tx: Transaction) => T): Promise<T> {
    return this.#queue.submit(
      () => {
        const tx = new Transaction({
          state: this.#state,
          clock: this.#clock,
          random: this.#random,
          types: this.#types,
          dryRun,
        });
        const answer = run(tx);
        collectGarbage(tx);
        dropExpired(tx);
        return answer;
      },
      { dryRun, ...(signal === undefined ? {} : { signal }) },
    );
  }
}

/** What the controller writes is what the schema knows: anything else is a defect, and is refused as a cluster would. */
function strictly(type: ResourceType, options: WriteOptions | undefined): StoreWriteOptions {
  return { ...options, onDecoded: fieldValidation({ type, mode: "Strict" }) };
}

/**
 * Opens the store, with the namespaces that every cluster has and the CustomResourceDefinitions of its types.
 * @throws StoreUnusableError when the file is in use, damaged, not ours or of a newer version; the message names the remedy
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const store = new EmbeddedStore(options);
  await store.ensureStandingNamespaces();
  for (const { customResourceDefinition } of options.types) {
    if (customResourceDefinition === undefined || !options.types.includes(customResourceDefinitionType))
      continue;
    await store.putEphemeral(
      customResourceDefinitionType.type,
      servedDefinition(customResourceDefinition, options.clock),
    );
  }
  return store;
}
