/** An Environment at GitHub: its git branch, the commit to deploy, its deployment environment with variables and secrets. */
import type { GraphNode } from "./engine/graph.ts";
import { input, resource } from "./engine/graph.ts";
import {
  REPOSITORY,
  fixedRevisionNode,
  repositoryNode,
  revisionNode,
  secretValuesFor,
} from "./deployment.ts";
import type { Connected, PlannedSecret } from "./deployment.ts";
import type { GitHubClient } from "./github/client.ts";
import { GITHUB_ENVIRONMENT, githubEnvironmentName, rivalOf } from "./environment-rivals.ts";
import {
  environment as githubEnvironment,
  gitBranch,
  secrets as githubSecrets,
  seededFrom,
  variables as githubVariables,
} from "./github/index.ts";
import { entryOf } from "./names.ts";
import type { EnvironmentObject } from "./objects.ts";
import type { Place } from "./place.ts";
import { ownsRepository } from "./project.ts";

/** @param secrets those that go to GitHub make a deployment environment even where the spec has no `github` block */
export function githubPart(
  place: Place<EnvironmentObject>,
  connection: Connected<GitHubClient>,
  secrets: readonly PlannedSecret[],
): GraphNode[] {
  const { keyOf, object, options, project } = place;
  const { deploy, github } = object.spec;
  const ours = ownsRepository(project);
  const nodes: GraphNode[] = [repositoryNode(project, connection)];
  const common = { connection, needs: [REPOSITORY] };
  if (deploy?.branch !== undefined) {
    const name = deploy.branch;
    const seeded = seededFrom(entryOf(project, "githubFiles"));
    nodes.push(
      resource({
        ...common,
        slot: "gitBranch",
        definition: gitBranch,
        key: keyOf(gitBranch.segment),
        // A branch that exists is only read, whoever's repository it is in; what no intent made is never deleted.
        parent: { ours: true },
        removal: object.spec.deletionPolicy,
        desired: (inputs) => ({
          repository: input<string>(inputs, REPOSITORY, "fullName"),
          repositoryId: input<number>(inputs, REPOSITORY, "id"),
          name,
          from: input<string>(inputs, REPOSITORY, "defaultBranch"),
          ...(seeded === undefined ? {} : { seeded }),
        }),
      }),
      revisionNode(connection, name, ["gitBranch"]),
    );
  }
  if (deploy?.revision !== undefined) nodes.push(fixedRevisionNode(connection, deploy.revision));
  const toGitHub = secrets.filter((secret) => secret.to.includes("GitHub"));
  if (!github && toGitHub.length === 0) return nodes;
  const name = githubEnvironmentName(object);
  const at = (inputs: Parameters<typeof input>[0]): { repository: string; environment: string } => ({
    repository: input<string>(inputs, REPOSITORY, "fullName"),
    environment: name,
  });
  nodes.push(
    resource({
      ...common,
      slot: GITHUB_ENVIRONMENT,
      definition: githubEnvironment,
      key: keyOf(githubEnvironment.segment),
      parent: { ours },
      removal: "Delete",
      desired: (inputs) => {
        const rival = rivalOf(object, project, options.reader);
        if (rival !== undefined) throw rival;
        return {
          repository: input<string>(inputs, REPOSITORY, "fullName"),
          repositoryId: input<number>(inputs, REPOSITORY, "id"),
          name,
          reviewers: github?.reviewers,
          waitTimer: github?.waitTimer,
          preventSelfReview: github?.preventSelfReview,
          branchPolicies: github?.branchPolicies,
        };
      },
    }),
  );
  const child = { connection, parent: { slot: GITHUB_ENVIRONMENT }, removal: "Delete" as const };
  const declared = github?.variables;
  if (declared) {
    const values = Object.fromEntries(declared.map((one) => [one.name, one.value] as const));
    nodes.push(
      resource({
        ...child,
        slot: "githubVariables",
        definition: githubVariables,
        key: keyOf(githubVariables.segment),
        needs: [REPOSITORY],
        desired: (inputs) => ({ ...at(inputs), values }),
      }),
    );
  }
  if (toGitHub.length > 0) {
    nodes.push(
      resource({
        ...child,
        slot: "githubSecrets",
        definition: githubSecrets,
        key: keyOf(githubSecrets.segment),
        needs: [REPOSITORY, ...toGitHub.flatMap((secret) => secret.needs)],
        desired: (inputs) => ({ ...at(inputs), values: secretValuesFor(secrets, "GitHub", inputs) }),
      }),
    );
  }
  return nodes;
}
