/** A deployment environment with its protections. */
import { errorText } from "../../controller/runtime/errors.ts";
import type { FieldChange } from "../engine/resource.ts";
import { collectChanges, sortedText } from "./changes.ts";
import { define } from "./define.ts";
import { environmentObserved } from "./environment-observed.ts";
import { listEnvironments, listPatterns, readEnvironment } from "./environment-read.ts";
import {
  desiredPolicy,
  desiredReviewerKey,
  reviewerKey,
  writeEnvironment,
  writePatterns,
} from "./environment-write.ts";
import { placeIn, requireVisible, splitName } from "./repository-access.ts";
import type { EnvironmentDesired, EnvironmentObserved } from "./types.ts";

function diff(desired: EnvironmentDesired, observed: EnvironmentObserved): FieldChange[] {
  return collectChanges((compare) => {
    compare(
      "reviewers",
      desired.reviewers && sortedText(desired.reviewers.map(desiredReviewerKey)),
      sortedText(observed.reviewers.map(reviewerKey)),
    );
    compare("waitTimer", desired.waitTimer, observed.waitTimer);
    compare("preventSelfReview", desired.preventSelfReview, observed.preventSelfReview);
    const policy = desiredPolicy(desired);
    if (policy === undefined) return;
    compare(
      "branchPolicies.protectedBranches",
      policy === "protected",
      observed.branchPolicy === "protected",
    );
    const patterns = desired.branchPolicies?.patterns;
    if (policy === "custom" && patterns) {
      const found =
        observed.branchPolicy === "custom"
          ? observed.patterns && sortedText(observed.patterns.map(({ name }) => name))
          : "any branch";
      compare("branchPolicies.patterns", sortedText(patterns), found);
    } else if (policy === "all" && observed.branchPolicy === "custom")
      compare("branchPolicies.patterns", "any branch", "patterns");
  });
}

/** GitHub tells names of environments apart without case; one listing shows all of a repository but their patterns. */
export const environment = define<EnvironmentDesired, EnvironmentObserved>({
  provider: "github",
  type: "environment",
  segment: "githubEnvironment",
  holds: "nothing",
  ownership: "inherited",
  keepsIdentity: "scope",
  sameName: (one, other) => one.toLowerCase() === other.toLowerCase(),
  fields: {
    name: "shallow",
    reviewers: "shallow",
    waitTimer: "shallow",
    preventSelfReview: "shallow",
    "branchPolicies.protectedBranches": "shallow",
    "branchPolicies.patterns": "deep",
  },
  reference: ({ repository, repositoryId, name }) => ({ ...placeIn(repository, repositoryId), name }),
  observe: async ({ scope, name }, context) => {
    const data = await context.read({
      listing: scope.toLowerCase(),
      list: () => listEnvironments(context, scope),
      find: (environments) => environments.find((item) => item.name.toLowerCase() === name.toLowerCase()),
      single: () => readEnvironment(context, scope, name),
    });
    if (!data) return { state: "absent" };
    const deep = context.depth === "deep" || context.fresh;
    const custom = data.deployment_branch_policy?.custom_branch_policies === true;
    const patterns = deep && custom ? await listPatterns(context, scope, data.name) : undefined;
    return {
      state: "present",
      id: String(data.id),
      name: data.name,
      owner: "unmarked",
      observed: environmentObserved(data, patterns),
      depth: deep ? "deep" : "shallow",
    };
  },
  diff,
  create: async (desired, context) => {
    const made = await writeEnvironment(desired, undefined, context);
    const written = { id: String(made.id), name: made.name };
    // It exists now, whatever becomes of its patterns: what fails there must not look like a create that failed.
    return writePatterns(desired, made, context).then(
      (observed) => ({ ...written, observed }),
      (thrown: unknown) => ({ ...written, pending: `its branch patterns: ${errorText(thrown)}` }),
    );
  },
  update: async (desired, observed, _changes, context) => {
    const next = await writePatterns(desired, await writeEnvironment(desired, observed, context), context);
    return { id: String(next.id), name: next.name, observed: next };
  },
  remove: async ({ scope, name }, context) => {
    const { client, signal } = context;
    const what = `deleting the environment ${name} of ${scope}`;
    const answer = await client.attempt({ what, signal, write: true, tolerate: [404] }, (request) =>
      request("DELETE /repos/{owner}/{repo}/environments/{environment_name}", {
        ...splitName(scope),
        environment_name: name,
      }),
    );
    if (!answer.ok) await requireVisible(context, scope);
  },
  outputs: (_desired, { id, name }) => ({ id, name }),
});
