import { storeOf } from "./git-store.ts";
import type { Signature } from "./git-object.ts";
import type { RepositoryRecord } from "./records.ts";
import { nodeId } from "./represent.ts";
import { isoTime, type World } from "./world.ts";

function person(signature: Signature): Record<string, string> {
  return { name: signature.name, email: signature.email, date: isoTime(signature.seconds * 1000) };
}

const UNSIGNED = Object.freeze({
  verified: false,
  reason: "unsigned",
  signature: null,
  payload: null,
  verified_at: null,
});

/** A commit of the git database (schema `git-commit`); undefined when there is none of that id. */
export function gitCommit(
  world: World,
  record: RepositoryRecord,
  sha: string,
): Record<string, unknown> | undefined {
  const commit = storeOf(world, record).commit(sha);
  if (!commit) return undefined;
  const url = `${world.publicUrl}/repos/${record.owner}/${record.name}/git`;
  const html = `${world.publicUrl}/${record.owner}/${record.name}/commit`;
  return {
    sha,
    node_id: nodeId("Commit", `${record.id}:${sha}`),
    url: `${url}/commits/${sha}`,
    html_url: `${html}/${sha}`,
    author: person(commit.author),
    committer: person(commit.committer),
    tree: { sha: commit.tree, url: `${url}/trees/${commit.tree}` },
    message: commit.message,
    parents: commit.parents.map((parent) => ({
      sha: parent,
      url: `${url}/commits/${parent}`,
      html_url: `${html}/${parent}`,
    })),
    verification: UNSIGNED,
  };
}

/** A commit with its place in the repository (schema `commit`). */
export function repositoryCommit(
  world: World,
  record: RepositoryRecord,
  sha: string,
): Record<string, unknown> | undefined {
  const commit = gitCommit(world, record, sha);
  if (!commit) return undefined;
  const url = `${world.publicUrl}/repos/${record.owner}/${record.name}/commits`;
  const { author, committer, message, tree, verification, parents, node_id, html_url } = commit;
  return {
    sha,
    node_id,
    commit: {
      author,
      committer,
      message,
      tree,
      url: commit["url"],
      comment_count: 0,
      verification,
    },
    url: `${url}/${sha}`,
    html_url,
    comments_url: `${url}/${sha}/comments`,
    author: null,
    committer: null,
    parents: (parents as { sha: string; html_url: string }[]).map((parent) => ({
      ...parent,
      url: `${url}/${parent.sha}`,
    })),
  };
}
