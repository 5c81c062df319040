/** GitHub's representation of a deployment environment in the words of the spec. */
import type { EnvironmentObserved, ObservedReviewer } from "./types.ts";

/** What is used of a protection rule; which members there are depends on its type. */
interface ProtectionRule {
  type: string;
  wait_timer?: number;
  prevent_self_review?: boolean;
  reviewers?: readonly {
    type?: string;
    reviewer?: { id?: number | bigint; login?: string; slug?: string };
  }[];
}

/** What is used of GitHub's representation. */
export interface EnvironmentData {
  id: number | bigint;
  name: string;
  // The SDK types rules as alternatives that cannot be told apart by `type`; they are read leniently.
  protection_rules?: readonly unknown[];
  deployment_branch_policy?: { protected_branches: boolean; custom_branch_policies: boolean } | null;
  can_admins_bypass?: boolean;
}

function reviewersOf(rules: readonly ProtectionRule[]): ObservedReviewer[] {
  return rules
    .flatMap((rule) => rule.reviewers ?? [])
    .map(({ type, reviewer }): ObservedReviewer => ({
      type: type === "Team" ? "Team" : "User",
      id: Number(reviewer?.id ?? 0),
      name: reviewer?.slug ?? reviewer?.login ?? "",
    }));
}

/** @param patterns the custom branch patterns; undefined when they were not looked at */
export function environmentObserved(
  data: EnvironmentData,
  patterns: EnvironmentObserved["patterns"],
): EnvironmentObserved {
  const rules = (data.protection_rules ?? []) as readonly ProtectionRule[];
  const policy = data.deployment_branch_policy ?? null;
  return {
    id: Number(data.id),
    name: data.name,
    reviewers: reviewersOf(rules),
    waitTimer: rules.find((rule) => rule.type === "wait_timer")?.wait_timer ?? 0,
    preventSelfReview: rules.some((rule) => rule.prevent_self_review === true),
    canAdminsBypass: data.can_admins_bypass,
    branchPolicy: policy === null ? "all" : policy.custom_branch_policies ? "custom" : "protected",
    patterns: policy?.custom_branch_policies === true ? patterns : [],
  };
}
