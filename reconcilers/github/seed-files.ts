/** Files put into a repository once, in one commit. What became of them since is nobody's business here. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { isMadeByUs } from "../engine/origin.ts";
import type { InventoryEntry, ResourceContext } from "../engine/resource.ts";
import type { GitHubClient, Refusal } from "./client.ts";
import { define } from "./define.ts";
import { generationUnderWay } from "./generation.ts";
import { treeOfCommit } from "./git-objects.ts";
import { readHead, renewHeads } from "./heads.ts";
import { requireVisible, splitName } from "./repository-access.ts";
import type { SeedFilesDesired, SeedFilesObserved } from "./types.ts";

type Context = ResourceContext<GitHubClient>;

/**
 * The newest commit of a path's history that is somebody's work; undefined when there is none. In a repository that we
 * made, the root is what GitHub itself put there (the generated README, the template's tree), and is nobody's; in any other
 * it may be all that somebody has.
 */
async function touchedBy(
  desired: SeedFilesDesired,
  path: string,
  context: Context,
): Promise<string | undefined> {
  const { client, signal, parentEntry } = context;
  const { repository, branch } = desired;
  const rootIsGitHubs = isMadeByUs(parentEntry);
  const { data } = await client.call(
    { what: `reading the history of ${path} in ${repository}`, signal },
    (request) =>
      request("GET /repos/{owner}/{repo}/commits", {
        ...splitName(repository),
        sha: branch,
        path,
        per_page: 2,
      }),
  );
  return data.find((commit) => !rootIsGitHubs || commit.parents.length > 0)?.sha;
}

/** Our own commit among the newest hundred of a branch, by the marker in its message. */
async function findCommit(repository: string, branch: string, context: Context): Promise<string | undefined> {
  const { client, signal, marker, fresh } = context;
  const what = `reading the history of the branch ${branch} of ${repository}`;
  const answer = await client.attempt({ what, signal, fresh, tolerate: [404, 409] }, (request) =>
    request("GET /repos/{owner}/{repo}/commits", { ...splitName(repository), sha: branch, per_page: 100 }),
  );
  if (answer.ok)
    return answer.data.find(
      ({ commit }) => marker.classify(/^Flaresmith: (\S+)$/m.exec(commit.message)?.[1]) === "ours",
    )?.sha;
  // An empty repository has no history; a missing branch is what `create` tells.
  if (answer.failure.status === 404) await requireVisible(context, repository);
  return undefined;
}

function refused(answer: Refusal, repository: string): Error {
  return generationUnderWay(answer.failure, repository) ?? answer.error;
}

async function commitOnce(
  desired: SeedFilesDesired,
  head: string,
  files: SeedFilesDesired["files"],
  context: Context,
): Promise<string> {
  const { client, signal, marker } = context;
  const { repository, branch } = desired;
  const path = splitName(repository);
  const call = {
    what: `seeding files into the branch ${branch} of ${repository}`,
    signal,
    write: true,
    tolerate: [409, 422],
    field: "spec.github.files",
  };
  const base = await treeOfCommit(context, repository, head);
  const tree = await client.attempt(call, (request) =>
    request("POST /repos/{owner}/{repo}/git/trees", {
      ...path,
      base_tree: base,
      tree: files.map((file) => ({ path: file.path, mode: "100644", type: "blob", content: file.content })),
    }),
  );
  if (!tree.ok) throw refused(tree, repository);
  if (tree.data.sha === base) return head;
  const names = files.map((file) => file.path).toSorted();
  const message = `Add ${names.length === 1 ? names[0] : `${names.length} files`}\n\nFlaresmith: ${marker.text}`;
  const commit = await client.attempt(call, (request) =>
    request("POST /repos/{owner}/{repo}/git/commits", {
      ...path,
      message,
      tree: tree.data.sha,
      parents: [head],
    }),
  );
  if (!commit.ok) throw refused(commit, repository);
  // Without force this is compare-and-swap: a commit that came in between is never lost.
  const moved = await client.attempt(call, (request) =>
    request("PATCH /repos/{owner}/{repo}/git/refs/{ref}", {
      ...path,
      ref: `heads/${branch}`,
      sha: commit.data.sha,
      force: false,
    }),
  );
  if (moved.ok) return commit.data.sha;
  if (!/fast.forward/i.test(moved.failure.message)) throw refused(moved, repository);
  throw new FlaresmithError({
    code: "INTEGRATION_CONFLICT",
    message: `the branch ${branch} of ${repository} moved while files were seeded into it`,
    context: { provider: "github" },
  });
}

/** Stands in the inventory with the commit before ours, which GitHub may show again and again for a while. */
const BEFORE = "before";

/** What the inventory remembers of seeding: the commit before, and ours. */
export function seededFrom(
  entry: InventoryEntry | undefined,
): { before: string; commit: string } | undefined {
  const before = entry?.data?.[BEFORE];
  return before === undefined || entry?.id === undefined ? undefined : { before, commit: entry.id };
}

/** What waits for the seeded files, such as an environment's branch, must not be made from the commit before them. */
const HIDDEN = "GitHub does not show the commit yet";

/**
 * Known by the commit that the inventory remembers, or by the marker in its message. Without either, `create` looks at
 * each path's history first and leaves every path alone that somebody already committed, so that repeating it is
 * harmless. Removal leaves the files.
 */
export const seedFiles = define<SeedFilesDesired, SeedFilesObserved>({
  provider: "github",
  type: "seedFiles",
  segment: "githubSeedFiles",
  holds: "nothing",
  ownership: "inherited",
  content: true,
  // Compared with nothing: they are written once.
  fields: { files: "write-only" },
  reference: ({ repository, branch }) => ({ scope: repository, name: branch }),
  observe: async ({ scope, name, id }, context) => {
    const commit = id ?? (await findCommit(scope, name, context));
    if (commit === undefined) return { state: "absent" };
    const before = context.entry?.state === "pending" ? context.entry.data?.[BEFORE] : undefined;
    const hidden = before !== undefined && (await readHead(context, scope, name)) === before;
    return {
      state: "present",
      id: commit,
      name,
      owner: id === undefined ? "ours" : "unmarked",
      observed: { commit },
      depth: "deep",
      ...(hidden ? { pending: HIDDEN } : {}),
    };
  },
  diff: () => [],
  create: async (desired, context) => {
    const { repository, branch, files } = desired;
    const head = await readHead(context, repository, branch);
    if (head === undefined)
      throw new FlaresmithError({
        code: "SPEC_REFERENCE_MISSING",
        message: `the repository ${repository} has no branch ${branch} to put files into`,
        field: "spec.github.files",
        hint: `Push the branch ${branch}, or correct spec.github.defaultBranch.`,
        context: { provider: "github" },
      });
    const histories: { file: SeedFilesDesired["files"][number]; commit: string | undefined }[] = [];
    for (const file of files) histories.push({ file, commit: await touchedBy(desired, file.path, context) });
    const untouched = histories.filter(({ commit }) => commit === undefined).map(({ file }) => file);
    const commit =
      untouched.length === 0
        ? (histories[0]?.commit ?? head)
        : await commitOnce(desired, head, untouched, context);
    if (commit === head) return { id: commit, name: branch, observed: { commit } };
    const result = { id: commit, name: branch, observed: { commit }, data: { [BEFORE]: head } };
    const shown = (await renewHeads(context, repository))?.get(branch);
    // When it cannot be told what GitHub shows, it may be the commit before.
    if (shown !== undefined && shown !== head) return result;
    return { ...result, pending: HIDDEN };
  },
  update: async ({ branch }, observed) => ({ id: observed.commit, name: branch, observed }),
  remove: async () => undefined,
  outputs: (_desired, { commit }) => ({ commit }),
});
