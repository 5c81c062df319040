import type { RepositoryCall, RepositoryRoute } from "../call.ts";
import { signatureOf } from "../create-repository.ts";
import { failure, invalidRequest, notFound, type Reply } from "../failure.ts";
import { typeOfMode, type TreeEntry } from "../git-object.ts";
import { storeOf, type GitStore } from "../git-store.ts";
import { optionalText, text } from "../page.ts";
import { gitCommit } from "../represent-commit.ts";
import { enforceRules } from "../rules.ts";
import { actorOf, emitRefChange } from "../webhooks.ts";
import { resolveCommit } from "./commits.ts";
import { requireWorkflows, signatureFrom, wrapped } from "./objects.ts";
import { isEmpty } from "./refs.ts";

const LARGEST_INLINE = 1024 * 1024;
const LARGEST_RAW = 100 * 1024 * 1024;

function encodedPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function entryView(
  call: RepositoryCall,
  store: GitStore,
  entry: TreeEntry,
  path: string,
  ref: string,
): Record<string, unknown> {
  const { world, repository } = call;
  const api = `${world.publicUrl}/repos/${repository.owner}/${repository.name}`;
  const html = `${world.publicUrl}/${repository.owner}/${repository.name}`;
  const kind = typeOfMode(entry.mode);
  // With this API version submodules in a directory listing are reported as files.
  const type = kind === "tree" ? "dir" : entry.mode === "120000" ? "symlink" : "file";
  const url = `${api}/contents/${encodedPath(path)}?ref=${encodeURIComponent(ref)}`;
  const git = `${api}/git/${kind === "tree" ? "trees" : "blobs"}/${entry.sha}`;
  const page = `${html}/${kind === "tree" ? "tree" : "blob"}/${ref}/${encodedPath(path)}`;
  return {
    name: path.split("/").at(-1) ?? "",
    path,
    sha: entry.sha,
    size: kind === "blob" ? (store.get("blob", entry.sha)?.length ?? 0) : 0,
    url,
    html_url: page,
    git_url: git,
    download_url: kind === "blob" ? `${html}/raw/${ref}/${encodedPath(path)}` : null,
    type,
    _links: { self: url, git, html: page },
  };
}

function fileView(
  call: RepositoryCall,
  store: GitStore,
  entry: TreeEntry,
  path: string,
  ref: string,
): Record<string, unknown> {
  const body = store.get("blob", entry.sha) ?? Buffer.alloc(0);
  // Between 1 and 100 MB the content is left out and the encoding is "none" (docs: "Get repository content").
  const inline = body.length <= LARGEST_INLINE;
  return {
    ...entryView(call, store, entry, path, ref),
    content: inline ? wrapped(body) : "",
    encoding: inline ? "base64" : "none",
  };
}

function read(call: RepositoryCall): Reply {
  const { repository, world } = call;
  if (isEmpty(call)) throw failure(404, "This repository is empty.");
  const path = (call.parameters["path"] ?? "").replace(/^\/+|\/+$/g, "");
  const ref = call.query.get("ref") ?? repository.defaultBranch;
  const commit = resolveCommit(call, ref);
  if (commit === undefined) throw failure(404, `No commit found for the ref ${ref}`);
  const store = storeOf(world, repository);
  const entry = store.at(store.commit(commit)?.tree ?? "", path);
  if (!entry) throw notFound();
  if (entry.mode === "040000") {
    const entries = store.tree(entry.sha) ?? [];
    const items = entries
      .slice(0, 1000)
      .map((item) => entryView(call, store, item, path === "" ? item.path : `${path}/${item.path}`, ref));
    return {
      status: 200,
      body: call.accept.includes(".object")
        ? { ...entryView(call, store, entry, path, ref), entries: items }
        : items,
    };
  }
  if (call.accept.includes(".raw")) {
    const body = store.get("blob", entry.sha) ?? Buffer.alloc(0);
    if (body.length > LARGEST_RAW) throw failure(403, "This API returns blobs up to 100 MB in size.");
    return { status: 200, body, headers: { "content-type": "application/vnd.github.raw; charset=utf-8" } };
  }
  return { status: 200, body: fileView(call, store, entry, path, ref) };
}

function write(call: RepositoryCall, removing: boolean): Reply {
  const { world, repository, body } = call;
  const path = (call.parameters["path"] ?? "").replace(/^\/+/, "");
  if (path === "" || path.split("/").some((segment) => ["", ".", "..", ".git"].includes(segment)))
    throw failure(422, "path contains a malformed path component");
  requireWorkflows(call, path);
  const branch = (optionalText(body, "branch") ?? repository.defaultBranch).replace(/^refs\/heads\//, "");
  const name = `refs/heads/${branch}`;
  const generating = world.now() < repository.ready.objects;
  if (generating)
    throw failure(
      isEmpty(call) ? 409 : 422,
      isEmpty(call) ? "Git Repository is empty." : "Tree SHA does not exist",
    );
  const refs = world.refs(repository.id);
  const before = refs.latest(name)?.sha;
  if (before === undefined && (!isEmpty(call) || removing)) throw failure(404, `Branch ${branch} not found`);
  const store = storeOf(world, repository);
  const tree = before === undefined ? undefined : store.commit(before)?.tree;
  const known = tree === undefined ? undefined : store.at(tree, path);
  const sha = optionalText(body, "sha");
  if (removing && !known) throw notFound();
  if (known?.mode === "040000") throw failure(422, `${path} is a directory`);
  if (known && sha === undefined) throw invalidRequest(`"sha" wasn't supplied.`);
  if (known && sha !== known.sha) throw failure(409, `${path} does not match ${sha}`);
  if (!known && sha !== undefined) throw failure(409, `${path} does not match ${sha}`);
  const content = removing ? "" : text(body, "content");
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) throw failure(422, "content is not valid Base64");
  enforceRules({
    world,
    call,
    repository,
    ref: name,
    change: before === undefined ? "create" : "update",
    status: 409,
  });
  const blob = removing
    ? null
    : { mode: known?.mode ?? "100644", sha: store.put("blob", Buffer.from(content, "base64")) };
  const changed = store.change(tree, [{ path, entry: blob }]);
  if ("missing" in changed) throw notFound();
  const committer = signatureFrom(body["committer"], signatureOf(world, actorOf(call, repository.owner)));
  const author = signatureFrom(body["author"], committer);
  const parents = before === undefined ? [] : [before];
  const commit = store.putCommit({
    tree: changed.tree,
    parents,
    author,
    committer,
    message: text(body, "message"),
  });
  refs.set(name, { name, sha: commit });
  world.repositories.set(String(repository.id), { ...repository, pushedAt: world.now() });
  emitRefChange({
    world,
    repository,
    actor: actorOf(call, repository.owner),
    ref: name,
    before,
    after: commit,
  });
  const {
    content: _content,
    encoding: _encoding,
    ...file
  } = blob === null ? { content: "", encoding: "" } : fileView(call, store, { ...blob, path }, path, branch);
  const { node_id, ...shown } = gitCommit(world, repository, commit) ?? {};
  return {
    status: known || removing ? 200 : 201,
    body: { content: blob === null ? null : file, commit: { ...shown, node_id } },
  };
}

/** Files by path: reading (JSON, raw, directory) and writing one file per commit. */
export const contentRoutes: readonly RepositoryRoute[] = [
  { scope: "repository", method: "GET", path: "/contents", requires: { contents: "read" }, handler: read },
  {
    scope: "repository",
    method: "GET",
    path: "/contents/:path{.*}",
    requires: { contents: "read" },
    handler: read,
  },
  {
    scope: "repository",
    method: "PUT",
    path: "/contents/:path{.+}",
    requires: { contents: "write" },
    handler: (call) => write(call, false),
  },
  {
    scope: "repository",
    method: "DELETE",
    path: "/contents/:path{.+}",
    requires: { contents: "write" },
    handler: (call) => write(call, true),
  },
];
