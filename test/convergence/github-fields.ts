/** Every managed field of the resource types at GitHub, with how somebody else changes it. */
import sodium from "libsodium-wrappers";
import type { ManagedField } from "./managed-field.ts";
import { managedField } from "./managed-field.ts";
import type { Fields, Outsider } from "./outsider.ts";
import { stateOf } from "./outsider.ts";
import type { World } from "../support/world.ts";

const PROJECT = ["Project", "shop"] as const;
const STAGING = ["Environment", "shop-staging"] as const;
const DEV = ["Environment", "shop-dev"] as const;

/** Found by its id, because one of the fields is its name. */
async function repositoryId(other: Outsider): Promise<string> {
  const [repository] = (
    await other.github<{ id: number; name: string }[]>("GET", "/orgs/acme/repos?sort=created")
  ).filter(({ name }) => name !== "worker-template");
  if (!repository) throw new Error("no repository");
  return `/repositories/${repository.id}`;
}

async function repositoryPath(other: Outsider): Promise<string> {
  const { full_name: name } = await other.github<{ full_name: string }>("GET", await repositoryId(other));
  return `/repos/${name}`;
}

const ofRepository = (
  id: string,
  change: Fields,
  beside: readonly string[] = [],
  asks?: RegExp,
): ManagedField =>
  managedField<Fields>({
    id: `github/repository:${id}`,
    object: PROJECT,
    read: async (other) => {
      const data = await other.github("GET", await repositoryId(other));
      return Object.fromEntries(
        [...Object.keys(change), ...beside].map((name) => [name, data[name]] as const),
      );
    },
    write: async (other, value) => other.github("PATCH", await repositoryPath(other), value),
    changed: (value) => ({ ...value, ...change }),
    ...(asks ? { asks } : {}),
  });

const topics = (id: string, changed: (names: string[]) => string[]): ManagedField =>
  managedField<string[]>({
    id: `github/repository:${id}`,
    object: PROJECT,
    read: async (other) =>
      (await other.github<{ names: string[] }>("GET", "/repos/acme/shop/topics")).names.toSorted(),
    write: (other, names) => other.github("PUT", "/repos/acme/shop/topics", { names }),
    changed,
  });

const repository = [
  ofRepository("name", { name: "stall" }),
  ofRepository("archived", { archived: true }, [], /acme\/shop is archived.*Unarchive the repository/),
  ofRepository("visibility", { visibility: "public" }),
  ofRepository("description", { description: "Something else" }),
  topics("topics", (names) => [...names, "added"]),
  topics("markerTopic", (names) => names.filter((name) => ["shop", "web"].includes(name))),
  ofRepository("defaultBranch", { default_branch: "staging" }),
  ofRepository("settings.hasIssues", { has_issues: false }),
  ofRepository("settings.hasWiki", { has_wiki: true }),
  ofRepository("settings.hasProjects", { has_projects: true }),
  ofRepository("settings.homepage", { homepage: "https://elsewhere.example" }),
  ofRepository("settings.allowMergeCommit", { allow_merge_commit: false }),
  ofRepository("settings.allowSquashMerge", { allow_squash_merge: false }),
  ofRepository("settings.allowRebaseMerge", { allow_rebase_merge: true }),
  ofRepository("settings.allowAutoMerge", { allow_auto_merge: false }),
  ofRepository("settings.allowUpdateBranch", { allow_update_branch: false }),
  ofRepository("settings.deleteBranchOnMerge", { delete_branch_on_merge: false }),
  ofRepository("settings.squashMergeCommitTitle", {
    squash_merge_commit_title: "COMMIT_OR_PR_TITLE",
    squash_merge_commit_message: "COMMIT_MESSAGES",
  }),
  ofRepository("settings.squashMergeCommitMessage", { squash_merge_commit_message: "BLANK" }, [
    "squash_merge_commit_title",
  ]),
  ofRepository("settings.mergeCommitTitle", {
    merge_commit_title: "PR_TITLE",
    merge_commit_message: "PR_BODY",
  }),
  ofRepository("settings.mergeCommitMessage", {
    merge_commit_message: "BLANK",
    merge_commit_title: "PR_TITLE",
  }),
  ofRepository("settings.webCommitSignoffRequired", { web_commit_signoff_required: false }),
];

const RULESETS = "/repos/acme/shop/rulesets";

interface Rule {
  type: string;
  parameters?: Fields;
}
interface Ruleset {
  name: string;
  target: string;
  enforcement: string;
  conditions: { ref_name: { include: string[]; exclude: string[] } };
  rules: Rule[];
  bypass_actors: Fields[];
}

const ofRuleset = (id: string, changed: (ruleset: Ruleset) => Ruleset): ManagedField => {
  const idOf = async (other: Outsider): Promise<number> => {
    const [one, another] = await other.github<{ id: number }[]>("GET", RULESETS);
    if (!one || another) throw new Error("not exactly one ruleset");
    return one.id;
  };
  return managedField<Ruleset>({
    id: `github/ruleset:${id}`,
    object: PROJECT,
    read: async (other) => {
      const { name, target, enforcement, conditions, rules, bypass_actors } = await other.github<Ruleset>(
        "GET",
        `${RULESETS}/${await idOf(other)}`,
      );
      const sorted = rules.toSorted((a, b) => (a.type < b.type ? -1 : 1));
      return { name, target, enforcement, conditions, rules: sorted, bypass_actors };
    },
    write: async (other, value) => other.github("PUT", `${RULESETS}/${await idOf(other)}`, value),
    changed,
  });
};
const without =
  (type: string) =>
  (ruleset: Ruleset): Ruleset => ({ ...ruleset, rules: ruleset.rules.filter((rule) => rule.type !== type) });
const tuned =
  (type: string, parameters: Fields) =>
  (ruleset: Ruleset): Ruleset => ({
    ...ruleset,
    rules: ruleset.rules.map((rule) =>
      rule.type === type ? { type, parameters: { ...rule.parameters, ...parameters } } : rule,
    ),
  });
const refName = (ruleset: Ruleset, change: Partial<Ruleset["conditions"]["ref_name"]>): Ruleset => ({
  ...ruleset,
  conditions: { ref_name: { ...ruleset.conditions.ref_name, ...change } },
});

const ruleset = [
  ofRuleset("name", (one) => ({ ...one, name: "main is free" })),
  ofRuleset("target", (one) => ({ ...one, target: "tag" })),
  ofRuleset("enforcement", (one) => ({ ...one, enforcement: "disabled" })),
  ofRuleset("include", (one) => refName(one, { include: ["refs/heads/other"] })),
  ofRuleset("exclude", (one) => refName(one, { exclude: [] })),
  ofRuleset("rules.creation", without("creation")),
  ofRuleset("rules.update", without("update")),
  ofRuleset("rules.deletion", without("deletion")),
  ofRuleset("rules.nonFastForward", without("non_fast_forward")),
  ofRuleset("rules.requiredLinearHistory", without("required_linear_history")),
  ofRuleset("rules.requiredSignatures", without("required_signatures")),
  ofRuleset("rules.pullRequest", tuned("pull_request", { required_approving_review_count: 0 })),
  ofRuleset(
    "rules.requiredStatusChecks",
    tuned("required_status_checks", { required_status_checks: [{ context: "other" }] }),
  ),
  ofRuleset("bypassActors", (one) => ({ ...one, bypass_actors: [] })),
];

const ENVIRONMENT = "/repos/acme/shop/environments/staging";

interface EnvironmentBody {
  wait_timer: number;
  prevent_self_review: boolean;
  reviewers: { type: string; id: number }[];
  deployment_branch_policy: Fields | null;
}

interface ProtectionRule {
  wait_timer?: number;
  prevent_self_review?: boolean;
  reviewers?: { type: string; reviewer: { id: number } }[];
}

const ofEnvironment = (
  id: string,
  path: string,
  object: readonly [string, string],
  change: Partial<EnvironmentBody>,
): ManagedField =>
  managedField<EnvironmentBody>({
    id: `github/environment:${id}`,
    object,
    read: async (other) => {
      const data = await other.github<{
        protection_rules: ProtectionRule[];
        deployment_branch_policy: Fields | null;
      }>("GET", path);
      const rules = data.protection_rules;
      return {
        wait_timer: rules.find((rule) => rule.wait_timer !== undefined)?.wait_timer ?? 0,
        prevent_self_review: rules.some((rule) => rule.prevent_self_review === true),
        reviewers: rules.flatMap((rule) =>
          (rule.reviewers ?? []).map(({ type, reviewer }) => ({ type, id: reviewer.id })),
        ),
        deployment_branch_policy: data.deployment_branch_policy,
      };
    },
    write: (other, value) => other.github("PUT", path, value),
    changed: (value) => ({ ...value, ...change }),
  });

const patterns = managedField<string[]>({
  id: "github/environment:branchPolicies.patterns",
  object: STAGING,
  read: async (other) => (await policies(other)).map(({ name }) => name).toSorted(),
  write: async (other, names) => {
    for (const { id } of await policies(other))
      await other.github("DELETE", `${ENVIRONMENT}/deployment-branch-policies/${id}`);
    for (const name of names)
      await other.github("POST", `${ENVIRONMENT}/deployment-branch-policies`, { name });
  },
  changed: () => ["everything/*"],
});

async function policies(other: Outsider): Promise<{ id: number; name: string }[]> {
  const path = `${ENVIRONMENT}/deployment-branch-policies`;
  return (await other.github<{ branch_policies: { id: number; name: string }[] }>("GET", path))
    .branch_policies;
}

const environment = [
  ofEnvironment("reviewers", ENVIRONMENT, STAGING, { reviewers: [] }),
  ofEnvironment("waitTimer", ENVIRONMENT, STAGING, { wait_timer: 30 }),
  ofEnvironment("preventSelfReview", ENVIRONMENT, STAGING, { prevent_self_review: false }),
  ofEnvironment("branchPolicies.protectedBranches", "/repos/acme/shop/environments/dev", DEV, {
    deployment_branch_policy: null,
  }),
  patterns,
];

const ofVariable = (path: string, name: string, object: readonly [string, string]): ManagedField =>
  managedField<string>({
    id: "github/variables:variables",
    object,
    read: async (other) => (await other.github<{ value: string }>("GET", `${path}/${name}`)).value,
    write: (other, value) => other.github("PATCH", `${path}/${name}`, { name, value }),
    changed: () => "changed",
  });

/** Plain values of secrets are only known to the sandbox itself. */
export function githubSecret(
  world: Pick<World, "sandbox">,
  name: string,
  environment?: string,
): string | undefined {
  interface Holder {
    name: string;
    secrets: Record<string, string>;
    environments?: Holder[];
  }
  const repositories = stateOf(world).github.repositories as unknown as Holder[];
  const shop = repositories.find((one) => one.name === "shop");
  const holder =
    environment === undefined ? shop : shop?.environments?.find((one) => one.name === environment);
  return holder?.secrets[name];
}

/** Writes a secret as anybody with access can: sealed for the place's public key. */
export async function writeGitHubSecret(
  other: Outsider,
  path: string,
  name: string,
  value: string,
): Promise<void> {
  await sodium.ready;
  const { key, key_id } = await other.github<{ key: string; key_id: string }>("GET", `${path}/public-key`);
  const sealed = sodium.crypto_box_seal(
    sodium.from_string(value),
    sodium.from_base64(key, sodium.base64_variants.ORIGINAL),
  );
  const encrypted_value = sodium.to_base64(sealed, sodium.base64_variants.ORIGINAL);
  await other.github("PUT", `${path}/${name}`, { encrypted_value, key_id });
}

const ofSecret = (
  world: Pick<World, "sandbox">,
  path: string,
  name: string,
  object: readonly [string, string],
  place?: string,
): ManagedField =>
  managedField<string | undefined>({
    id: "github/secrets:secrets",
    object,
    read: () => Promise.resolve(githubSecret(world, name, place)),
    write: (other, value) => writeGitHubSecret(other, path, name, value ?? ""),
    changed: () => "somebody else's",
  });

interface Hook {
  active: boolean;
  events: string[];
  config: Fields;
}

const HOOKS = "/repos/acme/shop/hooks";

const ofWebhook = (id: string, changed: (hook: Hook) => Hook): ManagedField => {
  const idOf = async (other: Outsider): Promise<number> => {
    const [one, another] = await other.github<{ id: number }[]>("GET", HOOKS);
    if (!one || another) throw new Error("not exactly one webhook");
    return one.id;
  };
  return managedField<Hook>({
    id: `github/webhook:${id}`,
    object: PROJECT,
    read: async (other) => {
      const { active, events, config } = await other.github<Hook>("GET", `${HOOKS}/${await idOf(other)}`);
      return { active, events: events.toSorted(), config };
    },
    // What is read of the secret are asterisks, and those would be written.
    write: async (other, { active, config, events }) =>
      other.github("PATCH", `${HOOKS}/${await idOf(other)}`, {
        active,
        events,
        config: { ...config, secret: "hook-secret" },
      }),
    changed,
  });
};
const configured =
  (change: Fields) =>
  (hook: Hook): Hook => ({ ...hook, config: { ...hook.config, ...change } });

const webhook = [
  ofWebhook("url", configured({ url: "https://elsewhere.example/hook" })),
  ofWebhook("marker", (hook) => configured({ url: String(hook.config["url"]).split("?")[0] })(hook)),
  ofWebhook("events", (hook) => ({ ...hook, events: ["push"] })),
  ofWebhook("active", (hook) => ({ ...hook, active: false })),
  ofWebhook("contentType", configured({ content_type: "form" })),
  ofWebhook("insecureSsl", configured({ insecure_ssl: "1" })),
];

/** Fields at GitHub that somebody else can change. */
export function githubFields(world: Pick<World, "sandbox">): ManagedField[] {
  return [
    ...repository,
    ...ruleset,
    ...environment,
    ofVariable("/repos/acme/shop/actions/variables", "REGION", PROJECT),
    ofVariable(`${ENVIRONMENT}/variables`, "STAGE", STAGING),
    ofSecret(world, "/repos/acme/shop/actions/secrets", "NPM_TOKEN", PROJECT),
    ofSecret(world, `${ENVIRONMENT}/secrets`, "DATABASE_URL", STAGING, "staging"),
    ...webhook,
  ];
}

/** Fields at GitHub that nobody can change on what exists, with the reason. */
export const githubFixed: Readonly<Record<string, string>> = Object.freeze({
  "github/repository:owner": "a transfer needs two accounts; the definition refuses it by a unit test",
  "github/repository:template": "what a repository was generated from is history",
  "github/gitBranch:name": "a branch that is renamed is a branch that is gone: see what is deleted",
  "github/environment:name": "GitHub has no way to rename one: see what is deleted",
  "github/seedFiles:files": "written once and never touched again, by promise",
  "github/webhook:secret":
    "no answer shows it or when it was written; rotation in the Secret is what moves it",
});
