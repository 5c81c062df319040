import { includesLevel } from "../access.ts";
import type { RepositoryCall, RepositoryRoute } from "../call.ts";
import { failure, invalid, notFound, type Reply } from "../failure.ts";
import { optionalText, paginate, text } from "../page.ts";
import type { RulesetRecord } from "../records.ts";
import { accountOf, nodeId } from "../represent.ts";
import { emit } from "../webhooks.ts";
import { isoTime } from "../world.ts";

const MOST = 75;
const NEEDS_PARAMETERS: Record<string, string[]> = {
  required_status_checks: ["required_status_checks", "strict_required_status_checks_policy"],
  required_deployments: ["required_deployment_environments"],
  pull_request: [
    "dismiss_stale_reviews_on_push",
    "require_code_owner_review",
    "require_last_push_approval",
    "required_approving_review_count",
    "required_review_thread_resolution",
  ],
  commit_message_pattern: ["operator", "pattern"],
  commit_author_email_pattern: ["operator", "pattern"],
  committer_email_pattern: ["operator", "pattern"],
  branch_name_pattern: ["operator", "pattern"],
  tag_name_pattern: ["operator", "pattern"],
};
const WITHOUT_PARAMETERS = [
  "creation",
  "update",
  "deletion",
  "required_linear_history",
  "required_signatures",
  "non_fast_forward",
];
const ACTORS = ["Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey", "User"];

/** Rulesets on private repositories are for paying accounts. */
function requirePlan(call: RepositoryCall): void {
  const { world, repository } = call;
  if (repository.visibility !== "public" && accountOf(world, repository.owner).plan === "free")
    throw failure(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.");
}

function summary(call: RepositoryCall, item: RulesetRecord): Record<string, unknown> {
  const { world, repository } = call;
  const name = `${repository.owner}/${repository.name}`;
  return {
    id: item.id,
    name: item.name,
    target: item.target,
    source_type: "Repository",
    source: name,
    enforcement: item.enforcement,
    node_id: nodeId("RepositoryRuleset", item.id),
    _links: {
      self: { href: `${world.publicUrl}/repos/${name}/rulesets/${item.id}` },
      html: { href: `${world.publicUrl}/${name}/rules/${item.id}` },
    },
    created_at: isoTime(item.createdAt),
    updated_at: isoTime(item.updatedAt),
  };
}

function full(call: RepositoryCall, item: RulesetRecord): Record<string, unknown> {
  // Who may bypass is told only to those who could change the ruleset (OpenAPI).
  const writer = includesLevel(call.level("administration"), "write");
  return {
    ...summary(call, item),
    ...(item.conditions === undefined || item.conditions === null ? {} : { conditions: item.conditions }),
    rules: item.rules,
    ...(writer ? { bypass_actors: item.bypassActors, current_user_can_bypass: "never" } : {}),
  };
}

function checkRules(rules: RulesetRecord["rules"]): void {
  for (const rule of rules) {
    const needed = NEEDS_PARAMETERS[rule.type];
    if (!needed) {
      if (WITHOUT_PARAMETERS.includes(rule.type)) continue;
      throw invalid(`Invalid rule '${rule.type}': is not supported`);
    }
    const parameters = (rule.parameters ?? {}) as Record<string, unknown>;
    const missing = needed.find((name) => parameters[name] === undefined);
    if (missing !== undefined)
      throw invalid(`Invalid rule '${rule.type}': Invalid parameters: missing required parameter ${missing}`);
  }
}

/** What a ruleset adds to the parameters it was given, so that a second read shows more than was written. */
function completed(rule: RulesetRecord["rules"][number]): RulesetRecord["rules"][number] {
  const parameters = rule.parameters as Record<string, unknown> | undefined;
  if (rule.type === "pull_request")
    return {
      ...rule,
      parameters: {
        required_reviewers: [],
        allowed_merge_methods: ["merge", "squash", "rebase"],
        ...parameters,
      },
    };
  if (rule.type === "required_status_checks")
    return { ...rule, parameters: { do_not_enforce_on_create: false, ...parameters } };
  if (rule.type === "update" && parameters === undefined) return { type: rule.type };
  return rule;
}

function checked(
  call: RepositoryCall,
  known: RulesetRecord | undefined,
): Omit<RulesetRecord, "id" | "createdAt" | "updatedAt"> {
  const { world, body, repository } = call;
  // terraform-provider-github, util_rules.go: a null list is refused.
  if (body["bypass_actors"] === null) throw invalid("Bypass actors data cannot be null");
  const name = known && body["name"] === undefined ? known.name : text(body, "name");
  if (name.trim() === "")
    throw invalid({ resource: "RepositoryRuleset", code: "missing_field", field: "name" });
  const enforcement =
    known && body["enforcement"] === undefined ? known.enforcement : text(body, "enforcement");
  if (enforcement === "evaluate" && accountOf(world, repository.owner).plan !== "enterprise")
    throw invalid("Enforcement evaluate is not available on this plan");
  const actors =
    (body["bypass_actors"] as { actor_type?: string; actor_id?: number | null }[] | undefined) ??
    known?.bypassActors ??
    [];
  for (const actor of actors as { actor_type?: string; actor_id?: number | null }[]) {
    if (!ACTORS.includes(actor.actor_type ?? ""))
      throw invalid(`Invalid bypass actor type ${actor.actor_type ?? "nil"}`);
    if (
      actor.actor_type === "OrganizationAdmin" &&
      accountOf(world, repository.owner).type !== "Organization"
    )
      throw invalid("Actor type OrganizationAdmin is only available for repositories of an organization");
  }
  const rules = (body["rules"] as RulesetRecord["rules"] | undefined) ?? known?.rules ?? [];
  checkRules(rules);
  const target = optionalText(body, "target") ?? known?.target ?? "branch";
  const conditions = body["conditions"] === undefined ? known?.conditions : body["conditions"];
  const others = world
    .rulesets(repository.id)
    .latestValues()
    .filter((item) => item.id !== known?.id);
  if (others.some((item) => item.name === name)) throw invalid("Name must be unique");
  if (!known && others.length >= MOST) throw invalid(`A repository can have at most ${MOST} rulesets`);
  return {
    name,
    target,
    enforcement,
    bypassActors: actors,
    conditions: conditions ?? null,
    rules: rules.map(completed),
  };
}

function rulesetOf(call: RepositoryCall): RulesetRecord {
  requirePlan(call);
  const rulesets = call.world.rulesets(call.repository.id);
  const key = call.parameters["ruleset_id"] ?? "";
  const item = call.method === "GET" ? rulesets.get(key) : rulesets.latest(key);
  if (!item) throw notFound();
  return item;
}

function tell(call: RepositoryCall, action: string, item: RulesetRecord): void {
  const fields = { action, repository_ruleset: full(call, item) };
  emit(
    call.world,
    call.repository,
    "repository_ruleset",
    call.identity.kind === "token" ? call.identity.token.actor : "",
    fields,
  );
}

function create(call: RepositoryCall): Reply {
  requirePlan(call);
  const { world, repository } = call;
  const now = world.now();
  const item: RulesetRecord = {
    ...checked(call, undefined),
    id: world.nextId(),
    createdAt: now,
    updatedAt: now,
  };
  world.rulesets(repository.id).set(String(item.id), item);
  tell(call, "created", item);
  return { status: 201, body: full(call, item) };
}

function update(call: RepositoryCall): Reply {
  const { world, repository } = call;
  const known = rulesetOf(call);
  const item: RulesetRecord = { ...known, ...checked(call, known) };
  if (JSON.stringify(item) === JSON.stringify(known)) return { status: 200, body: full(call, known) };
  const next = { ...item, updatedAt: world.now() };
  world.rulesets(repository.id).set(String(item.id), next);
  tell(call, "edited", next);
  return { status: 200, body: full(call, next) };
}

function list(call: RepositoryCall): Reply {
  requirePlan(call);
  const { world, repository } = call;
  const all = world.rulesets(repository.id).values();
  const { items, headers } = paginate(call, `/repositories/${repository.id}/rulesets`, all);
  return { status: 200, body: items.map((item) => summary(call, item)), headers };
}

const ONE = "/rulesets/:ruleset_id";

/** Repository rulesets. */
export const rulesetRoutes: readonly RepositoryRoute[] = [
  {
    scope: "repository",
    method: "GET",
    path: "/rulesets",
    requires: { metadata: "read" },
    settled: true,
    handler: list,
  },
  {
    scope: "repository",
    method: "POST",
    path: "/rulesets",
    requires: { administration: "write" },
    settled: true,
    handler: create,
  },
  {
    scope: "repository",
    method: "GET",
    path: ONE,
    requires: { metadata: "read" },
    settled: true,
    handler: (call) => ({ status: 200, body: full(call, rulesetOf(call)) }),
  },
  {
    scope: "repository",
    method: "PUT",
    path: ONE,
    requires: { administration: "write" },
    settled: true,
    handler: update,
  },
  {
    scope: "repository",
    method: "DELETE",
    path: ONE,
    requires: { administration: "write" },
    settled: true,
    handler: (call) => {
      const item = rulesetOf(call);
      call.world.rulesets(call.repository.id).delete(String(item.id));
      tell(call, "deleted", item);
      return { status: 204 };
    },
  },
];
