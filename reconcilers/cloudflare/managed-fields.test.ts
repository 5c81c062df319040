import { expect, test } from "vitest";
import { workerSettings } from "../../crds/environment.ts";
import {
  domains,
  kvNamespace,
  preview,
  r2Bucket,
  routes,
  schedules,
  worker,
  workerSubdomain,
} from "./index.ts";

const definitions = [domains, kvNamespace, preview, r2Bucket, routes, schedules, worker, workerSubdomain];

test("every setting of a Worker that the spec knows is managed by one of the definitions", () => {
  const managed = new Set(definitions.flatMap((definition) => Object.keys(definition.fields)));
  const settings = Object.keys(workerSettings.shape).filter((field) => field !== "name");
  expect(settings.filter((field) => !managed.has(field))).toEqual([]);
});

test("types, segments and depths are what the engine expects", () => {
  expect(new Set(definitions.map((definition) => definition.type)).size).toBe(definitions.length);
  expect(new Set(definitions.map((definition) => definition.segment)).size).toBe(definitions.length);
  for (const definition of definitions) {
    expect(
      Object.values(definition.fields).every((depth) => ["shallow", "deep", "write-only"].includes(depth)),
    ).toBe(true);
  }
});
