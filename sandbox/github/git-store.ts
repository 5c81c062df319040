import type { Collection } from "../core/storage.ts";
import type { GitObjectRecord, RepositoryRecord } from "./records.ts";
import {
  decodeCommit,
  decodeTree,
  EMPTY_TREE,
  encodeCommit,
  encodeTree,
  objectId,
  type CommitBody,
  type GitObjectType,
  type TreeEntry,
} from "./git-object.ts";
import type { World } from "./world.ts";

/** One change to a tree: a new entry, or the removal of what is there. */
export interface TreeChange {
  path: string;
  entry: { mode: string; sha: string } | null;
}

/** The git objects of one repository, read and written by id. */
export interface GitStore {
  /** Stores an object and returns its id; storing it again changes nothing. */
  put(type: GitObjectType, body: Buffer): string;
  /** The object's body when it exists and has that type. */
  get(type: GitObjectType, sha: string): Buffer | undefined;
  has(sha: string): boolean;
  tree(sha: string): TreeEntry[] | undefined;
  commit(sha: string): CommitBody | undefined;
  putTree(entries: readonly TreeEntry[]): string;
  putCommit(commit: CommitBody): string;
  /** Every blob and submodule below a tree, with full paths; `trees` adds the directories. */
  flatten(tree: string, trees?: boolean): TreeEntry[];
  /** A new tree: `base` with changes applied. Returns the missing path when a removal names nothing. */
  change(base: string | undefined, changes: readonly TreeChange[]): { tree: string } | { missing: string };
  /** The entry at a path below a tree. */
  at(tree: string, path: string): TreeEntry | undefined;
  /** Whether `ancestor` is `descendant` or reachable from it. */
  isAncestor(ancestor: string, descendant: string): boolean;
  /** Commits reachable from `head`, newest first along first parents then others. */
  history(head: string, limit: number): string[];
}

interface Directory {
  entries: Map<string, TreeEntry | Directory>;
}

const isDirectory = (node: TreeEntry | Directory): node is Directory => "entries" in node;

/** The store over one repository's object collection. */
export function gitStore(objects: Collection<GitObjectRecord>, onWrite: () => void): GitStore {
  const put = (type: GitObjectType, body: Buffer): string => {
    const sha = objectId(type, body);
    if (objects.get(sha) === undefined) {
      objects.set(sha, { type, data: body.toString("base64") });
      onWrite();
    }
    return sha;
  };
  const get = (type: GitObjectType, sha: string): Buffer | undefined => {
    const record = objects.get(sha);
    return record?.type === type ? Buffer.from(record.data, "base64") : undefined;
  };
  const tree = (sha: string): TreeEntry[] | undefined => {
    if (sha === EMPTY_TREE) return [];
    const body = get("tree", sha);
    return body && decodeTree(body);
  };
  const commit = (sha: string): CommitBody | undefined => {
    const body = get("commit", sha);
    return body && decodeCommit(body);
  };
  const flatten = (sha: string, trees = false, prefix = ""): TreeEntry[] =>
    (tree(sha) ?? []).flatMap((entry) => {
      const path = prefix + entry.path;
      if (entry.mode !== "040000") return [{ ...entry, path }];
      return [...(trees ? [{ ...entry, path }] : []), ...flatten(entry.sha, trees, `${path}/`)];
    });
  const open = (sha: string | undefined): Directory => ({
    entries: new Map((sha === undefined ? [] : (tree(sha) ?? [])).map((entry) => [entry.path, entry])),
  });
  const child = (directory: Directory, name: string): Directory => {
    const known = directory.entries.get(name);
    if (known && isDirectory(known)) return known;
    const opened = open(known?.mode === "040000" ? known.sha : undefined);
    directory.entries.set(name, opened);
    return opened;
  };
  const write = (directory: Directory): string => {
    const entries: TreeEntry[] = [];
    for (const [path, node] of directory.entries) {
      if (!isDirectory(node)) entries.push(node);
      else {
        const sha = write(node);
        if (sha !== EMPTY_TREE) entries.push({ mode: "040000", path, sha });
      }
    }
    return put("tree", encodeTree(entries));
  };
  const at = (root: string, path: string): TreeEntry | undefined => {
    let entry: TreeEntry = { mode: "040000", path: "", sha: root };
    for (const segment of path.split("/").filter((part) => part !== "")) {
      if (entry.mode !== "040000") return undefined;
      const next = tree(entry.sha)?.find((candidate) => candidate.path === segment);
      if (!next) return undefined;
      entry = next;
    }
    return entry;
  };
  const history = (head: string, limit: number): string[] => {
    const seen = new Set<string>();
    const queue = [head];
    while (queue.length > 0 && seen.size < limit) {
      const sha = queue.shift();
      if (sha === undefined || seen.has(sha)) continue;
      seen.add(sha);
      queue.push(...(commit(sha)?.parents ?? []));
    }
    return [...seen];
  };
  return {
    put,
    get,
    has: (sha) => sha === EMPTY_TREE || objects.get(sha) !== undefined,
    tree,
    commit,
    putTree: (entries) => put("tree", encodeTree(entries)),
    putCommit: (body) => put("commit", encodeCommit(body)),
    flatten,
    change: (base, changes) => {
      const root = open(base);
      for (const { path, entry } of changes) {
        const segments = path.split("/");
        const name = segments.pop() ?? "";
        if (entry === null && base !== undefined && at(base, path) === undefined) return { missing: path };
        if (entry === null && base === undefined) return { missing: path };
        const directory = segments.reduce(child, root);
        if (entry === null) directory.entries.delete(name);
        else directory.entries.set(name, { mode: entry.mode, path: name, sha: entry.sha });
      }
      return { tree: write(root) };
    },
    at,
    isAncestor: (ancestor, descendant) => history(descendant, Number.POSITIVE_INFINITY).includes(ancestor),
    history,
  };
}

/** The git store of a repository in the world. */
export function storeOf(world: World, repository: RepositoryRecord): GitStore {
  return gitStore(world.objects(repository.id), () => world.noteChange());
}

/** A repository's branches as the provider knows them: name -> commit id. */
export function branchesOf(world: World, repository: RepositoryRecord): Record<string, string> {
  const prefix = "refs/heads/";
  const refs = namedRefs(world, repository).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(refs.map(([name, sha]) => [name.slice(prefix.length), sha]));
}

/** Every ref of a repository in name order, as the provider knows them: full name and id. */
export function namedRefs(world: World, repository: RepositoryRecord): [string, string][] {
  return world
    .refs(repository.id)
    .latestValues()
    .map((ref): [string, string] => [ref.name, ref.sha])
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
}
