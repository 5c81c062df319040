import fc from "fast-check";
import { expect, test } from "vitest";
import { kvNamespaceTitle, previewName, r2BucketName, workerName } from "./names.ts";

type Parts = [project: string, name: string, environment: string];

const objectName = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/);
const anyPart = fc.oneof(
  objectName,
  fc.stringMatching(/^[a-zA-Z0-9_.-]{1,80}$/),
  fc.constantFrom("a", "a-b", "b", "b-c", "c", "1234abcd"),
);
const parts = fc.tuple(anyPart, anyPart, anyPart);

test("a name reads as project, name and environment", () => {
  expect(workerName("shop", "api", "staging")).toBe("shop-api-staging");
  expect(workerName("my-shop", "api", "staging")).toBe("my-shop-api-staging");
  expect(r2BucketName("shop", "media")).toBe("shop-media");
  expect(kvNamespaceTitle("shop", "cache", "dev")).toBe("shop-cache-dev");
  expect(previewName("feature-x", "shop-api-dev")).toBe("feature-x");
});

test("every name is one that Cloudflare takes", () => {
  fc.assert(
    fc.property(parts, ([project, name, environment]) => {
      expect(workerName(project, name, environment)).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,52}[a-z0-9])?$/);
      expect(r2BucketName(project, name, environment)).toMatch(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
      expect(kvNamespaceTitle(project, name, environment).length).toBeLessThanOrEqual(512);
    }),
  );
});

test("different parts never share a name", () => {
  fc.assert(
    fc.property(parts, parts, (one, two) => {
      fc.pre(one.join("/") !== two.join("/"));
      expect(workerName(...one)).not.toBe(workerName(...two));
      expect(r2BucketName(...one)).not.toBe(r2BucketName(...two));
      expect(kvNamespaceTitle(one[0], one[1])).not.toBe(kvNamespaceTitle(...two));
    }),
    { numRuns: 1000 },
  );
});

test.each([
  [
    ["a-b", "c", "d"],
    ["a", "b-c", "d"],
  ],
  [
    ["a", "b-c", "d"],
    ["a", "b", "c-d"],
  ],
  [
    ["x".repeat(60), "a", "dev"],
    ["x".repeat(60), "b", "dev"],
  ],
  [
    ["Shop", "api", "dev"],
    ["shop", "api", "dev"],
  ],
] as [Parts, Parts][])("%j and %j are told apart", (one, two) => {
  expect(workerName(...one)).not.toBe(workerName(...two));
});

test("the address of a preview is one DNS label, whatever the branch is called", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, maxLength: 120 }),
      fc.string({ minLength: 1, maxLength: 120 }),
      objectName,
      (branch, other, project) => {
        const worker = workerName(project, "api", "staging");
        const name = previewName(branch, worker);
        expect(name).toMatch(/^[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9]))*$/);
        expect(`${name}-${worker}`.length).toBeLessThanOrEqual(63);
        if (branch !== other) expect(previewName(other, worker)).not.toBe(name);
      },
    ),
    { numRuns: 500 },
  );
});
