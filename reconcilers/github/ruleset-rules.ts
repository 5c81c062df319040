/** Rules of a ruleset: the spec's words against GitHub's list of typed rules. */
import type { RulesetSpec } from "./types.ts";

type Rules = RulesetSpec["rules"];

export interface RawRule {
  type: string;
  parameters?: Record<string, unknown>;
}

/** Rules without parameters: name in the spec -> GitHub's type. */
const switches = Object.freeze({
  creation: "creation",
  update: "update",
  deletion: "deletion",
  nonFastForward: "non_fast_forward",
  requiredLinearHistory: "required_linear_history",
  requiredSignatures: "required_signatures",
} satisfies Partial<Record<keyof Rules, string>>);

const pullRequestNames = Object.freeze({
  requiredApprovingReviewCount: "required_approving_review_count",
  dismissStaleReviewsOnPush: "dismiss_stale_reviews_on_push",
  requireCodeOwnerReview: "require_code_owner_review",
  requireLastPushApproval: "require_last_push_approval",
  requiredReviewThreadResolution: "required_review_thread_resolution",
} satisfies Record<keyof NonNullable<Rules["pullRequest"]>, string>);

const PULL_REQUEST = "pull_request";
const STATUS_CHECKS = "required_status_checks";
const known = new Set<string>([...Object.values(switches), PULL_REQUEST, STATUS_CHECKS]);

export const switchNames = Object.freeze(Object.keys(switches) as (keyof typeof switches)[]);

const asText = (value: unknown): string => (typeof value === "string" ? value : "");

function pullRequestOf(parameters: Record<string, unknown>): NonNullable<Rules["pullRequest"]> {
  const flag = (name: keyof typeof pullRequestNames): boolean => parameters[pullRequestNames[name]] === true;
  return {
    requiredApprovingReviewCount: Number(parameters[pullRequestNames.requiredApprovingReviewCount] ?? 0),
    dismissStaleReviewsOnPush: flag("dismissStaleReviewsOnPush"),
    requireCodeOwnerReview: flag("requireCodeOwnerReview"),
    requireLastPushApproval: flag("requireLastPushApproval"),
    requiredReviewThreadResolution: flag("requiredReviewThreadResolution"),
  };
}

function statusChecksOf(parameters: Record<string, unknown>): NonNullable<Rules["requiredStatusChecks"]> {
  const checks = Array.isArray(parameters["required_status_checks"])
    ? (parameters["required_status_checks"] as Record<string, unknown>[])
    : [];
  return {
    strict: parameters["strict_required_status_checks_policy"] === true,
    checks: checks.map((check) => {
      const id = check["integration_id"];
      return {
        context: asText(check["context"]),
        ...(id === undefined || id === null ? {} : { integrationId: Number(id) }),
      };
    }),
  };
}

/** What GitHub shows, in the spec's words; types that the spec does not know are left out. */
export function rulesOf(raw: readonly RawRule[]): Rules {
  const types = new Map(raw.map((rule) => [rule.type, rule.parameters ?? {}]));
  const rules: Rules = {};
  for (const name of switchNames) if (types.has(switches[name])) rules[name] = true;
  const pullRequest = types.get(PULL_REQUEST);
  if (pullRequest) rules.pullRequest = pullRequestOf(pullRequest);
  const checks = types.get(STATUS_CHECKS);
  if (checks) rules.requiredStatusChecks = statusChecksOf(checks);
  return rules;
}

/**
 * What to send: exactly the rules of the spec, with the parameters that the spec cannot say, and rules of types that it
 * does not know, as they are.
 */
export function rawRules(rules: Rules, existing: readonly RawRule[]): RawRule[] {
  const parametersOf = (type: string): Record<string, unknown> =>
    existing.find((rule) => rule.type === type)?.parameters ?? {};
  const raw: RawRule[] = existing.filter((rule) => !known.has(rule.type));
  for (const name of switchNames) {
    if (rules[name] !== true) continue;
    const parameters = parametersOf(switches[name]);
    raw.push({ type: switches[name], ...(Object.keys(parameters).length === 0 ? {} : { parameters }) });
  }
  const { pullRequest, requiredStatusChecks } = rules;
  if (pullRequest) {
    const wanted = Object.entries(pullRequest).map(([name, value]) => [
      pullRequestNames[name as keyof typeof pullRequestNames],
      value,
    ]);
    raw.push({
      type: PULL_REQUEST,
      parameters: { ...parametersOf(PULL_REQUEST), ...Object.fromEntries(wanted) },
    });
  }
  if (requiredStatusChecks) {
    const checks = requiredStatusChecks.checks.map(({ context, integrationId }) => ({
      context,
      ...(integrationId === undefined ? {} : { integration_id: integrationId }),
    }));
    raw.push({
      type: STATUS_CHECKS,
      parameters: {
        ...parametersOf(STATUS_CHECKS),
        strict_required_status_checks_policy: requiredStatusChecks.strict,
        required_status_checks: checks,
      },
    });
  }
  return raw;
}
