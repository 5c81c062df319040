/** What each kind accepts and refuses, with the words that people then read. */
import { describe, expect, it } from "vitest";
import { kinds, schemaOf } from "./index.ts";
import { applyDefaults } from "./schema/prepare.ts";
import { validateRules } from "./schema/rules.ts";
import { validateStructure } from "./schema/validate.ts";

const least: Readonly<Record<string, Record<string, unknown>>> = {
  Connection: { provider: "GitHub", credentials: { secretRef: { name: "github" } } },
  Source: { directory: "/platform" },
  Project: {},
  Environment: { projectRef: { name: "shop" }, stage: "Dev" },
  Preview: { projectRef: { name: "shop" }, branch: "dev" },
};

/** Why a spec is refused, `field: message` each; nothing when it is accepted. */
function refusals(kind: string, spec: Record<string, unknown>): string[] {
  const definition = kinds.find((one) => one.kind === kind);
  if (definition === undefined) throw new Error(`no kind ${kind}`);
  const schema = schemaOf(definition);
  const object = structuredClone({ spec: { ...least[kind], ...spec } });
  applyDefaults(object, schema);
  return [
    ...validateStructure(object, schema),
    ...validateRules(definition.rules, schema, object, undefined),
  ].map(({ field, message }) => `${field}: ${message}`);
}

describe("allowedNamespaces", () => {
  it("takes names of namespaces, and * for all", () => {
    expect(refusals("Connection", { allowedNamespaces: ["team-a", "*"] })).toEqual([]);
  });

  it.each(["**", "team-*", "*.example", ""])("refuses %s: there are no patterns", (text) => {
    expect(refusals("Connection", { allowedNamespaces: [text] })).toEqual([
      expect.stringMatching(/^spec\.allowedNamespaces\[0\]: /),
    ]);
  });

  it("is a set", () => {
    expect(refusals("Connection", { allowedNamespaces: ["a", "a"] })).toEqual([
      'spec.allowedNamespaces[1]: Duplicate value: "a"',
    ]);
  });
});

describe.each(kinds.map(({ kind }) => kind))("the interval of a %s", (kind) => {
  it.each(["30s", "90s", "10m", "1h30m", "24h"])("may be %s", (interval) => {
    expect(refusals(kind, { interval })).toEqual([]);
  });

  it.each(["0s", "29s", "24h1s"])("may not be %s", (interval) => {
    expect(refusals(kind, { interval })).toEqual([
      `spec.interval: Invalid value: "${interval}": interval must be between 30s and 24h`,
    ]);
  });

  it("may not be longer than anything can count", () => {
    expect(refusals(kind, { interval: "99999999999999999h" })).toEqual([
      "spec.interval: Invalid value: interval must be between 30s and 24h",
    ]);
  });
});

describe.each(["Project", "Environment", "Preview"])("the deepInterval of %s", (kind) => {
  it.each(["1m", "6h", "168h"])("may be %s", (deepInterval) => {
    expect(refusals(kind, { deepInterval })).toEqual([]);
  });

  it.each(["0s", "59s", "169h"])("may not be %s", (deepInterval) => {
    expect(refusals(kind, { deepInterval })).toEqual([
      `spec.deepInterval: Invalid value: "${deepInterval}": deepInterval must be between 1m and 168h`,
    ]);
  });
});

describe("a Project's repository", () => {
  const github = (extra: Record<string, unknown>) => ({
    github: { connectionRef: { name: "github" }, repository: "shop", ...extra },
  });
  const ruleset = (rules: Record<string, unknown>) => github({ rulesets: [{ name: "main", rules }] });

  it.each([{ deletion: true }, { pullRequest: {} }, { creation: false, update: true }])(
    "may have a ruleset of %j",
    (rules) => {
      expect(refusals("Project", ruleset(rules))).toEqual([]);
    },
  );

  it.each([{}, { deletion: false }])("may not have a ruleset of %j, which protects nothing", (rules) => {
    expect(refusals("Project", ruleset(rules))).toEqual([
      "spec.github.rulesets[0].rules: Invalid value: set at least one rule: a rule that is false is none",
    ]);
  });

  it("has 19 topics at most, because one of GitHub's 20 is the marker", () => {
    const topics = Array.from({ length: 20 }, (_, index) => `t${index}`);
    expect(refusals("Project", github({ topics: topics.slice(1) }))).toEqual([]);
    expect(refusals("Project", github({ topics }))).toEqual([
      "spec.github.topics: Too many: 20: must have at most 19 items",
    ]);
  });
});
