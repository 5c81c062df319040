import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkConditionInvariants } from "./condition-invariants.ts";
import { getCondition, isTrue, removeCondition, setCondition, summarize } from "./conditions.ts";
import type { Condition, StatusPart } from "./conditions.ts";

const earlier = "2026-01-01T00:00:00Z";
const later = "2026-01-01T00:10:00Z";
const part = (changes: Partial<StatusPart> = {}): StatusPart => ({
  type: "NeonSynced",
  status: "True",
  reason: "Succeeded",
  message: "In sync.",
  ...changes,
});
const violations = (conditions: readonly Condition[], generation = 3, observedGeneration = 3): string[] =>
  checkConditionInvariants({
    metadata: { name: "shop", generation },
    status: { observedGeneration, conditions },
  }).map(({ id }) => id);
const ready = (changes: Partial<Condition> = {}): Condition => ({
  type: "Ready",
  status: "True",
  observedGeneration: 3,
  lastTransitionTime: earlier,
  reason: "Succeeded",
  message: "fine",
  ...changes,
});

describe("setting a condition", () => {
  it("keeps the transition time while the status stays, and moves it when the status changes", () => {
    const first = setCondition([], { type: "Ready", status: "False", reason: "A", message: "a" }, earlier);
    const second = setCondition(first, { type: "Ready", status: "False", reason: "B", message: "b" }, later);
    expect(second).toMatchObject([{ reason: "B", message: "b", lastTransitionTime: earlier }]);
    const third = setCondition(second, { type: "Ready", status: "True", reason: "C", message: "c" }, later);
    expect(third).toMatchObject([{ lastTransitionTime: later }]);
    expect(first).toMatchObject([{ reason: "A" }]);
  });

  it("puts what kstatus reads first in front and cuts messages the API would refuse", () => {
    let conditions: readonly Condition[] = [];
    for (const type of ["UpToDate", "Ready", "GitHubSynced", "Stalled"]) {
      conditions = setCondition(
        conditions,
        { type, status: "True", reason: "R", message: "x".repeat(40_000) },
        earlier,
      );
    }
    expect(conditions.map(({ type }) => type)).toEqual(["Stalled", "Ready", "GitHubSynced", "UpToDate"]);
    expect(conditions[0]?.message).toHaveLength(32_768);
    expect(removeCondition(conditions, "Stalled").map(({ type }) => type)).not.toContain("Stalled");
  });
});

describe("summarizing", () => {
  const summary = (parts: StatusPart[], more: Partial<Parameters<typeof summarize>[0]> = {}) =>
    summarize({ previous: [], generation: 3, now: later, parts, ...more });

  it("is Ready when every part is True", () => {
    const conditions = summary([part(), part({ type: "UpToDate" })]);
    expect(conditions.map(({ type, status }) => `${type}=${status}`)).toEqual([
      "Ready=True",
      "NeonSynced=True",
      "UpToDate=True",
    ]);
  });

  it("one provider that fails and is retried makes it not Ready and Reconciling, in that provider's words", () => {
    const conditions = summary([
      part({ type: "GitHubSynced" }),
      part({ status: "False", reason: "ProviderUnavailable", message: "Neon answers 503." }),
    ]);
    expect(getCondition(conditions, "Ready")).toMatchObject({
      status: "False",
      reason: "ProviderUnavailable",
      message: "Neon answers 503.",
    });
    expect(isTrue(conditions, "Reconciling")).toBe(true);
    expect(getCondition(conditions, "Stalled")).toBeUndefined();
  });

  it("what waits for a person is Stalled, never Reconciling", () => {
    const conditions = summary([
      part({ status: "False", reason: "ConfirmationRequired", message: "Confirm.", waitsFor: "person" }),
    ]);
    expect(conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
      "Stalled=True ConfirmationRequired",
      "Ready=False ConfirmationRequired",
      "NeonSynced=False ConfirmationRequired",
    ]);
  });

  it("is Reconciling, and says both, when one part waits for a person and another is retried", () => {
    const conditions = summary([
      part({
        type: "GitHubSynced",
        status: "False",
        reason: "Conflict",
        message: "Taken.",
        waitsFor: "person",
      }),
      part({ status: "Unknown", reason: "ProviderTimeout", message: "No answer." }),
    ]);
    expect(isTrue(conditions, "Reconciling")).toBe(true);
    expect(getCondition(conditions, "Ready")?.message).toBe("GitHubSynced: Taken. NeonSynced: No answer.");
  });

  it("drift under Warn is reported and does not count", () => {
    const drift = part({ type: "UpToDate", status: "False", reason: "DriftDetected", countsForReady: false });
    expect(isTrue(summary([part(), drift]), "Ready")).toBe(true);
  });

  it("an invalid spec stalls whatever the parts say, and progress holds Ready back", () => {
    const stalled = summary([part()], { stalled: { reason: "InvalidSpec", message: "Wrong." } });
    expect(getCondition(stalled, "Stalled")?.reason).toBe("InvalidSpec");
    const deleting = summary([part()], { progress: { reason: "Deleting", message: "Deleting." } });
    expect(getCondition(deleting, "Ready")).toMatchObject({ status: "False", reason: "Deleting" });
  });

  it("keeps transition times of what did not change and drops conditions that are no part any more", () => {
    const previous = [ready({ observedGeneration: 1 }), ready({ type: "CloudflareSynced" })];
    const conditions = summary([part()], { previous });
    expect(getCondition(conditions, "Ready")).toMatchObject({
      lastTransitionTime: earlier,
      observedGeneration: 3,
    });
    expect(getCondition(conditions, "CloudflareSynced")).toBeUndefined();
  });

  it("never breaks an invariant, whatever the parts, and a second pass changes nothing", () => {
    const status = fc.constantFrom("True", "False", "Unknown" as const);
    const anyPart = fc.record({
      type: fc.constantFrom("GitHubSynced", "NeonSynced", "CloudflareSynced", "UpToDate"),
      status,
      reason: fc.constantFrom("Succeeded", "Conflict", "ProviderTimeout"),
      message: fc.constantFrom("one", "two"),
      waitsFor: fc.constantFrom("time", "person", undefined),
      countsForReady: fc.constantFrom(true, false, undefined),
    }) as fc.Arbitrary<StatusPart>;
    const note = fc.option(fc.constant({ reason: "Noted", message: "noted" }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.uniqueArray(anyPart, { selector: ({ type }) => type }),
        note,
        note,
        (parts, progress, stalled) => {
          const once = summary(parts, { progress, stalled, previous: [ready()] });
          expect(violations(once)).toEqual([]);
          expect(
            summary(parts.toReversed(), { progress, stalled, previous: once, now: "2027-01-01T00:00:00Z" }),
          ).toEqual(once);
        },
      ),
    );
  });
});

describe("the invariant checker finds", () => {
  const negativeType = (type: string, status: Condition["status"] = "True"): Condition =>
    ready({ type, status });
  it.each<[string, readonly Condition[], number, number]>([
    ["FAIL0001", [ready(), negativeType("Reconciling")], 3, 3],
    ["FAIL0002", [], 3, 3],
    ["FAIL0003", [ready({ status: "Unknown" }), negativeType("Reconciling")], 3, 3],
    ["FAIL0004", [ready({ status: "Unknown" }), negativeType("Stalled")], 3, 3],
    ["FAIL0005", [ready({ status: "False" }), negativeType("Reconciling"), negativeType("Stalled")], 3, 3],
    ["FAIL0006", [ready()], 2, 3],
    ["FAIL0007", [ready()], 4, 3],
    ["FAIL0008", [ready({ observedGeneration: 2 })], 3, 3],
    [
      "FAIL0009",
      [ready(), negativeType("NeonSynced"), ready({ type: "X", observedGeneration: undefined })],
      3,
      3,
    ],
    ["FAIL0011", [ready({ status: "Unknown" })], 3, 3],
    ["FLARE0001", [ready(), negativeType("Stalled", "False")], 3, 3],
    ["FLARE0002", [ready(), ready()], 3, 3],
    ["FLARE0003", [ready({ reason: "not camel" })], 3, 3],
    ["FLARE0003", [ready({ lastTransitionTime: "2026-01-01T00:00:00.123Z" })], 3, 3],
    ["FLARE0004", [ready({ message: "finished in 2.084s" })], 3, 3],
  ])("%s", (id, conditions, generation, observed) => {
    expect(violations(conditions, generation, observed)).toContain(id);
  });

  it("nothing in a sound status", () => {
    expect(violations([ready()])).toEqual([]);
    expect(violations([ready({ status: "False" }), negativeType("Stalled")])).toEqual([]);
  });
});

it("Ready names what went wrong and leaves what only follows from it to its own condition", () => {
  const conditions = summarize({
    previous: [],
    generation: 1,
    now: "2026-01-01T00:00:00Z",
    parts: [
      {
        type: "CloudflareSynced",
        status: "False",
        reason: "DependencyNotReady",
        message: "The Worker waits for the branch.",
        consequence: true,
        waitsFor: "person",
      },
      {
        type: "NeonSynced",
        status: "False",
        reason: "Conflict",
        message: "The branch belongs to somebody else.",
        waitsFor: "person",
      },
    ],
  });
  const messages = Object.fromEntries(conditions.map(({ message, type }) => [type, message]));
  expect(messages["Ready"]).toBe("The branch belongs to somebody else.");
  expect(messages["CloudflareSynced"]).toBe("The Worker waits for the branch.");
});
