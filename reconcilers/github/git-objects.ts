/** Commits, trees and blobs of the git database by id, kept in a bounded cache because they can never change. */
import { createHash } from "node:crypto";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { invalidAnswer } from "./failures.ts";
import { requireVisible, splitName } from "./repository-access.ts";
import type { ReadContext } from "./repository-access.ts";

export interface GitTreeEntry {
  /** Relative to the tree; with `/` when the tree was read recursively. */
  path: string;
  /** `100644`, `100755`, `040000`, `120000` (symbolic link), `160000` (submodule). */
  mode: string;
  sha: string;
  /** Bytes, of blobs. */
  size: number;
}

export interface GitTree {
  entries: readonly GitTreeEntry[];
  /** GitHub cuts trees off at 100,000 entries or 7 MB. */
  truncated: boolean;
}

/** About what an entry takes beside its path. */
const ENTRY_BYTES = 160;

/**
 * Id of the tree of a commit.
 *
 * @throws FlaresmithError SPEC_REFERENCE_MISSING when the repository has no such commit
 */
export async function treeOfCommit(
  context: ReadContext,
  repository: string,
  commit: string,
): Promise<string> {
  const { client, signal } = context;
  // By repository too: that one repository has a commit says nothing about another.
  const key = `${repository}@${commit}`;
  const known = client.objects.commits.get(key);
  if (known !== undefined) return known;
  const answer = await client.attempt(
    { what: `reading the commit ${commit} of ${repository}`, signal, tolerate: [404, 409, 422] },
    (request) =>
      request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", {
        ...splitName(repository),
        commit_sha: commit,
      }),
  );
  if (answer.ok) {
    client.objects.commits.set(key, answer.data.tree.sha, ENTRY_BYTES + key.length);
    return answer.data.tree.sha;
  }
  await requireVisible(context, repository);
  throw new FlaresmithError({
    code: "SPEC_REFERENCE_MISSING",
    message: `the repository ${repository} has no commit ${commit}`,
    field: "spec.deploy.revision",
    hint: "Push the commit, or correct spec.deploy.revision.",
    context: { provider: "github" },
  });
}

/** @throws FlaresmithError INTEGRATION_NOT_FOUND when there is no such tree, which a tree that was just named has */
export async function readTree(
  context: ReadContext,
  repository: string,
  sha: string,
  recursive: boolean,
): Promise<GitTree> {
  const { client, signal } = context;
  const key = recursive ? `${sha}/**` : sha;
  const known = client.objects.trees.get(key);
  if (known) return known;
  const what = `reading the tree ${sha} of ${repository}`;
  const { data } = await client.call({ what, signal }, (request) =>
    request("GET /repos/{owner}/{repo}/git/trees/{tree_sha}", {
      ...splitName(repository),
      tree_sha: sha,
      ...(recursive ? { recursive: "1" } : {}),
    }),
  );
  if (!Array.isArray(data.tree)) throw invalidAnswer(what, "it holds no tree");
  const entries = data.tree.map(({ path, mode, sha: id, size }) => ({
    path: path ?? "",
    mode: mode ?? "",
    sha: id ?? "",
    size: Number(size ?? 0),
  }));
  const tree = { entries, truncated: data.truncated };
  const bytes = entries.reduce((sum, entry) => sum + ENTRY_BYTES + entry.path.length, ENTRY_BYTES);
  client.objects.trees.set(key, tree, bytes);
  return tree;
}

/** @throws FlaresmithError INTEGRATION_RESPONSE_INVALID when what came is not what the id stands for */
export async function readBlob(context: ReadContext, repository: string, sha: string): Promise<Uint8Array> {
  const { client, signal } = context;
  const known = client.objects.blobs.get(sha);
  if (known) return known;
  const what = `reading the blob ${sha} of ${repository}`;
  const { data } = await client.call({ what, signal }, (request) =>
    request("GET /repos/{owner}/{repo}/git/blobs/{file_sha}", { ...splitName(repository), file_sha: sha }),
  );
  const content = Buffer.from(data.content, data.encoding === "base64" ? "base64" : "utf8");
  const digest = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
  if (digest !== sha) throw invalidAnswer(what, "the content does not have that id");
  client.objects.blobs.set(sha, content, content.length);
  return content;
}
