import type { RepositoryCall, RepositoryRoute } from "../call.ts";
import { ApiFailure, failure, invalid, notFound, type Reply } from "../failure.ts";
import { paginate, text } from "../page.ts";
import type { BranchPolicyRecord, EnvironmentRecord, RepositoryRecord, ReviewerRecord } from "../records.ts";
import { accountOf, environment, nodeId } from "../represent.ts";
import { removeEnvironment, type World } from "../world.ts";

const LONGEST_NAME = 255;
const MOST_REVIEWERS = 6;
const LONGEST_WAIT = 43_200;

/** Private repositories of a free account have no environments; every call answers 404 (google/go-github PR 2611). */
function requirePlan(call: RepositoryCall): void {
  const { world, repository } = call;
  if (repository.visibility !== "public" && accountOf(world, repository.owner).plan === "free")
    throw notFound();
}

/** The environment a path names, whatever its case. @throws ApiFailure 404 */
export function environmentOf(call: RepositoryCall): EnvironmentRecord {
  requirePlan(call);
  const collection = call.world.environments(call.repository.id);
  const key = (call.parameters["environment_name"] ?? "").toLowerCase();
  const item = call.method === "GET" ? collection.get(key) : collection.latest(key);
  if (!item) throw notFound();
  return item;
}

function reviewersIn(world: World, repository: RepositoryRecord, value: unknown): ReviewerRecord[] {
  const reviewers = ((value ?? []) as ReviewerRecord[]).map(({ type, id }) => ({ type, id }));
  if (reviewers.length > MOST_REVIEWERS)
    throw invalid({
      resource: "Environment",
      code: "custom",
      field: "reviewers",
      message: `No more than ${MOST_REVIEWERS} reviewers are allowed`,
    });
  for (const { type, id } of reviewers) {
    const known =
      type === "Team"
        ? world.teams
            .values()
            .some(
              (item) => item.id === id && item.organization.toLowerCase() === repository.owner.toLowerCase(),
            )
        : world.accounts.values().some((item) => item.id === id && item.type === "User");
    if (!known)
      throw invalid({
        resource: "Environment",
        code: "invalid",
        field: "reviewers",
        message: `${type} ${id} cannot be a reviewer: not found or no read access to the repository`,
      });
  }
  return reviewers;
}

const PROTECTIONS = ["wait_timer", "reviewers", "prevent_self_review"];

function put(call: RepositoryCall): Reply {
  requirePlan(call);
  const { world, body, repository } = call;
  const name = call.parameters["environment_name"] ?? "";
  if (name === "" || name.length > LONGEST_NAME || /[\p{Cc}'"`,;\\]/u.test(name))
    throw invalid({ resource: "Environment", code: "invalid", field: "name" });
  const { plan } = accountOf(world, repository.owner);
  // The fields are refused where they are present at all, defaults included (alchemy-run/alchemy PR 1373).
  if (
    repository.visibility !== "public" &&
    plan !== "enterprise" &&
    PROTECTIONS.some((field) => body[field] !== undefined && body[field] !== null)
  )
    throw failure(
      422,
      "Failed to create the environment protection rule. Please ensure the billing plan supports the required reviewers protection rule.",
    );
  const policy = body["deployment_branch_policy"] as EnvironmentRecord["branchPolicy"] | undefined;
  if (policy && policy.protected_branches === policy.custom_branch_policies)
    throw failure(
      422,
      "The deployment branch policy cannot have the same value for protected_branches and custom_branch_policies.",
    );
  const wait = body["wait_timer"] as number | null | undefined;
  if (typeof wait === "number" && (wait < 0 || wait > LONGEST_WAIT))
    throw invalid({
      resource: "Environment",
      code: "invalid",
      field: "wait_timer",
      message: `Wait timer must be between 0 and ${LONGEST_WAIT} minutes`,
    });
  const environments = world.environments(repository.id);
  const known = environments.latest(name.toLowerCase());
  const reviewers =
    body["reviewers"] === undefined ? known?.reviewers : reviewersIn(world, repository, body["reviewers"]);
  const now = world.now();
  const item: EnvironmentRecord = {
    id: known?.id ?? world.nextId(),
    name: known?.name ?? name,
    waitTimer: wait ?? known?.waitTimer ?? 0,
    waitTimerRuleId: known?.waitTimerRuleId ?? world.nextId(),
    reviewersRuleId: known?.reviewersRuleId ?? world.nextId(),
    branchPolicyRuleId: known?.branchPolicyRuleId ?? world.nextId(),
    preventSelfReview:
      (body["prevent_self_review"] as boolean | null | undefined) ?? known?.preventSelfReview ?? false,
    reviewers: reviewers ?? [],
    branchPolicy: policy === undefined ? (known?.branchPolicy ?? null) : policy,
    canAdminsBypass: (body["can_admins_bypass"] as boolean | undefined) ?? known?.canAdminsBypass ?? true,
    createdAt: known?.createdAt ?? now,
    updatedAt: known?.updatedAt ?? now,
  };
  if (JSON.stringify(known) !== JSON.stringify(item)) {
    environments.set(name.toLowerCase(), { ...item, updatedAt: now });
    // Custom patterns mean nothing under another policy and go with it.
    if (known?.branchPolicy?.custom_branch_policies && !item.branchPolicy?.custom_branch_policies)
      world.branchPolicies(item.id).clear();
  }
  return { status: 200, body: environment(world, repository, { ...item, updatedAt: now }) };
}

function list(call: RepositoryCall): Reply {
  requirePlan(call);
  const { world, repository } = call;
  const all = world.environments(repository.id).values();
  const { items, headers } = paginate(call, `/repositories/${repository.id}/environments`, all);
  const environments = items.map((item) => environment(world, repository, item));
  return { status: 200, body: { total_count: all.length, environments }, headers };
}

function policyView(item: BranchPolicyRecord): Record<string, unknown> {
  return { id: item.id, node_id: nodeId("GateBranchPolicy", item.id), name: item.name, type: item.type };
}

/** Patterns exist only where `custom_branch_policies` is true; elsewhere the endpoints answer 404 (safe-settings #746). */
function customEnvironment(call: RepositoryCall): EnvironmentRecord {
  const item = environmentOf(call);
  if (!item.branchPolicy?.custom_branch_policies) throw notFound();
  return item;
}

function policyOf(call: RepositoryCall): { item: BranchPolicyRecord; environmentId: number } {
  const { id } = customEnvironment(call);
  const policies = call.world.branchPolicies(id);
  const key = call.parameters["branch_policy_id"] ?? "";
  const item = call.method === "GET" ? policies.get(key) : policies.latest(key);
  if (!item) throw notFound();
  return { item, environmentId: id };
}

function listPolicies(call: RepositoryCall): Reply {
  const { world, repository } = call;
  const item = customEnvironment(call);
  const all = world.branchPolicies(item.id).values();
  const base = `/repositories/${repository.id}/environments/${encodeURIComponent(item.name)}/deployment-branch-policies`;
  const { items, headers } = paginate(call, base, all);
  return { status: 200, body: { total_count: all.length, branch_policies: items.map(policyView) }, headers };
}

function createPolicy(call: RepositoryCall): Reply {
  const { world, body } = call;
  const item = customEnvironment(call);
  const policies = world.branchPolicies(item.id);
  const name = text(body, "name");
  if (name.trim() === "")
    throw invalid({ resource: "DeploymentBranchPolicy", code: "missing_field", field: "name" });
  const type = (body["type"] as BranchPolicyRecord["type"] | undefined) ?? "branch";
  // A duplicate is no error: 303 without a body (OpenAPI; Octokit takes it for a success).
  if (policies.latestValues().some((policy) => policy.name === name && policy.type === type))
    throw new ApiFailure({ status: 303 });
  const policy: BranchPolicyRecord = { id: world.nextId(), name, type };
  policies.set(String(policy.id), policy);
  return { status: 200, body: policyView(policy) };
}

const ENVIRONMENT = "/environments/:environment_name";
const POLICIES = `${ENVIRONMENT}/deployment-branch-policies`;

/** Deployment environments and their branch patterns. */
export const environmentRoutes: readonly RepositoryRoute[] = [
  {
    scope: "repository",
    method: "GET",
    path: "/environments",
    requires: { actions: "read" },
    settled: true,
    handler: list,
  },
  {
    scope: "repository",
    method: "GET",
    path: ENVIRONMENT,
    requires: { actions: "read" },
    settled: true,
    handler: (call) => ({ status: 200, body: environment(call.world, call.repository, environmentOf(call)) }),
  },
  {
    scope: "repository",
    method: "PUT",
    path: ENVIRONMENT,
    requires: { administration: "write" },
    settled: true,
    handler: put,
  },
  {
    scope: "repository",
    method: "DELETE",
    path: ENVIRONMENT,
    requires: { administration: "write" },
    settled: true,
    handler: (call) => {
      removeEnvironment(call.world, call.repository.id, environmentOf(call));
      return { status: 204 };
    },
  },
  {
    scope: "repository",
    method: "GET",
    path: POLICIES,
    requires: { actions: "read" },
    settled: true,
    handler: listPolicies,
  },
  {
    scope: "repository",
    method: "POST",
    path: POLICIES,
    requires: { administration: "write" },
    settled: true,
    handler: createPolicy,
  },
  {
    scope: "repository",
    method: "GET",
    path: `${POLICIES}/:branch_policy_id`,
    requires: { actions: "read" },
    settled: true,
    handler: (call) => ({ status: 200, body: policyView(policyOf(call).item) }),
  },
  {
    scope: "repository",
    method: "PUT",
    path: `${POLICIES}/:branch_policy_id`,
    requires: { administration: "write" },
    settled: true,
    handler: (call) => {
      const { item, environmentId } = policyOf(call);
      const next = { ...item, name: text(call.body, "name") };
      if (next.name !== item.name) call.world.branchPolicies(environmentId).set(String(item.id), next);
      return { status: 200, body: policyView(next) };
    },
  },
  {
    scope: "repository",
    method: "DELETE",
    path: `${POLICIES}/:branch_policy_id`,
    requires: { administration: "write" },
    settled: true,
    handler: (call) => {
      const { item, environmentId } = policyOf(call);
      call.world.branchPolicies(environmentId).delete(String(item.id));
      return { status: 204 };
    },
  },
];
