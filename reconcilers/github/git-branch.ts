/** A git branch that is made when it is missing and never moved. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { define } from "./define.ts";
import { readHead, requireHeads } from "./heads.ts";
import { placeIn, splitName } from "./repository-access.ts";
import type { GitBranchDesired, GitBranchObserved } from "./types.ts";
import { generationUnderWay } from "./generation.ts";

/** A branch: outputs `{sha}`. What it points to is its users' business. */
export const gitBranch = define<GitBranchDesired, GitBranchObserved>({
  provider: "github",
  type: "gitBranch",
  segment: "githubBranch",
  holds: "code",
  ownership: "inherited",
  keepsIdentity: "scope",
  fields: { name: "shallow" },
  reference: ({ repository, repositoryId, name }) => ({ ...placeIn(repository, repositoryId), name }),
  observe: async ({ scope, name }, context) => {
    const sha = await context.read({
      listing: scope.toLowerCase(),
      list: () => requireHeads(context, scope),
      find: (heads) => heads.get(name),
      single: () => readHead(context, scope, name),
    });
    if (sha === undefined) return { state: "absent" };
    return { state: "present", id: name, owner: "unmarked", observed: { sha }, depth: "deep" };
  },
  diff: () => [],
  create: async ({ repository, name, from, seeded }, context) => {
    const shown = await readHead(context, repository, from);
    // GitHub answers from several replicas: one that was seen to know the seeded files may be followed by one that does not.
    const sha = shown === seeded?.before ? seeded?.commit : shown;
    if (sha === undefined)
      throw new FlaresmithError({
        code: "SPEC_REFERENCE_MISSING",
        message: `the repository ${repository} has no branch ${from}, from which ${name} would be made`,
        hint: `Push the branch ${from}, or create ${name} yourself.`,
        context: { provider: "github", repository },
      });
    const { client, signal } = context;
    const what = `creating the branch ${name} of ${repository}`;
    const answer = await client.attempt({ what, signal, write: true, tolerate: [409, 422] }, (request) =>
      request("POST /repos/{owner}/{repo}/git/refs", {
        ...splitName(repository),
        ref: `refs/heads/${name}`,
        sha,
      }),
    );
    if (answer.ok) return { id: name, observed: { sha } };
    // Somebody was faster, or our own lost call made it: a branch that exists is what was wanted.
    const existing = await readHead(context, repository, name);
    if (existing !== undefined) return { id: name, observed: { sha: existing } };
    throw generationUnderWay(answer.failure, repository) ?? answer.error;
  },
  update: async ({ name }, observed) => ({ id: name, observed }),
  remove: async ({ scope, name }, context) => {
    const { client, signal } = context;
    const what = `deleting the branch ${name} of ${scope}`;
    const answer = await client.attempt({ what, signal, write: true, tolerate: [404, 409, 422] }, (request) =>
      request("DELETE /repos/{owner}/{repo}/git/refs/{ref}", { ...splitName(scope), ref: `heads/${name}` }),
    );
    if (answer.ok || (await readHead(context, scope, name)) === undefined) return;
    throw answer.error;
  },
  outputs: (_desired, { sha }) => ({ sha }),
});
