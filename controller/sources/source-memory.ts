/** What is remembered of each Source between two passes. All of it can be lost: the next pass applies everything anew. */
import type { KubernetesObject, ObjectKey } from "../store/resource-client.ts";
import { createParsedFiles } from "./desired.ts";
import type { DesiredState, ParsedFiles } from "./desired.ts";
import { createDirectoryReader } from "./directory.ts";
import type { DirectoryReader } from "./directory.ts";
import type { GitReader } from "./git/git-reader.ts";
import type { ApprovedPrune } from "./plan-prune.ts";
import { SOURCE_LABEL } from "./read/check-manifest.ts";
import type { SourceTree } from "./source-tree.ts";
import type { Clock } from "../runtime/clock.ts";

/** How an object was after it was applied. */
export interface AppliedObject {
  readonly hash: string;
  readonly uid: string;
  readonly generation: number;
}

export interface SourceMemory {
  readonly uid: string;
  /** The last listing and what it declares. */
  tree: SourceTree | undefined;
  desired: DesiredState | undefined;
  /** Monotonic milliseconds of the last listing that succeeded. */
  listedAt: number;
  /** `metadata.generation` and the request that the last listing answered. */
  listedFor: { readonly generation: number; readonly request: string };
  /** Somebody said that the source changed. */
  dirty: boolean;
  /** By key `<kind>/<name>`. */
  readonly applied: Map<string, AppliedObject>;
  /** Keys of declared objects that another Source owns, or that are still being deleted. */
  blocked: ReadonlySet<string>;
  /** Keys of objects with our label that are not declared, as the last pass left them. */
  extras: ReadonlySet<string>;
  /** The prune that began last. */
  approved: ApprovedPrune | undefined;
  readonly parsed: ParsedFiles;
  readonly directory: DirectoryReader;
  git: GitReader | undefined;
  watcher: { readonly root: string; close(): void } | undefined;
}

/** Remembers Sources, and which Source of this process applied what. */
export interface SourceMemories {
  get(key: ObjectKey): SourceMemory | undefined;
  /** Starts anew when the Source was deleted and made again. */
  ensure(key: ObjectKey, uid: string): SourceMemory;
  forget(key: ObjectKey): void;
  all(): Iterable<SourceMemory>;
  /** The Source that claimed an object, `<namespace>/<name>`; claims close the gap until caches show labels. */
  readonly claims: Map<string, string>;
}

const keyText = ({ namespace = "", name }: ObjectKey): string => `${namespace}/${name}`;

/** Nothing remembered yet. */
export function createSourceMemories(options: { clock: Clock }): SourceMemories {
  const memories = new Map<string, SourceMemory>();
  const claims = new Map<string, string>();
  const forget = (key: ObjectKey): void => {
    const text = keyText(key);
    const memory = memories.get(text);
    memory?.watcher?.close();
    // A clone that cannot be removed costs disk, nothing else.
    memory?.git?.dispose().catch(() => {});
    memories.delete(text);
    for (const [object, source] of claims) if (source === text) claims.delete(object);
  };
  return {
    claims,
    forget,
    get: (key) => memories.get(keyText(key)),
    all: () => memories.values(),
    ensure: (key, uid) => {
      const known = memories.get(keyText(key));
      if (known?.uid === uid) return known;
      forget(key);
      const made: SourceMemory = {
        uid,
        tree: undefined,
        desired: undefined,
        listedAt: Number.NEGATIVE_INFINITY,
        listedFor: { generation: -1, request: "" },
        dirty: false,
        applied: new Map(),
        blocked: new Set(),
        extras: new Set(),
        approved: undefined,
        parsed: createParsedFiles(),
        directory: createDirectoryReader(options),
        git: undefined,
        watcher: undefined,
      };
      memories.set(keyText(key), made);
      return made;
    },
  };
}

/** Keys (`<kind>/<name>`) of what a Source applied or claimed; a key may occur twice. */
export function rememberedKeys(
  { applied }: SourceMemory,
  claims: SourceMemories["claims"],
  source: ObjectKey,
): string[] {
  const owner = keyText(source);
  const prefix = `${source.namespace ?? ""}/`.length;
  const keys = [...applied.keys()];
  for (const [claim, by] of claims) if (by === owner) keys.push(claim.slice(prefix));
  return keys;
}

/** Whether an object is as this Source left it, as far as the source sets it. */
export function isAsApplied(
  object: KubernetesObject | undefined,
  applied: AppliedObject,
  declared: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  },
  label: string,
): boolean {
  if (object === undefined) return false;
  const { uid, generation, labels, annotations, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined || uid !== applied.uid || (generation ?? 0) !== applied.generation)
    return false;
  return (
    labels?.[SOURCE_LABEL] === label &&
    contains(labels, declared.labels) &&
    contains(annotations, declared.annotations)
  );
}

function contains(
  entries: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string>> | undefined,
): boolean {
  for (const name in wanted) if (entries?.[name] !== wanted[name]) return false;
  return true;
}
