import type { RepositoryCall, RepositoryRoute } from "../call.ts";
import { emptyRepository, failure, notFound, type Reply } from "../failure.ts";
import { namedRefs, storeOf, type GitStore } from "../git-store.ts";
import { optionalFlag, text } from "../page.ts";
import { nodeId } from "../represent.ts";
import { enforceRules } from "../rules.ts";
import { actorOf, emitRefChange } from "../webhooks.ts";

/** Whether a repository has content that its readers can see; a generated one has none for a while. */
export function isEmpty(call: Pick<RepositoryCall, "world" | "repository">): boolean {
  const { world, repository } = call;
  return world.now() < repository.ready.refs || world.refs(repository.id).latestValues().length === 0;
}

/** The refs a read sees: name -> id, in name order. */
export function visibleRefs(call: Pick<RepositoryCall, "world" | "repository">): Map<string, string> {
  const { world, repository } = call;
  if (world.now() < repository.ready.refs) return new Map();
  const refs = world
    .refs(repository.id)
    .values()
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  return new Map(refs.map((ref) => [ref.name, ref.sha]));
}

/** The store for writes. @throws ApiFailure 409 on an empty repository, 422 while generated objects settle */
export function writableStore(call: RepositoryCall, missing: string): GitStore {
  if (isEmpty(call)) throw emptyRepository();
  if (call.world.now() < call.repository.ready.objects) throw failure(422, missing);
  return storeOf(call.world, call.repository);
}

function refView(call: RepositoryCall, name: string, sha: string): Record<string, unknown> {
  const { world, repository } = call;
  const url = `${world.publicUrl}/repos/${repository.owner}/${repository.name}/git`;
  const type = storeOf(world, repository).commit(sha) ? "commit" : "tag";
  return {
    ref: name,
    node_id: nodeId("Ref", `${repository.id}:${name}`),
    url: `${url}/${name}`,
    object: { sha, type, url: `${url}/${type}s/${sha}` },
  };
}

function one(call: RepositoryCall): Reply {
  if (isEmpty(call)) throw emptyRepository();
  const name = `refs/${call.parameters["ref"] ?? ""}`;
  const sha = visibleRefs(call).get(name);
  if (sha === undefined) throw notFound();
  return { status: 200, body: refView(call, name, sha) };
}

function matching(call: RepositoryCall): Reply {
  if (isEmpty(call)) throw emptyRepository();
  const prefix = `refs/${call.parameters["ref"] ?? ""}`;
  const found = [...visibleRefs(call)].filter(([name]) => name.startsWith(prefix));
  return { status: 200, body: found.map(([name, sha]) => refView(call, name, sha)) };
}

/** git-check-ref-format, as far as it concerns branches and tags. */
function wellFormed(ref: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what the rule forbids
  const forbidden = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\.lock(\/|$)|(^|\/)\.|[./]$/;
  return ref.split("/").length >= 3 && !forbidden.test(ref);
}

function create(call: RepositoryCall): Reply {
  const { world, repository, body } = call;
  const name = text(body, "ref");
  const sha = text(body, "sha");
  if (!name.startsWith("refs/")) throw failure(422, "Reference name must start with 'refs/'.");
  const store = writableStore(call, "Object does not exist");
  if (!wellFormed(name)) throw failure(422, `Reference name is invalid: ${name}`);
  if (!/^[0-9a-f]{40}$/.test(sha))
    throw failure(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].");
  if (!store.has(sha) || (name.startsWith("refs/heads/") && !store.commit(sha)))
    throw failure(422, "Object does not exist");
  const refs = world.refs(repository.id);
  if (refs.latest(name)) throw failure(422, "Reference already exists");
  enforceRules({ world, call, repository, ref: name, change: "create" });
  // A directory cannot be a file: git refuses `a/b` beside `a`.
  const clash = namedRefs(world, repository).some(
    ([known]) => known.startsWith(`${name}/`) || name.startsWith(`${known}/`),
  );
  if (clash) throw failure(422, "Reference cannot be created because a conflicting reference exists");
  refs.set(name, { name, sha });
  emitRefChange({
    world,
    repository,
    actor: actorOf(call, repository.owner),
    ref: name,
    before: undefined,
    after: sha,
  });
  const view = refView(call, name, sha);
  return { status: 201, body: view, headers: { location: String(view["url"]) } };
}

function update(call: RepositoryCall): Reply {
  const { world, repository, body } = call;
  const name = `refs/${call.parameters["ref"] ?? ""}`;
  const sha = text(body, "sha");
  const force = optionalFlag(body, "force") ?? false;
  const store = writableStore(call, "Object does not exist");
  const refs = world.refs(repository.id);
  const before = refs.latest(name)?.sha;
  if (before === undefined) throw failure(422, "Reference does not exist");
  if (!store.has(sha) || (name.startsWith("refs/heads/") && !store.commit(sha)))
    throw failure(422, "Object does not exist");
  const forward = store.isAncestor(before, sha);
  if (!forward && !force) throw failure(422, "Update is not a fast forward");
  enforceRules({ world, call, repository, ref: name, change: forward ? "update" : "force" });
  if (before !== sha) {
    refs.set(name, { name, sha });
    world.repositories.set(String(repository.id), { ...repository, pushedAt: world.now() });
    emitRefChange({
      world,
      repository,
      actor: actorOf(call, repository.owner),
      ref: name,
      before,
      after: sha,
      forced: !forward,
    });
  }
  return { status: 200, body: refView(call, name, sha) };
}

function remove(call: RepositoryCall): Reply {
  const { world, repository } = call;
  const name = `refs/${call.parameters["ref"] ?? ""}`;
  if (isEmpty(call)) throw emptyRepository();
  const before = world.refs(repository.id).latest(name)?.sha;
  if (before === undefined) throw failure(422, "Reference does not exist");
  // A tag of the default branch's name is mistaken for it (cli/cli #11646).
  if ([`refs/heads/${repository.defaultBranch}`, `refs/tags/${repository.defaultBranch}`].includes(name))
    throw failure(422, "Cannot delete the default branch");
  enforceRules({ world, call, repository, ref: name, change: "delete" });
  world.refs(repository.id).delete(name);
  emitRefChange({
    world,
    repository,
    actor: actorOf(call, repository.owner),
    ref: name,
    before,
    after: undefined,
  });
  return { status: 204 };
}

/** References of the git database. */
export const refRoutes: readonly RepositoryRoute[] = [
  {
    scope: "repository",
    method: "GET",
    path: "/git/ref/:ref{.+}",
    requires: { contents: "read" },
    handler: one,
  },
  {
    scope: "repository",
    method: "GET",
    path: "/git/matching-refs/:ref{.+}",
    requires: { contents: "read" },
    handler: matching,
  },
  {
    scope: "repository",
    method: "POST",
    path: "/git/refs",
    requires: { contents: "write" },
    handler: create,
  },
  {
    scope: "repository",
    method: "PATCH",
    path: "/git/refs/:ref{.+}",
    requires: { contents: "write" },
    handler: update,
  },
  {
    scope: "repository",
    method: "DELETE",
    path: "/git/refs/:ref{.+}",
    requires: { contents: "write" },
    handler: remove,
  },
];
