/** The controller of kind Source, as the manager runs it. */
import { createGitRunner } from "../runtime/adapters/run-git.ts";
import type { GitRunner } from "../runtime/adapters/run-git.ts";
import type { Clock } from "../runtime/clock.ts";
import { parseDuration } from "../runtime/duration.ts";
import { FlaresmithError } from "../runtime/errors.ts";
import type { Caches, ControllerDefinition, WatchedType } from "../runtime/reconcile.ts";
import type { Tracker } from "../runtime/tracker.ts";
import type { KubernetesObject, ObjectKey, ResourceClient } from "../store/resource-client.ts";
import { sweepClones } from "./clone-place.ts";
import { objectKey } from "./desired.ts";
import { fetchDirectory, fetchGit } from "./fetch-tree.ts";
import type { GitAccess } from "./fetch-tree.ts";
import { createSourceMemories, isAsApplied } from "./source-memory.ts";
import type { SourceMemories, SourceMemory } from "./source-memory.ts";
import { appliedTypes, labelValueOf, ownerLabel, sourceType } from "./source-object.ts";
import type { SourceObject } from "./source-object.ts";
import type { SourceTree } from "./source-tree.ts";
import { syncSource } from "./sync.ts";
import { chokidarWatch } from "./watch-directory.ts";
import type { WatchDirectory } from "./watch-directory.ts";

export interface SourceControllerOptions {
  client: ResourceClient;
  clock: Clock;
  tracker: Tracker;
  /** Directories below which `spec.directory` and `file://` may lie; none: both are refused. */
  allowedDirectories: readonly string[];
  /** Where clones of repositories are kept; they can be removed at any time. */
  dataDirectory: string;
  /** Decoded data of a Secret; undefined when it does not exist. */
  secret: GitAccess["secret"];
  /** Runs git. Default: the git on the PATH of `environment` */
  git?: GitRunner | undefined;
  /** Finds the addresses of repositories' hosts. Default: as the system does */
  resolveHost?: GitAccess["resolveHost"];
  /** Environment of the process, of which PATH, proxies and certificate authorities reach git. Default: none */
  environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Brings a Source up, because its directory changed or what it waits for is free: the manager's `enqueue`. */
  wake(key: ObjectKey): void;
  /** Watches directories. Default: chokidar */
  watchDirectory?: WatchDirectory | undefined;
  /** Closes watchers. */
  signal?: AbortSignal | undefined;
}

/**
 * The controller that applies what Sources declare. Hand it to the manager; its name there is `source`.
 *
 * @returns a definition whose watches cover Connection, Project, Environment and Preview
 */
export function sourceController(options: SourceControllerOptions): ControllerDefinition {
  const { client, clock, tracker } = options;
  const memories = createSourceMemories({ clock });
  const watchDirectory =
    options.watchDirectory ??
    chokidarWatch({
      clock,
      failed: (root, error) =>
        tracker.log.warn("a directory is not watched; the interval finds its changes", { root, error }),
    });
  options.signal?.addEventListener("abort", () => closeAll(memories), { once: true });
  let swept: Promise<void> | undefined;
  const sweep = (caches: Caches): Promise<void> =>
    sweepClones(options.dataDirectory, () => caches.of<SourceObject>(sourceType).list()).catch(
      (error: unknown) => tracker.log.warn("clones that nobody needs could not be removed", { error }),
    );
  const definition: ControllerDefinition<SourceObject> = {
    type: sourceType,
    name: "source",
    concurrency: 4,
    resyncInterval: ({ spec }) => parseDuration(spec.interval, "spec.interval"),
    watches: [
      { type: sourceType, toKeys: (source, caches) => departed(source, caches, memories) },
      ...[...appliedTypes.values()].map((type): WatchedType => ({
        type,
        toKeys: (object, caches) => concerned(object, caches, memories),
      })),
    ],
    reconcile: async (key, context) => {
      // Before git runs for the first time: what it keeps is nobody's until then.
      await (swept ??= sweep(context.caches));
      return syncSource(key, context, {
        client,
        clock,
        memories,
        fetch: (source, memory, signal) => fetchTree(source, memory, signal),
        wake: (waiting) => options.wake(waiting),
      });
    },
  };
  const access: GitAccess = {
    run: options.git ?? createGitRunner({ clock, environment: options.environment ?? {} }),
    dataDirectory: options.dataDirectory,
    secret: options.secret,
    registerSecret: (value) => tracker.secrets.add(value, { lapses: true }),
    redact: (text) => tracker.secrets.redact(text),
    resolveHost: options.resolveHost,
  };
  const fetchTree = async (
    source: SourceObject,
    memory: SourceMemory,
    signal: AbortSignal,
  ): Promise<SourceTree> => {
    const { directory, git } = source.spec;
    if (git !== undefined) {
      memory.watcher?.close();
      memory.watcher = undefined;
      return fetchGit(
        { source, memory, allowedDirectories: options.allowedDirectories, access, git },
        signal,
      );
    }
    if (directory === undefined) {
      throw new FlaresmithError({
        code: "SOURCE_NOT_READABLE",
        message: "spec names neither git nor directory",
        field: "spec",
      });
    }
    const { tree, root } = await fetchDirectory(
      { source, memory, allowedDirectories: options.allowedDirectories, directory },
      signal,
    );
    if (memory.watcher?.root !== root) {
      memory.watcher?.close();
      const { name, namespace } = source.metadata;
      const watcher = watchDirectory(root, () => {
        memory.dirty = true;
        options.wake({ name, ...(namespace === undefined ? {} : { namespace }) });
      });
      memory.watcher = { root, close: () => watcher.close() };
    }
    return tree;
  };
  return definition;
}

function closeAll(memories: SourceMemories): void {
  for (const memory of memories.all()) {
    memory.watcher?.close();
    memory.watcher = undefined;
  }
}

/** A Source that is gone is forgotten; nobody has anything to do because of it: what it had says so itself. */
function departed(source: KubernetesObject, caches: Caches, memories: SourceMemories): ObjectKey[] {
  const { name, namespace = "" } = source.metadata;
  if (caches.of(sourceType).get({ name, namespace }) === undefined) memories.forget({ name, namespace });
  return [];
}

/** The Sources that have something to do because an object is no longer as they left it. Status changes are not. */
function concerned(object: KubernetesObject, caches: Caches, memories: SourceMemories): ObjectKey[] {
  const { namespace = "", name } = object.metadata;
  const type = appliedTypes.get(object.kind);
  if (type === undefined) return [];
  const current = caches.of(type).get({ namespace, name });
  const key = objectKey(object);
  return caches
    .of<SourceObject>(sourceType)
    .list(namespace)
    .map(({ metadata }) => ({ name: metadata.name, namespace }))
    .filter((source) => {
      const memory = memories.get(source);
      return memory !== undefined && hasWork(memory, key, object, current, labelValueOf(source.name));
    });
}

function hasWork(
  memory: SourceMemory,
  key: string,
  object: KubernetesObject,
  current: KubernetesObject | undefined,
  label: string,
): boolean {
  const applied = memory.applied.get(key);
  const declared = memory.desired?.byKey.get(key);
  if (applied !== undefined) return !isAsApplied(current, applied, declared?.object.metadata ?? {}, label);
  if (memory.blocked.has(key)) {
    if (current === undefined) return true;
    return (
      current.metadata.deletionTimestamp === undefined && [undefined, label].includes(ownerLabel(current))
    );
  }
  if (ownerLabel(object) !== label) return false;
  return memory.extras.has(key) ? current === undefined : true;
}
