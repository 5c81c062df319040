import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rawRules, rulesOf, switchNames } from "./ruleset-rules.ts";
import type { RawRule } from "./ruleset-rules.ts";
import type { RulesetSpec } from "./types.ts";

const flags = fc
  .subarray([...switchNames])
  .map((names) => Object.fromEntries(names.map((name) => [name, true as const])));
const pullRequest = fc.record({
  requiredApprovingReviewCount: fc.integer({ min: 0, max: 10 }),
  dismissStaleReviewsOnPush: fc.boolean(),
  requireCodeOwnerReview: fc.boolean(),
  requireLastPushApproval: fc.boolean(),
  requiredReviewThreadResolution: fc.boolean(),
});
const check = fc.record(
  { context: fc.string({ minLength: 1 }), integrationId: fc.nat() },
  { requiredKeys: ["context"] },
);
const requiredStatusChecks = fc.record({
  strict: fc.boolean(),
  checks: fc.array(check, { minLength: 1, maxLength: 5 }),
});
const rules: fc.Arbitrary<RulesetSpec["rules"]> = fc
  .tuple(flags, fc.record({ pullRequest, requiredStatusChecks }, { requiredKeys: [] }))
  .map(([names, others]) => ({ ...names, ...others }));
const foreign: fc.Arbitrary<RawRule[]> = fc.array(
  fc.constantFrom<RawRule>(
    { type: "commit_message_pattern", parameters: { operator: "contains", pattern: "#" } },
    { type: "merge_queue" },
    { type: "workflows", parameters: { workflows: [] } },
  ),
);

describe("rules on their way to GitHub and back", () => {
  it("are the same, whatever was there before", () => {
    fc.assert(
      fc.property(rules, rules, foreign, (wanted, before, others) => {
        expect(rulesOf(rawRules(wanted, [...rawRules(before, []), ...others]))).toEqual(wanted);
      }),
    );
  });

  it("keep every rule whose type the spec cannot say", () => {
    fc.assert(
      fc.property(rules, foreign, (wanted, others) => {
        expect(rawRules(wanted, others)).toEqual(expect.arrayContaining(others));
      }),
    );
  });
});
