import type { RepositoryCall, RepositoryRoute } from "../call.ts";
import { emptyRepository, failure, notFound, type Reply } from "../failure.ts";
import { parseGitDate, typeOfMode, type Signature } from "../git-object.ts";
import { storeOf, type GitStore, type TreeChange } from "../git-store.ts";
import { signatureOf } from "../create-repository.ts";
import { optionalText, text } from "../page.ts";
import { includesLevel, permissionMissing } from "../access.ts";
import { nodeId } from "../represent.ts";
import { gitCommit } from "../represent-commit.ts";
import { actorOf } from "../webhooks.ts";
import { resolveCommit } from "./commits.ts";
import { isEmpty, writableStore } from "./refs.ts";

const MODES = ["100644", "100755", "040000", "160000", "120000"];
const LARGEST_TREE = 100_000;

function gitUrl(call: RepositoryCall): string {
  const { world, repository } = call;
  return `${world.publicUrl}/repos/${repository.owner}/${repository.name}/git`;
}

function treeView(
  call: RepositoryCall,
  store: GitStore,
  sha: string,
  recursive: boolean,
): Record<string, unknown> {
  const entries = recursive ? store.flatten(sha, true) : (store.tree(sha) ?? []);
  const tree = entries.slice(0, LARGEST_TREE).map((entry) => {
    const type = typeOfMode(entry.mode);
    const shown = { path: entry.path, mode: entry.mode, type, sha: entry.sha };
    if (type === "commit") return shown;
    const size = type === "blob" ? { size: store.get("blob", entry.sha)?.length ?? 0 } : {};
    return { ...shown, ...size, url: `${gitUrl(call)}/${type}s/${entry.sha}` };
  });
  return { sha, url: `${gitUrl(call)}/trees/${sha}`, tree, truncated: entries.length > LARGEST_TREE };
}

function getTree(call: RepositoryCall): Reply {
  if (isEmpty(call)) throw emptyRepository();
  const store = storeOf(call.world, call.repository);
  const asked = call.parameters["tree_sha"] ?? "";
  const commit = resolveCommit(call, asked);
  const sha = store.tree(asked) ? asked : commit === undefined ? undefined : store.commit(commit)?.tree;
  if (sha === undefined) throw notFound();
  // Any value turns recursion on, even `0` or `false` (docs: "Get a tree").
  return { status: 200, body: treeView(call, store, sha, call.query.has("recursive")) };
}

interface TreeItem {
  path?: string;
  mode?: string;
  type?: string;
  sha?: string | null;
  content?: string;
}

function changeOf(call: RepositoryCall, store: GitStore, item: TreeItem): TreeChange {
  const { path } = item;
  if (path === undefined || path === "") throw failure(422, "tree.path is missing");
  if (path.startsWith("/")) throw failure(422, "tree.path cannot start with a slash");
  if (path.split("/").some((segment) => ["", ".", "..", ".git"].includes(segment.toLowerCase())))
    throw failure(422, "tree.path contains a malformed path component");
  requireWorkflows(call, path);
  if (item.sha === null) return { path, entry: null };
  if (item.mode === undefined || !MODES.includes(item.mode)) throw failure(422, "tree.mode is invalid");
  if (item.sha !== undefined && item.content !== undefined)
    throw failure(422, "Must supply either tree.sha or tree.content, but not both");
  if (item.content !== undefined)
    return { path, entry: { mode: item.mode, sha: store.put("blob", Buffer.from(item.content)) } };
  if (item.sha === undefined) throw failure(422, "Must supply tree.sha or tree.content");
  if (item.mode !== "160000" && !store.get(typeOfMode(item.mode), item.sha))
    throw failure(422, `tree.sha ${item.sha} is not a valid ${typeOfMode(item.mode)}`);
  return { path, entry: { mode: item.mode, sha: item.sha } };
}

/** Workflow files need a permission of their own. @throws ApiFailure 403 without it */
export function requireWorkflows(call: RepositoryCall, path: string): void {
  if (!path.startsWith(".github/workflows/") || includesLevel(call.level("workflows"), "write")) return;
  throw permissionMissing(call.identity, { contents: "write", workflows: "write" });
}

function createTree(call: RepositoryCall): Reply {
  const store = writableStore(call, "Tree SHA does not exist");
  const base = optionalText(call.body, "base_tree");
  const items = call.body["tree"] as TreeItem[];
  // A commit's id is accepted in place of its tree's.
  const root = base === undefined ? undefined : store.tree(base) ? base : store.commit(base)?.tree;
  if (base !== undefined && root === undefined) throw failure(422, "Tree SHA does not exist");
  if (items.length === 0) throw failure(422, "Invalid tree info");
  const changed = store.change(
    root,
    items.map((item) => changeOf(call, store, item)),
  );
  if ("missing" in changed) throw failure(422, "GitRPC::BadObjectState");
  const body = treeView(call, store, changed.tree, false);
  return { status: 201, body, headers: { location: String(body["url"]) } };
}

function createBlob(call: RepositoryCall): Reply {
  const store = writableStore(call, "Object does not exist");
  const content = text(call.body, "content");
  const encoding = optionalText(call.body, "encoding") ?? "utf-8";
  if (!["utf-8", "base64"].includes(encoding)) throw failure(422, `Unrecognized encoding: ${encoding}`);
  if (encoding === "base64" && !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content))
    throw failure(422, "content is not valid Base64");
  const sha = store.put("blob", Buffer.from(content, encoding === "base64" ? "base64" : "utf8"));
  const url = `${gitUrl(call)}/blobs/${sha}`;
  return { status: 201, body: { sha, url }, headers: { location: url } };
}

function getBlob(call: RepositoryCall): Reply {
  if (isEmpty(call)) throw emptyRepository();
  const sha = call.parameters["file_sha"] ?? "";
  const body = storeOf(call.world, call.repository).get("blob", sha);
  if (!body) throw notFound();
  if (call.accept.includes(".raw"))
    return { status: 200, body, headers: { "content-type": "application/vnd.github.raw; charset=utf-8" } };
  return {
    status: 200,
    body: {
      sha,
      node_id: nodeId("Blob", `${call.repository.id}:${sha}`),
      size: body.length,
      url: `${gitUrl(call)}/blobs/${sha}`,
      content: wrapped(body),
      encoding: "base64",
    },
  };
}

/** Base64 in lines of 60 characters, as GitHub sends it. */
export function wrapped(body: Buffer): string {
  return body.toString("base64").replace(/.{1,60}/g, "$&\n");
}

/** A name, address and date from a body; what is left out comes from `fallback`. @throws ApiFailure 422 on a bad date */
export function signatureFrom(value: unknown, fallback: Signature): Signature {
  if (typeof value !== "object" || value === null) return fallback;
  const given = value as Record<string, unknown>;
  const date = optionalText(given, "date");
  const moment = date === undefined ? undefined : parseGitDate(date);
  if (date !== undefined && !moment) throw failure(422, `Invalid date: ${date}`);
  return {
    name: optionalText(given, "name") ?? fallback.name,
    email: optionalText(given, "email") ?? fallback.email,
    seconds: moment?.seconds ?? fallback.seconds,
    offset: moment?.offset ?? fallback.offset,
  };
}

function createCommit(call: RepositoryCall): Reply {
  const { world, repository, body } = call;
  const store = writableStore(call, "Tree SHA does not exist");
  const tree = text(body, "tree");
  if (!store.tree(tree)) throw failure(422, "Tree SHA does not exist");
  const parents = (body["parents"] as string[] | undefined) ?? [];
  if (parents.some((parent) => !store.commit(parent)))
    throw failure(422, "Parent SHA does not exist or is not a commit object");
  const author = signatureFrom(body["author"], signatureOf(world, actorOf(call, repository.owner)));
  const committer = signatureFrom(body["committer"], author);
  const sha = store.putCommit({ tree, parents, author, committer, message: text(body, "message") });
  const view = gitCommit(world, repository, sha);
  return { status: 201, body: view, headers: { location: `${gitUrl(call)}/commits/${sha}` } };
}

function getCommit(call: RepositoryCall): Reply {
  if (isEmpty(call)) throw emptyRepository();
  const view = gitCommit(call.world, call.repository, call.parameters["commit_sha"] ?? "");
  if (!view) throw notFound();
  return { status: 200, body: view };
}

/** Blobs, trees and commits of the git database. */
export const objectRoutes: readonly RepositoryRoute[] = [
  {
    scope: "repository",
    method: "GET",
    path: "/git/trees/:tree_sha{.+}",
    requires: { contents: "read" },
    handler: getTree,
  },
  {
    scope: "repository",
    method: "POST",
    path: "/git/trees",
    requires: { contents: "write" },
    handler: createTree,
  },
  {
    scope: "repository",
    method: "GET",
    path: "/git/blobs/:file_sha",
    requires: { contents: "read" },
    handler: getBlob,
  },
  {
    scope: "repository",
    method: "POST",
    path: "/git/blobs",
    requires: { contents: "write" },
    handler: createBlob,
  },
  {
    scope: "repository",
    method: "GET",
    path: "/git/commits/:commit_sha",
    requires: { contents: "read" },
    handler: getCommit,
  },
  {
    scope: "repository",
    method: "POST",
    path: "/git/commits",
    requires: { contents: "write" },
    handler: createCommit,
  },
];
