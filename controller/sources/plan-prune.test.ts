import { describe, expect, test } from "vitest";
import { planPrune } from "./plan-prune.ts";

const object = (name: string) => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Project",
  metadata: { name },
});
const plan = (owned: number, gone: number, options: Partial<Parameters<typeof planPrune>[0]> = {}) => {
  const objects = Array.from({ length: owned }, (_, index) => object(`p${index}`));
  const declared = new Set(objects.slice(gone).map(({ metadata }) => `Project/${metadata.name}`));
  const result = planPrune({
    owned: objects,
    declared,
    complete: true,
    prune: true,
    revision: "main@sha1:b",
    ...options,
  });
  return "objects" in result
    ? `${result.kind} ${result.objects.length}`
    : result.kind === "held"
      ? result.reason
      : result.kind;
};

describe("the guard", () => {
  test.each([
    // owned, no longer declared
    [2, 0, "none"],
    [2, 1, "delete 1"],
    [3, 2, "delete 2"],
    [4, 3, "ConfirmationRequired"],
    [8, 2, "delete 2"],
    [8, 3, "ConfirmationRequired"],
    [12, 3, "delete 3"],
    [12, 4, "ConfirmationRequired"],
    [100, 25, "delete 25"],
    [100, 26, "ConfirmationRequired"],
    [100, 99, "ConfirmationRequired"],
    // An empty listing never deletes, however little there is.
    [1, 1, "EmptySource"],
    [2, 2, "EmptySource"],
    [100, 100, "EmptySource"],
  ])("%i owned, %i gone: %s", (owned, gone, expected) => {
    expect(plan(owned, gone)).toBe(expected);
  });

  test.each([
    ["the annotation of this revision", 100, 99, { confirmed: "main@sha1:b" }, "delete 99"],
    ["the annotation of another revision", 100, 99, { confirmed: "main@sha1:a" }, "ConfirmationRequired"],
    ["a prune of this revision that began", 100, 99, { approved: "main@sha1:b" }, "delete 99"],
    ["consent to an empty listing", 100, 100, { confirmed: "main@sha1:b" }, "EmptySource"],
    ["a listing with errors", 100, 1, { complete: false }, "none"],
    ["a listing with errors and consent", 100, 99, { complete: false, confirmed: "main@sha1:b" }, "none"],
    ["an empty listing with errors", 100, 100, { complete: false }, "none"],
    ["prune: false", 100, 99, { prune: false }, "release 99"],
    ["prune: false and nothing declared", 100, 100, { prune: false }, "EmptySource"],
  ])("%s", (_name, owned, gone, options, expected) => {
    expect(plan(owned, gone, options)).toBe(expected);
  });
});
