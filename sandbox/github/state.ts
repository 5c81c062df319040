import { branchesOf, storeOf } from "./git-store.ts";
import type { EnvironmentRecord, RepositoryRecord } from "./records.ts";
import type { World } from "./world.ts";

function byName<Item extends { name: string }, Shown>(
  items: readonly Item[],
  show: (item: Item) => Shown,
): Record<string, Shown> {
  return Object.fromEntries(items.map((item) => [item.name, show(item)]));
}

function scopeState(world: World, scope: string): Record<string, unknown> {
  return {
    variables: byName(world.variables(scope).latestValues(), (item) => item.value),
    secrets: byName(world.secrets(scope).latestValues(), (item) => item.plaintext),
  };
}

function environmentState(world: World, item: EnvironmentRecord): Record<string, unknown> {
  const { id, name, waitTimer, preventSelfReview, reviewers, branchPolicy, canAdminsBypass } = item;
  return {
    id,
    name,
    waitTimer,
    preventSelfReview,
    reviewers,
    branchPolicy,
    canAdminsBypass,
    branchPolicies: world.branchPolicies(id).latestValues(),
    ...scopeState(world, `environment:${id}`),
  };
}

/** Paths and texts of the default branch; what is not UTF-8 is shown in base64. */
function filesOf(world: World, repository: RepositoryRecord): Record<string, string> {
  const store = storeOf(world, repository);
  const head = branchesOf(world, repository)[repository.defaultBranch];
  const tree = head === undefined ? undefined : store.commit(head)?.tree;
  if (tree === undefined) return {};
  return Object.fromEntries(
    store.flatten(tree).map((entry) => {
      const body = store.get("blob", entry.sha) ?? Buffer.alloc(0);
      const text = body.toString("utf8");
      return [entry.path, Buffer.from(text).equals(body) ? text : `base64:${body.toString("base64")}`];
    }),
  );
}

function repositoryState(world: World, record: RepositoryRecord): Record<string, unknown> {
  return {
    id: record.id,
    owner: record.owner,
    name: record.name,
    private: record.visibility !== "public",
    visibility: record.visibility,
    description: record.description,
    homepage: record.homepage,
    topics: record.topics,
    archived: record.archived,
    isTemplate: record.isTemplate,
    templateId: record.templateId,
    defaultBranch: record.defaultBranch,
    settings: record.settings,
    branches: branchesOf(world, record),
    files: filesOf(world, record),
    environments: world
      .environments(record.id)
      .latestValues()
      .map((item) => environmentState(world, item)),
    ...scopeState(world, `repository:${record.id}`),
    rulesets: world.rulesets(record.id).latestValues(),
    hooks: world.hooks(record.id).latestValues(),
  };
}

/** Everything that exists, secrets in plaintext: for oracles, never for clients. */
export function worldState(world: World): Record<string, unknown> {
  return {
    accounts: world.accounts.values(),
    teams: world.teams.values(),
    repositories: world.repositories.latestValues().map((record) => repositoryState(world, record)),
  };
}
