import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { GitHubClient } from "./client.ts";
import type { EnvironmentData } from "./environment-observed.ts";
import { requireVisible, splitName } from "./repository-access.ts";
import type { ReadContext } from "./repository-access.ts";
import type { EnvironmentObserved } from "./types.ts";

/**
 * All environments of a repository. Empty also where the plan offers none: GitHub then answers 404 for a repository
 * that is there.
 *
 * @throws FlaresmithError INTEGRATION_REPOSITORY_NOT_VISIBLE when the repository cannot be seen
 */
export async function listEnvironments(context: ReadContext, repository: string): Promise<EnvironmentData[]> {
  const { client, signal, fresh } = context;
  const all: EnvironmentData[] = [];
  const what = `listing the environments of ${repository}`;
  for (let page = 1; ; page += 1) {
    const answer = await client.attempt({ what, signal, fresh, tolerate: [404] }, (request) =>
      request("GET /repos/{owner}/{repo}/environments", { ...splitName(repository), per_page: 100, page }),
    );
    if (!answer.ok) {
      await requireVisible(context, repository);
      return [];
    }
    all.push(...(answer.data.environments ?? []));
    if (/rel="next"/.test(answer.headers["link"] ?? "")) continue;
    if (all.length >= (answer.data.total_count ?? Number.POSITIVE_INFINITY)) return all;
    throw new FlaresmithError({
      code: "INTEGRATION_RESPONSE_INVALID",
      message: `GitHub's answer to ${what} broke off: ${all.length} of ${answer.data.total_count ?? "an unknown number of"} items came`,
      context: { provider: "github" },
    });
  }
}

/** One environment by itself; undefined when it does not exist in a repository that can be seen. */
export async function readEnvironment(
  context: ReadContext,
  repository: string,
  name: string,
): Promise<EnvironmentData | undefined> {
  const { client, signal, fresh } = context;
  const what = `reading the environment ${name} of ${repository}`;
  const answer = await client.attempt({ what, signal, fresh, tolerate: [404] }, (request) =>
    request("GET /repos/{owner}/{repo}/environments/{environment_name}", {
      ...splitName(repository),
      environment_name: name,
    }),
  );
  if (answer.ok) return answer.data;
  await requireVisible(context, repository);
  return undefined;
}

/** Custom branch patterns of an environment; those for tags are left out. None where another policy holds (404). */
export async function listPatterns(
  context: { client: GitHubClient; signal: AbortSignal; fresh?: boolean },
  repository: string,
  environment: string,
): Promise<NonNullable<EnvironmentObserved["patterns"]>[number][]> {
  const { client, signal, fresh = true } = context;
  const path = { ...splitName(repository), environment_name: environment };
  const policies = await client.list(
    { what: `listing the branch patterns of the environment ${environment} of ${repository}`, signal, fresh },
    (request, page) =>
      request("GET /repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies", {
        ...path,
        per_page: 100,
        page,
      }),
    (data) => data.branch_policies as readonly { id?: number | bigint; name?: string; type?: string }[],
  );
  return policies
    .filter((policy) => policy.type !== "tag")
    .map((policy) => ({ id: Number(policy.id ?? 0), name: policy.name ?? "" }));
}
