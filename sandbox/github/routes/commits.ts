import type { RepositoryCall, RepositoryRoute } from "../call.ts";
import { emptyRepository, failure, notFound, type Reply } from "../failure.ts";
import { storeOf } from "../git-store.ts";
import { paginate } from "../page.ts";
import { repositoryCommit } from "../represent-commit.ts";
import { refMatches } from "../rules.ts";
import { isEmpty, visibleRefs } from "./refs.ts";

/** The commit that a branch, tag, full ref, commit id or unique prefix of one names, as a read sees it. */
export function resolveCommit(
  call: Pick<RepositoryCall, "world" | "repository">,
  name: string,
): string | undefined {
  const refs = visibleRefs(call);
  const wanted = name === "HEAD" ? call.repository.defaultBranch : name;
  const store = storeOf(call.world, call.repository);
  for (const candidate of [`refs/heads/${wanted}`, `refs/tags/${wanted}`, `refs/${wanted}`, wanted]) {
    const sha = refs.get(candidate);
    if (sha !== undefined && store.commit(sha)) return sha;
  }
  if (store.commit(wanted)) return wanted;
  if (!/^[0-9a-f]{7,39}$/.test(wanted)) return undefined;
  const found = call.world
    .objects(call.repository.id)
    .entries()
    .filter(([sha, item]) => item.type === "commit" && sha.startsWith(wanted));
  return found.length === 1 ? found[0]?.[0] : undefined;
}

function getCommit(call: RepositoryCall): Reply {
  if (isEmpty(call)) throw emptyRepository();
  const name = call.parameters["ref"] ?? "";
  const sha = resolveCommit(call, name);
  if (sha === undefined) throw failure(422, `No commit found for SHA: ${name}`);
  if (call.accept.includes(".sha"))
    return {
      status: 200,
      body: sha,
      headers: { "content-type": "application/vnd.github.sha; charset=utf-8" },
    };
  const { world, repository } = call;
  const store = storeOf(world, repository);
  const commit = store.commit(sha);
  const files = (tree: string | undefined): Map<string, string> =>
    new Map((tree === undefined ? [] : store.flatten(tree)).map((entry) => [entry.path, entry.sha]));
  const after = files(commit?.tree);
  const parent = commit?.parents[0];
  const before = files(parent === undefined ? undefined : store.commit(parent)?.tree);
  const base = `${world.publicUrl}/${repository.owner}/${repository.name}`;
  const changed = [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .toSorted()
    .map((path) => {
      const encoded = encodeURIComponent(path);
      return {
        sha: after.get(path) ?? before.get(path) ?? null,
        filename: path,
        status: before.has(path) ? (after.has(path) ? "modified" : "removed") : "added",
        // Line counts are not computed here: nothing that is emulated reads them.
        additions: 0,
        deletions: 0,
        changes: 0,
        blob_url: `${base}/blob/${sha}/${encoded}`,
        raw_url: `${base}/raw/${sha}/${encoded}`,
        contents_url: `${world.publicUrl}/repos/${repository.owner}/${repository.name}/contents/${encoded}?ref=${sha}`,
      };
    });
  const body = {
    ...repositoryCommit(world, repository, sha),
    stats: { total: 0, additions: 0, deletions: 0 },
    files: changed,
  };
  return { status: 200, body };
}

function listCommits(call: RepositoryCall): Reply {
  if (isEmpty(call)) throw emptyRepository();
  const { world, repository } = call;
  const start = call.query.get("sha") ?? repository.defaultBranch;
  const sha = resolveCommit(call, start);
  if (sha === undefined) throw notFound();
  const path = call.query.get("path");
  const store = storeOf(world, repository);
  const at = (commit: string): string | undefined =>
    store.at(store.commit(commit)?.tree ?? "", path ?? "")?.sha;
  const all = store.history(sha, 10_000).filter((commit) => {
    if (path === null || path === "") return true;
    const parent = store.commit(commit)?.parents[0];
    return at(commit) !== (parent === undefined ? undefined : at(parent));
  });
  const { items, headers } = paginate(call, `/repositories/${repository.id}/commits`, all);
  return { status: 200, body: items.map((item) => repositoryCommit(world, repository, item)), headers };
}

function isProtected(call: RepositoryCall, branch: string): boolean {
  return call.world
    .rulesets(call.repository.id)
    .values()
    .some((ruleset) => {
      const names = (
        ruleset.conditions as { ref_name?: { include?: string[]; exclude?: string[] } } | undefined
      )?.ref_name;
      const ref = `refs/heads/${branch}`;
      const included =
        refMatches(call.repository, ref, names?.include ?? []) &&
        !refMatches(call.repository, ref, names?.exclude ?? []);
      return (
        ruleset.enforcement === "active" &&
        ruleset.target === "branch" &&
        ruleset.rules.length > 0 &&
        included
      );
    });
}

function branches(call: RepositoryCall): [string, string][] {
  return [...visibleRefs(call)]
    .filter(([name]) => name.startsWith("refs/heads/"))
    .map(([name, sha]) => [name.slice("refs/heads/".length), sha]);
}

const OPEN_PROTECTION = Object.freeze({
  enabled: false,
  required_status_checks: { enforcement_level: "off", contexts: [], checks: [] },
});

function listBranches(call: RepositoryCall): Reply {
  const { world, repository } = call;
  const wanted = call.query.get("protected");
  const url = `${world.publicUrl}/repos/${repository.owner}/${repository.name}`;
  const all = branches(call)
    .map(([name, sha]) => ({
      name,
      commit: { sha, url: `${url}/commits/${sha}` },
      protected: isProtected(call, name),
    }))
    .filter((branch) => wanted === null || String(branch.protected) === wanted);
  const { items, headers } = paginate(call, `/repositories/${repository.id}/branches`, all);
  return { status: 200, body: items, headers };
}

function getBranch(call: RepositoryCall): Reply {
  const { world, repository } = call;
  const name = call.parameters["branch"] ?? "";
  const sha = new Map(branches(call)).get(name);
  if (sha === undefined) throw failure(404, "Branch not found");
  const url = `${world.publicUrl}/repos/${repository.owner}/${repository.name}/branches/${name}`;
  return {
    status: 200,
    body: {
      name,
      commit: repositoryCommit(world, repository, sha),
      _links: { self: url, html: `${world.publicUrl}/${repository.owner}/${repository.name}/tree/${name}` },
      protected: isProtected(call, name),
      protection: OPEN_PROTECTION,
      protection_url: `${url}/protection`,
    },
  };
}

/** Commits and branches as the repository shows them. */
export const commitRoutes: readonly RepositoryRoute[] = [
  {
    scope: "repository",
    method: "GET",
    path: "/commits",
    requires: { contents: "read" },
    handler: listCommits,
  },
  {
    scope: "repository",
    method: "GET",
    path: "/commits/:ref{.+}",
    requires: { contents: "read" },
    handler: getCommit,
  },
  {
    scope: "repository",
    method: "GET",
    path: "/branches",
    requires: { contents: "read" },
    handler: listBranches,
  },
  {
    scope: "repository",
    method: "GET",
    path: "/branches/:branch{.+}",
    requires: { contents: "read" },
    handler: getBranch,
  },
];
