/** Branches and where they point, one listing for all who ask about the same repository. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { LookupDefinition } from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";
import { requireVisible, splitName } from "./repository-access.ts";
import type { ReadContext } from "./repository-access.ts";
import type { RevisionInput, RevisionOutputs } from "./types.ts";

/** Branch name -> id of its newest commit. */
export type Heads = ReadonlyMap<string, string>;

const PREFIX = "refs/heads/";

function emptyYet(repository: string): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_BUSY",
    message: `the repository ${repository} has no content yet`,
    hint: "Work continues by itself when GitHub has generated the repository; push a first commit if it was created empty.",
    context: { provider: "github", repository },
  });
}

/**
 * All branches of a repository; undefined while it is empty.
 *
 * @throws FlaresmithError INTEGRATION_REPOSITORY_NOT_VISIBLE when the repository cannot be seen
 */
async function loadHeads(context: ReadContext, repository: string): Promise<Heads | undefined> {
  const { client, signal, fresh } = context;
  const heads = new Map<string, string>();
  for (let page = 1, more = true; more; page += 1) {
    const what = `listing the branches of ${repository}`;
    const answer = await client.attempt({ what, signal, fresh, tolerate: [404, 409] }, (request) =>
      request("GET /repos/{owner}/{repo}/git/matching-refs/{ref}", {
        ...splitName(repository),
        ref: "heads",
        ...(page > 1 ? { page } : {}),
      }),
    );
    if (!answer.ok) {
      if (answer.failure.status === 409) return undefined;
      await requireVisible(context, repository);
      throw answer.error;
    }
    for (const { ref, object } of answer.data)
      if (ref.startsWith(PREFIX)) heads.set(ref.slice(PREFIX.length), object.sha);
    more = /rel="next"/.test(answer.headers["link"] ?? "");
  }
  return heads;
}

/** Milliseconds: commits come often and asking is free where nothing moved (304), so heads are shared only briefly. */
const HEADS_AGE = 2_000;

/** The shared listing of `loadHeads`. */
export function sharedHeads(
  context: ReadContext,
  repository: string,
  maxAge = HEADS_AGE,
): Promise<Heads | undefined> {
  return context.shared(
    `heads:${repository.toLowerCase()}`,
    () => loadHeads(context, repository),
    context.fresh ? 0 : maxAge,
  );
}

/**
 * After a commit of our own: nobody is to deploy the one before. What cannot be read now is read by who needs it.
 * @returns the branches as they are shown now; undefined when they cannot be read
 */
export async function renewHeads(context: ReadContext, repository: string): Promise<Heads | undefined> {
  return sharedHeads(context, repository, 0).catch(() => undefined);
}

/** The shared listing, for those who need content. @throws FlaresmithError INTEGRATION_BUSY while it is empty */
export async function requireHeads(context: ReadContext, repository: string): Promise<Heads> {
  const heads = await sharedHeads(context, repository);
  if (heads === undefined) throw emptyYet(repository);
  return heads;
}

/**
 * One branch by itself, past the shared listing; undefined when it does not exist.
 *
 * @throws FlaresmithError INTEGRATION_BUSY while the repository is empty, INTEGRATION_REPOSITORY_NOT_VISIBLE when it
 * cannot be seen
 */
export async function readHead(
  context: ReadContext,
  repository: string,
  branch: string,
): Promise<string | undefined> {
  const { client, signal, fresh } = context;
  const what = `reading the branch ${branch} of ${repository}`;
  const answer = await client.attempt({ what, signal, fresh, tolerate: [404, 409] }, (request) =>
    request("GET /repos/{owner}/{repo}/git/ref/{ref}", { ...splitName(repository), ref: `heads/${branch}` }),
  );
  if (answer.ok) return answer.data.object.sha;
  if (answer.failure.status === 409) throw emptyYet(repository);
  await requireVisible(context, repository);
  return undefined;
}

/** Which commit a branch is at. */
export const revision: LookupDefinition<RevisionInput, GitHubClient> = Object.freeze({
  provider: "github",
  type: "revision",
  /** @throws FlaresmithError SPEC_REFERENCE_MISSING when there is no such branch */
  look: async ({ repository, branch }: RevisionInput, context: ReadContext): Promise<RevisionOutputs> => {
    const listed = context.fresh ? undefined : (await requireHeads(context, repository)).get(branch);
    // A listing may lag behind a branch that was just made; the branch by itself decides.
    const sha = listed ?? (await readHead(context, repository, branch));
    if (sha === undefined)
      throw new FlaresmithError({
        code: "SPEC_REFERENCE_MISSING",
        message: `the repository ${repository} has no branch ${branch}`,
        hint: "Push the branch, or name another one in the spec.",
        context: { provider: "github", repository },
      });
    return { sha };
  },
});
