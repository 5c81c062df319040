/** Writing a deployment environment: reviewers by id, one full PUT, then only the patterns that differ. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ResourceContext } from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";
import { environmentObserved } from "./environment-observed.ts";
import { listPatterns } from "./environment-read.ts";
import { requireVisible, splitName } from "./repository-access.ts";
import type { EnvironmentDesired, EnvironmentObserved, ObservedReviewer, Reviewer } from "./types.ts";

type Context = ResourceContext<GitHubClient>;

const HOUR = 3_600_000;

/** Which branches may deploy, as one word; undefined when not managed. */
export function desiredPolicy(desired: EnvironmentDesired): EnvironmentObserved["branchPolicy"] | undefined {
  const { branchPolicies } = desired;
  if (!branchPolicies) return undefined;
  if (branchPolicies.protectedBranches === true) return "protected";
  return branchPolicies.patterns === undefined ? "all" : "custom";
}

function reviewerMissing(what: string, environment: string): FlaresmithError {
  return new FlaresmithError({
    code: "SPEC_REFERENCE_MISSING",
    message: `${what}, named as a reviewer of the environment ${environment}, does not exist or cannot be seen`,
    field: "spec.github.reviewers",
    hint: "Correct the name; for teams the credentials need the permission members: read.",
    context: { provider: "github" },
  });
}

async function resolveReviewer(
  reviewer: Reviewer,
  desired: EnvironmentDesired,
  context: Context,
): Promise<ObservedReviewer> {
  const { client, signal } = context;
  const { owner } = splitName(desired.repository);
  const { user, team } = reviewer;
  if (team !== undefined) {
    const load = async (): Promise<ObservedReviewer> => {
      const what = `looking up the team ${team} of ${owner}`;
      const answer = await client.attempt({ what, signal, tolerate: [404] }, (request) =>
        request("GET /orgs/{org}/teams/{team_slug}", { org: owner, team_slug: team }),
      );
      if (!answer.ok) throw reviewerMissing(`the team ${team} of ${owner}`, desired.name);
      return { type: "Team", id: Number(answer.data.id), name: answer.data.slug };
    };
    return context.shared(`team:${owner}/${team}`.toLowerCase(), load, HOUR);
  }
  const load = async (): Promise<ObservedReviewer> => {
    const answer = await client.attempt(
      { what: `looking up the user ${user}`, signal, tolerate: [404] },
      (request) => request("GET /users/{username}", { username: user ?? "" }),
    );
    if (!answer.ok) throw reviewerMissing(`the user ${user}`, desired.name);
    return { type: "User", id: Number(answer.data.id), name: answer.data.login };
  };
  return context.shared(`user:${user}`.toLowerCase(), load, HOUR);
}

/** The text by which reviewers are compared. */
export const reviewerKey = ({ type, name }: { type: "User" | "Team"; name: string }): string =>
  `${type === "Team" ? "team" : "user"} ${name.toLowerCase()}`;
export const desiredReviewerKey = ({ user, team }: Reviewer): string =>
  team === undefined ? `user ${user?.toLowerCase()}` : `team ${team.toLowerCase()}`;

async function resolveReviewers(
  desired: EnvironmentDesired,
  observed: EnvironmentObserved | undefined,
  context: Context,
): Promise<readonly ObservedReviewer[]> {
  if (!desired.reviewers) return observed?.reviewers ?? [];
  const known = new Map((observed?.reviewers ?? []).map((reviewer) => [reviewerKey(reviewer), reviewer]));
  return Promise.all(
    desired.reviewers.map(
      async (reviewer) =>
        known.get(desiredReviewerKey(reviewer)) ?? (await resolveReviewer(reviewer, desired, context)),
    ),
  );
}

/** The plan does not offer environments here: GitHub answers 404 although the repository is there. */
function noEnvironments(repository: string): FlaresmithError {
  return new FlaresmithError({
    code: "INTEGRATION_UNSUPPORTED_BY_PLAN",
    message: `GitHub offers no deployment environments for the repository ${repository}`,
    hint: "Private repositories need a paid plan for them, and the credentials the permission administration: write: take spec.github and every to: GitHub in spec.secrets from the Environment, make the repository public, or change plan or permission.",
    context: { provider: "github" },
  });
}

/** Adds and removes branch patterns until they are those that are desired. @returns the environment with its patterns */
export async function writePatterns(
  desired: EnvironmentDesired,
  environment: EnvironmentObserved,
  context: Context,
): Promise<EnvironmentObserved> {
  const { client, signal } = context;
  const wanted = desired.branchPolicies?.patterns;
  if (wanted === undefined || environment.branchPolicy !== "custom") return environment;
  const path = { ...splitName(desired.repository), environment_name: environment.name };
  const existing = await listPatterns(context, desired.repository, environment.name);
  const patterns = existing.filter((pattern) => wanted.includes(pattern.name));
  for (const name of wanted) {
    if (existing.some((pattern) => pattern.name === name)) continue;
    const what = `adding the branch pattern ${name} to the environment ${environment.name} of ${desired.repository}`;
    // 303 without a body says that it exists already.
    const answer = await client.attempt({ what, signal, write: true, tolerate: [303] }, (request) =>
      request("POST /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies", {
        ...path,
        name,
        type: "branch",
      }),
    );
    patterns.push({ id: answer.ok ? Number(answer.data.id ?? 0) : 0, name });
  }
  for (const { id, name } of existing) {
    if (wanted.includes(name)) continue;
    const what = `removing the branch pattern ${name} from the environment ${environment.name} of ${desired.repository}`;
    await client.attempt({ what, signal, write: true, tolerate: [404] }, (request) =>
      request(
        "DELETE /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies/{branch_policy_id}",
        { ...path, branch_policy_id: id },
      ),
    );
  }
  return { ...environment, patterns };
}

/**
 * Creates the environment, or makes the existing one what is desired, all but its branch patterns; what is not managed
 * keeps its value. Protections that are off are left out of the call, because plans without them refuse even their defaults.
 *
 * @throws FlaresmithError SPEC_INVALID for `preventSelfReview` without reviewers, SPEC_REFERENCE_MISSING for a reviewer
 * who does not exist, INTEGRATION_UNSUPPORTED_BY_PLAN for what the plan of the owner does not offer
 */
export async function writeEnvironment(
  desired: EnvironmentDesired,
  observed: EnvironmentObserved | undefined,
  context: Context,
): Promise<EnvironmentObserved> {
  const { client, signal } = context;
  const { repository, name } = desired;
  const reviewers = await resolveReviewers(desired, observed, context);
  if (desired.preventSelfReview === true && reviewers.length === 0)
    throw new FlaresmithError({
      code: "SPEC_INVALID",
      message: `preventSelfReview of the environment ${name} does nothing without reviewers`,
      field: "spec.github.preventSelfReview",
      hint: "Name reviewers in spec.github.reviewers, or remove preventSelfReview.",
    });
  const waitTimer = desired.waitTimer ?? observed?.waitTimer ?? 0;
  const selfReview = desired.preventSelfReview ?? observed?.preventSelfReview ?? false;
  const policy = desiredPolicy(desired) ?? observed?.branchPolicy ?? "all";
  const body = {
    ...(waitTimer > 0 || (observed?.waitTimer ?? 0) > 0 ? { wait_timer: waitTimer } : {}),
    ...(reviewers.length > 0 || (observed?.reviewers.length ?? 0) > 0
      ? {
          reviewers: reviewers.map(({ type, id }) => ({ type, id })),
          prevent_self_review: selfReview && reviewers.length > 0,
        }
      : {}),
    ...(observed?.canAdminsBypass === false ? { can_admins_bypass: false } : {}),
    deployment_branch_policy:
      policy === "all"
        ? null
        : { protected_branches: policy === "protected", custom_branch_policies: policy === "custom" },
  };
  const what = `${observed ? "changing" : "creating"} the environment ${name} of ${repository}`;
  const answer = await client.attempt(
    { what, signal, write: true, tolerate: [404], field: "spec.github" },
    (request) =>
      request("PUT /repos/{owner}/{repo}/environments/{environment_name}", {
        ...splitName(repository),
        environment_name: observed?.name ?? name,
        ...body,
      }),
  );
  if (!answer.ok) {
    await requireVisible(context, repository);
    throw noEnvironments(repository);
  }
  return environmentObserved(answer.data, observed?.patterns);
}
