import { describe, expect, test } from "vitest";
import { planPrune } from "./plan-prune.ts";

const object = (name: string) => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Project",
  metadata: { name, uid: `uid-${name}` },
});
const uids = (...names: string[]): ReadonlySet<string> => new Set(names.map((name) => `uid-${name}`));
const plan = (owned: number, gone: number, options: Partial<Parameters<typeof planPrune>[0]> = {}) => {
  const objects = Array.from({ length: owned }, (_, index) => object(`p${index}`));
  const declared = new Set(objects.slice(gone).map(({ metadata }) => `Project/${metadata.name}`));
  const result = planPrune({
    owned: objects,
    declared,
    complete: true,
    prune: true,
    revision: "main@sha1:b",
    window: { since: 0, owned, deleted: 0 },
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
    ["the revision alone as consent", 4, 3, { confirmed: "main@sha1:b" }, "ConfirmationRequired"],
    [
      "a prune of this revision that began with these and more",
      4,
      3,
      { approved: { revision: "main@sha1:b", uids: uids("p0", "p1", "p2", "p9") } },
      "delete 3",
    ],
    [
      "a prune of this revision that began with fewer",
      4,
      3,
      { approved: { revision: "main@sha1:b", uids: uids("p0", "p1") } },
      "ConfirmationRequired",
    ],
    [
      "a prune of another revision that began with these",
      4,
      3,
      { approved: { revision: "main@sha1:a", uids: uids("p0", "p1", "p2") } },
      "ConfirmationRequired",
    ],
    ["consent to an empty listing", 100, 100, { confirmed: "main@sha1:b" }, "EmptySource"],
    ["a listing with errors", 100, 1, { complete: false }, "none"],
    ["an empty listing with errors", 100, 100, { complete: false }, "none"],
    ["prune: false", 100, 99, { prune: false }, "release 99"],
    ["prune: false and nothing declared", 100, 100, { prune: false }, "EmptySource"],
  ])("%s", (_name, owned, gone, options, expected) => {
    expect(plan(owned, gone, options)).toBe(expected);
  });
});

describe("what went before, within the same ten minutes", () => {
  const window = { since: 1000, owned: 100, deleted: 20 };
  test.each<[string, number, number, Partial<Parameters<typeof planPrune>[0]>, string]>([
    ["leaves what is free of what was there at first", 80, 5, {}, "delete 5"],
    ["and counts", 80, 6, {}, "ConfirmationRequired"],
    [
      "and makes nothing free that is too much by itself",
      20,
      6,
      { window: { ...window, deleted: 0 } },
      "ConfirmationRequired",
    ],
    ["is little in what grew since", 400, 80, {}, "delete 80"],
    ["is not counted twice", 80, 6, { approved: { revision: "main@sha1:a", uids: uids("p0") } }, "delete 6"],
    [
      "counts for nothing where a prune goes on",
      80,
      10,
      {
        approved: {
          revision: "main@sha1:b",
          uids: uids(...Array.from({ length: 10 }, (_, index) => `p${index}`)),
        },
      },
      "delete 10",
    ],
  ])("%s", (_name, owned, gone, options, expected) => {
    expect(plan(owned, gone, { window, ...options })).toBe(expected);
  });
});

describe("consent", () => {
  const owned = ["p0", "p1", "p2", "p3"].map(object);
  const declared = new Set(["Project/p3"]);
  const window = { since: 0, owned: owned.length, deleted: 2 };
  const given = { owned, declared, complete: true, prune: true, revision: "main@sha1:b", window };
  const held = planPrune(given);
  const asked = /confirm-prune: (\S+)/.exec(held.kind === "held" ? held.message : "")?.[1] ?? "";
  const kindOf = (options: Partial<Parameters<typeof planPrune>[0]> = {}): string =>
    planPrune({ ...given, confirmed: asked, ...options }).kind;

  test("names the revision, and deletes what it was asked for, in whatever order it is listed", () => {
    expect(asked).toMatch(/^main@sha1:b#[0-9a-f]{12}$/);
    expect(kindOf()).toBe("delete");
    expect(kindOf({ owned: owned.toReversed() })).toBe("delete");
  });

  test("counts for nothing in what is free afterwards", () => {
    expect(planPrune({ ...given, confirmed: asked })).toMatchObject({ window });
  });

  test.each<[string, Partial<Parameters<typeof planPrune>[0]>]>([
    ["another revision", { revision: "main@sha1:c" }],
    ["another object besides", { owned: [...owned, object("p4")] }],
    ["other objects", { declared: new Set(["Project/p0"]) }],
    [
      "one that was made anew since",
      { owned: owned.map((one) => ({ ...one, metadata: { ...one.metadata, uid: "new" } })) },
    ],
    ["a listing with errors", { complete: false }],
  ])("does not speak for %s", (_name, options) => {
    expect(kindOf(options)).not.toBe("delete");
  });
});
