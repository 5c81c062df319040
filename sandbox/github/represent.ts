import type { AccountRecord, EnvironmentRecord, RepositoryRecord, TeamRecord } from "./records.ts";
import { isoTime, type World } from "./world.ts";

/** A node id: opaque, stable, unique by kind and id. */
export function nodeId(kind: string, id: number | string): string {
  return Buffer.from(`${kind}:${id}`).toString("base64");
}

/** An account as it appears inside other representations (schema `simple-user`). */
export function simpleUser(world: World, account: AccountRecord): Record<string, unknown> {
  const url = `${world.publicUrl}/users/${account.login}`;
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId(account.type, account.id),
    avatar_url: `${world.publicUrl}/avatars/${account.id}`,
    gravatar_id: "",
    url,
    html_url: `${world.publicUrl}/${account.login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: account.type,
    user_view_type: "public",
    site_admin: false,
  };
}

/** The account of that login; a login without an account (an App's bot) is shown as a user. */
export function accountOf(world: World, login: string): AccountRecord {
  return (
    world.accounts.get(login.toLowerCase()) ?? { id: 1, login, type: "User", plan: "free", createdAt: 0 }
  );
}

/** A team (schema `team`). */
export function team(world: World, record: TeamRecord): Record<string, unknown> {
  const organization = accountOf(world, record.organization);
  const url = `${world.publicUrl}/organizations/${organization.id}/team/${record.id}`;
  return {
    id: record.id,
    node_id: nodeId("Team", record.id),
    url,
    html_url: `${world.publicUrl}/orgs/${organization.login}/teams/${record.slug}`,
    name: record.name,
    slug: record.slug,
    description: "",
    privacy: "closed",
    notification_setting: "notifications_enabled",
    permission: "pull",
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
    type: "organization",
    organization_id: organization.id,
    parent: null,
  };
}

const TEMPLATE_URLS: Record<string, string> = {
  archive_url: "/{archive_format}{/ref}",
  assignees_url: "/assignees{/user}",
  blobs_url: "/git/blobs{/sha}",
  branches_url: "/branches{/branch}",
  collaborators_url: "/collaborators{/collaborator}",
  comments_url: "/comments{/number}",
  commits_url: "/commits{/sha}",
  compare_url: "/compare/{base}...{head}",
  contents_url: "/contents/{+path}",
  contributors_url: "/contributors",
  deployments_url: "/deployments",
  downloads_url: "/downloads",
  events_url: "/events",
  forks_url: "/forks",
  git_commits_url: "/git/commits{/sha}",
  git_refs_url: "/git/refs{/sha}",
  git_tags_url: "/git/tags{/sha}",
  hooks_url: "/hooks",
  issue_comment_url: "/issues/comments{/number}",
  issue_events_url: "/issues/events{/number}",
  issues_url: "/issues{/number}",
  keys_url: "/keys{/key_id}",
  labels_url: "/labels{/name}",
  languages_url: "/languages",
  merges_url: "/merges",
  milestones_url: "/milestones{/number}",
  notifications_url: "/notifications{?since,all,participating}",
  pulls_url: "/pulls{/number}",
  releases_url: "/releases{/id}",
  stargazers_url: "/stargazers",
  statuses_url: "/statuses/{sha}",
  subscribers_url: "/subscribers",
  subscription_url: "/subscription",
  tags_url: "/tags",
  teams_url: "/teams",
  trees_url: "/git/trees{/sha}",
};

/** What the caller may do with a repository, which decides what it is shown. */
export interface RepositoryViewer {
  /** Contents read and write: the merge settings are shown. */
  contentsWrite: boolean;
  /** Administration write: `security_and_analysis` is shown. */
  administration: boolean;
}

/** A repository in lists (schema `minimal-repository`/`repository`). */
export function repository(
  world: World,
  record: RepositoryRecord,
  viewer: RepositoryViewer,
): Record<string, unknown> {
  const fullName = `${record.owner}/${record.name}`;
  const url = `${world.publicUrl}/repos/${fullName}`;
  const html = `${world.publicUrl}/${fullName}`;
  const { settings } = record;
  const { hostname } = new URL(world.publicUrl);
  return {
    id: record.id,
    node_id: nodeId("Repository", record.id),
    name: record.name,
    full_name: fullName,
    private: record.visibility !== "public",
    owner: simpleUser(world, accountOf(world, record.owner)),
    html_url: html,
    description: record.description,
    fork: false,
    url,
    ...Object.fromEntries(Object.entries(TEMPLATE_URLS).map(([name, tail]) => [name, url + tail])),
    git_url: `git://${hostname}/${fullName}.git`,
    ssh_url: `git@${hostname}:${fullName}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    mirror_url: null,
    homepage: record.homepage,
    language: null,
    license: null,
    forks: 0,
    forks_count: 0,
    stargazers_count: 0,
    watchers: 0,
    watchers_count: 0,
    open_issues: 0,
    open_issues_count: 0,
    size: 0,
    default_branch: record.defaultBranch,
    is_template: record.isTemplate,
    topics: record.topics,
    has_issues: settings.has_issues,
    has_projects: settings.has_projects,
    has_wiki: settings.has_wiki,
    has_pages: false,
    has_downloads: settings.has_downloads,
    has_discussions: settings.has_discussions,
    archived: record.archived,
    disabled: false,
    visibility: record.visibility,
    allow_forking: settings.allow_forking,
    web_commit_signoff_required: settings.web_commit_signoff_required,
    pushed_at: isoTime(record.pushedAt),
    created_at: isoTime(record.createdAt),
    updated_at: isoTime(record.updatedAt),
    permissions: {
      admin: viewer.administration,
      maintain: viewer.administration,
      push: viewer.contentsWrite,
      triage: viewer.contentsWrite,
      pull: true,
    },
  };
}

/** A repository by itself (schema `full-repository`): merge settings need contents write, security settings admin. */
export function fullRepository(
  world: World,
  record: RepositoryRecord,
  viewer: RepositoryViewer,
): Record<string, unknown> {
  const { settings } = record;
  const owner = accountOf(world, record.owner);
  const template =
    record.templateId === null ? undefined : world.repositories.latest(String(record.templateId));
  return {
    ...repository(world, record, viewer),
    network_count: 0,
    subscribers_count: 0,
    ...(owner.type === "Organization" ? { organization: simpleUser(world, owner) } : {}),
    ...(viewer.contentsWrite
      ? {
          allow_squash_merge: settings.allow_squash_merge,
          allow_merge_commit: settings.allow_merge_commit,
          allow_rebase_merge: settings.allow_rebase_merge,
          allow_auto_merge: settings.allow_auto_merge,
          delete_branch_on_merge: settings.delete_branch_on_merge,
          allow_update_branch: settings.allow_update_branch,
          use_squash_pr_title_as_default: settings.squash_merge_commit_title === "PR_TITLE",
          squash_merge_commit_title: settings.squash_merge_commit_title,
          squash_merge_commit_message: settings.squash_merge_commit_message,
          merge_commit_title: settings.merge_commit_title,
          merge_commit_message: settings.merge_commit_message,
        }
      : {}),
    ...(viewer.administration
      ? {
          security_and_analysis: {
            secret_scanning: { status: "disabled" },
            secret_scanning_push_protection: { status: "disabled" },
            dependabot_security_updates: { status: "disabled" },
          },
        }
      : {}),
    ...(template
      ? { template_repository: repository(world, template, { contentsWrite: false, administration: false }) }
      : record.templateId === null
        ? {}
        : { template_repository: null }),
  };
}

/** An environment with its protection rules (schema `environment`). */
export function environment(
  world: World,
  record: RepositoryRecord,
  item: EnvironmentRecord,
): Record<string, unknown> {
  const rules: Record<string, unknown>[] = [];
  if (item.waitTimer > 0)
    rules.push({
      id: item.waitTimerRuleId,
      node_id: nodeId("Gate", item.waitTimerRuleId),
      type: "wait_timer",
      wait_timer: item.waitTimer,
    });
  if (item.reviewers.length > 0)
    rules.push({
      id: item.reviewersRuleId,
      node_id: nodeId("Gate", item.reviewersRuleId),
      type: "required_reviewers",
      prevent_self_review: item.preventSelfReview,
      reviewers: item.reviewers.map((reviewer) => {
        const user = world.accounts.values().find((account) => account.id === reviewer.id);
        const group = world.teams.values().find((candidate) => candidate.id === reviewer.id);
        const shown =
          reviewer.type === "Team" ? group && team(world, group) : user && simpleUser(world, user);
        return { type: reviewer.type, reviewer: shown };
      }),
    });
  if (item.branchPolicy)
    rules.push({
      id: item.branchPolicyRuleId,
      node_id: nodeId("Gate", item.branchPolicyRuleId),
      type: "branch_policy",
    });
  return {
    id: item.id,
    node_id: nodeId("Environment", item.id),
    name: item.name,
    url: `${world.publicUrl}/repos/${record.owner}/${record.name}/environments/${encodeURIComponent(item.name)}`,
    html_url: `${world.publicUrl}/${record.owner}/${record.name}/deployments/activity_log?environments_filter=${encodeURIComponent(item.name)}`,
    created_at: isoTime(item.createdAt),
    updated_at: isoTime(item.updatedAt),
    can_admins_bypass: item.canAdminsBypass,
    protection_rules: rules,
    deployment_branch_policy: item.branchPolicy,
  };
}
