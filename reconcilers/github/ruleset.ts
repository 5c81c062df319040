/** A ruleset of a repository: GitHub assigns the id, the name is unique in the repository. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { canonicalJson } from "../../controller/runtime/hash.ts";
import type { FieldChange, ResourceContext, WriteResult } from "../engine/resource.ts";
import type { GitHubClient } from "./client.ts";
import { collectChanges, sortedText } from "./changes.ts";
import type { Compare } from "./changes.ts";
import { define } from "./define.ts";
import { listOrAbsent } from "./listing.ts";
import { requireVisible, splitName } from "./repository-access.ts";
import type { ReadContext } from "./repository-access.ts";
import { rawRules, rulesOf, switchNames } from "./ruleset-rules.ts";
import type { RawRule } from "./ruleset-rules.ts";
import type { RulesetDesired, RulesetObserved, RulesetSpec } from "./types.ts";

type Context = ResourceContext<GitHubClient>;
type BypassActor = NonNullable<RulesetSpec["bypassActors"]>[number];

/** What is used of GitHub's representation; only reading one by itself shows more than the first line. */
interface RulesetData {
  id: number | bigint;
  name: string;
  target?: string;
  enforcement: string;
  updated_at?: string;
  conditions?: unknown;
  rules?: unknown;
  bypass_actors?: unknown;
}

const enforcements = Object.freeze({ active: "Active", disabled: "Disabled", evaluate: "Evaluate" } as const);

/** Names become full refs; `~ALL`, `~DEFAULT_BRANCH` and full refs stay what they are. */
function fullRef(pattern: string, target: RulesetSpec["target"]): string {
  return pattern.startsWith("~") || pattern.startsWith("refs/")
    ? pattern
    : `refs/${target === "Tag" ? "tags" : "heads"}/${pattern}`;
}

function bypassOf(data: unknown): BypassActor[] | undefined {
  if (!Array.isArray(data)) return undefined;
  return (
    data as {
      actor_id?: number | null;
      actor_type: BypassActor["actorType"];
      bypass_mode?: BypassActor["bypassMode"];
    }[]
  ).map((actor) => ({
    actorType: actor.actor_type,
    bypassMode: actor.bypass_mode ?? "always",
    ...(actor.actor_id === undefined || actor.actor_id === null ? {} : { actorId: actor.actor_id }),
  }));
}

function observedOf(data: RulesetData): RulesetObserved {
  const names = (
    data.conditions as { ref_name?: { include?: string[]; exclude?: string[] } } | null | undefined
  )?.ref_name;
  const raw = Array.isArray(data.rules) ? (data.rules as RawRule[]) : undefined;
  return {
    id: Number(data.id),
    name: data.name,
    updatedAt: data.updated_at ?? "",
    target: data.target === "tag" ? "Tag" : "Branch",
    enforcement: enforcements[data.enforcement as keyof typeof enforcements] ?? "Disabled",
    include: raw && (names?.include ?? []),
    exclude: raw && (names?.exclude ?? []),
    rules: raw && rulesOf(raw),
    raw,
    bypassActors: bypassOf(data.bypass_actors),
  };
}

async function readOne(
  context: ReadContext,
  repository: string,
  id: number,
): Promise<RulesetData | undefined> {
  const { client, signal, fresh } = context;
  const answer = await client.attempt<RulesetData>(
    { what: `reading the ruleset ${id} of ${repository}`, signal, fresh, tolerate: [404] },
    (request) =>
      request("GET /repos/{owner}/{repo}/rulesets/{ruleset_id}", {
        ...splitName(repository),
        ruleset_id: id,
        includes_parents: false,
      }),
  );
  if (answer.ok) return answer.data;
  await requireVisible(context, repository);
  return undefined;
}

async function list(context: ReadContext, repository: string): Promise<RulesetData[]> {
  const options = { what: `listing the rulesets of ${repository}`, repository };
  const found = await listOrAbsent(
    context,
    options,
    (request, page) =>
      request("GET /repos/{owner}/{repo}/rulesets", {
        ...splitName(repository),
        includes_parents: false,
        per_page: 100,
        page,
      }),
    (data) => data as readonly RulesetData[],
  );
  return found ?? [];
}

/** GitHub says neither which id stands for the administrators of an organization nor gives deploy keys any. */
function actorKey({ actorId, actorType, bypassMode }: BypassActor): string {
  const id = actorType === "OrganizationAdmin" || actorType === "DeployKey" ? "" : ` ${actorId ?? ""}`;
  return `${actorType}${id} ${bypassMode}`;
}

function diffRules(wanted: RulesetSpec["rules"], found: RulesetSpec["rules"], compare: Compare): void {
  for (const name of switchNames) compare(`rules.${name}`, wanted[name] === true, found[name] === true);
  compare(
    "rules.pullRequest",
    canonicalJson(wanted.pullRequest ?? null),
    canonicalJson(found.pullRequest ?? null),
  );
  const checks = (rule: RulesetSpec["rules"]["requiredStatusChecks"]): string | undefined =>
    rule &&
    sortedText(
      rule.checks.map(
        ({ context, integrationId }) =>
          `${context}${integrationId === undefined ? "" : ` (app ${integrationId})`}`,
      ),
    );
  const [to, from] = [wanted.requiredStatusChecks, found.requiredStatusChecks];
  compare("rules.requiredStatusChecks.checks", checks(to) ?? "none", checks(from) ?? "none");
  if (to && from) compare("rules.requiredStatusChecks.strict", to.strict, from.strict);
}

function diff({ ruleset: wanted }: RulesetDesired, observed: RulesetObserved): FieldChange[] {
  const refs = (patterns: readonly string[] | undefined): string | undefined =>
    patterns && sortedText(patterns.map((pattern) => fullRef(pattern, wanted.target)));
  const actors = (list: RulesetSpec["bypassActors"]): string | undefined =>
    list && sortedText(list.map(actorKey));
  return collectChanges((compare) => {
    compare("name", wanted.name, observed.name);
    compare("target", wanted.target, observed.target);
    compare("enforcement", wanted.enforcement, observed.enforcement);
    compare("include", refs(wanted.include), observed.include && sortedText(observed.include));
    // What is not excluded by the spec is not managed.
    compare("exclude", refs(wanted.exclude), observed.exclude && sortedText(observed.exclude));
    if (observed.rules) diffRules(wanted.rules, observed.rules, compare);
    compare("bypassActors", actors(wanted.bypassActors), actors(observed.bypassActors));
  }, `rulesets.${wanted.name}.`);
}

function bodyOf(wanted: RulesetSpec, observed: RulesetObserved | undefined) {
  const exclude =
    wanted.exclude?.map((pattern) => fullRef(pattern, wanted.target)) ?? observed?.exclude ?? [];
  const actors = wanted.bypassActors ?? observed?.bypassActors;
  return {
    name: wanted.name,
    target: wanted.target.toLowerCase() as "branch" | "tag",
    enforcement: wanted.enforcement.toLowerCase() as "active" | "disabled" | "evaluate",
    conditions: {
      ref_name: {
        include: wanted.include.map((pattern) => fullRef(pattern, wanted.target)),
        exclude: [...exclude],
      },
    },
    rules: rawRules(wanted.rules, observed?.raw ?? []),
    // A list that is null is refused, so it is left out when nobody said anything about it.
    ...(actors === undefined
      ? {}
      : {
          bypass_actors: actors.map(({ actorId, actorType, bypassMode }) => ({
            actor_type: actorType,
            bypass_mode: bypassMode,
            // GitHub wants 1 for OrganizationAdmin, where the value means nothing, and null for DeployKey.
            actor_id:
              actorType === "OrganizationAdmin" ? 1 : actorType === "DeployKey" ? null : (actorId ?? null),
          })),
        }),
  };
}

function written(data: RulesetData): WriteResult<RulesetObserved> {
  const observed = observedOf(data);
  return { id: String(observed.id), name: observed.name, observed, fingerprint: observed.updatedAt };
}

/**
 * One ruleset; others of the repository are left alone. Within it the rules are exactly those of the spec, except rules
 * of types that the spec cannot say.
 */
export const ruleset = define<RulesetDesired, RulesetObserved>({
  provider: "github",
  type: "ruleset",
  segment: "githubRuleset",
  holds: "nothing",
  ownership: "inherited",
  keepsIdentity: "scope",
  fields: {
    name: "shallow",
    target: "shallow",
    enforcement: "shallow",
    // Every change of these moves `updated_at`, which the listing shows; then they are read at any depth.
    include: "shallow",
    exclude: "shallow",
    ...Object.fromEntries(
      [...switchNames, "pullRequest", "requiredStatusChecks"].map((name) => [
        `rules.${name}`,
        "shallow" as const,
      ]),
    ),
    bypassActors: "shallow",
  },
  reference: ({ repository, ruleset: { name } }) => ({ scope: repository, name }),
  observe: async ({ scope, name, id }, context) => {
    const find = (all: readonly RulesetData[]): RulesetData | undefined =>
      all.find((item) => String(item.id) === id) ?? all.find((item) => item.name === name);
    const found = await context.read({
      listing: scope.toLowerCase(),
      list: () => list(context, scope),
      find,
      single: async () => find(await list(context, scope)),
    });
    if (!found) return { state: "absent" };
    const moved = found.updated_at === undefined || found.updated_at !== context.entry?.fingerprint;
    const deep = context.fresh || context.depth === "deep" || moved;
    const data = deep ? await readOne(context, scope, Number(found.id)) : found;
    if (!data) return { state: "absent" };
    const observed = observedOf(data);
    return {
      state: "present",
      id: String(observed.id),
      name: observed.name,
      owner: "unmarked",
      observed,
      depth: deep ? "deep" : "shallow",
      fingerprint: observed.updatedAt,
    };
  },
  diff,
  create: async ({ repository, ruleset: wanted }, context: Context) => {
    const { client, signal } = context;
    const what = `creating the ruleset ${wanted.name} of ${repository}`;
    const answer = await client.attempt<RulesetData>(
      { what, signal, write: true, tolerate: [422], field: "spec.github.rulesets" },
      (request) =>
        // The SDK types every kind of rule by itself; the spec's are checked by its schema.
        request("POST /repos/{owner}/{repo}/rulesets", {
          ...splitName(repository),
          ...(bodyOf(wanted, undefined) as object as { name: string; enforcement: "active" }),
        }),
    );
    if (answer.ok) return written(answer.data);
    if (!/must be unique/i.test(answer.failure.message)) throw answer.error;
    throw new FlaresmithError({
      code: "INTEGRATION_CONFLICT",
      message: `a ruleset ${wanted.name} of ${repository} came to be while it was created`,
      field: "spec.github.rulesets",
      context: { provider: "github" },
    });
  },
  update: async ({ repository, ruleset: wanted }, observed, _changes, context) => {
    const { client, signal } = context;
    const what = `changing the ruleset ${wanted.name} of ${repository}`;
    // A shallow observation does not hold what must be kept.
    const full = observed.raw
      ? observed
      : observedOf(
          (await readOne(context, repository, observed.id)) ?? {
            id: observed.id,
            name: observed.name,
            enforcement: "disabled",
          },
        );
    const { data } = await client.call<RulesetData>(
      { what, signal, write: true, field: "spec.github.rulesets" },
      (request) =>
        request("PUT /repos/{owner}/{repo}/rulesets/{ruleset_id}", {
          ...splitName(repository),
          ruleset_id: observed.id,
          ...(bodyOf(wanted, full) as object),
        }),
    );
    return written(data);
  },
  remove: async ({ scope, name, id }, context) => {
    const { client, signal } = context;
    const known =
      id === undefined ? (await list(context, scope)).find((item) => item.name === name)?.id : Number(id);
    if (known === undefined) return;
    const answer = await client.attempt(
      { what: `deleting the ruleset ${name} of ${scope}`, signal, write: true, tolerate: [404] },
      (request) =>
        request("DELETE /repos/{owner}/{repo}/rulesets/{ruleset_id}", {
          ...splitName(scope),
          ruleset_id: Number(known),
        }),
    );
    if (!answer.ok) await requireVisible(context, scope);
  },
  outputs: (_desired, { id, name }) => ({ id, name }),
});
