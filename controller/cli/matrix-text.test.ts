import { expect, test } from "vitest";
import type { KubernetesObject } from "../store/resource-client.ts";
import { matricesOf } from "./matrix-text.ts";

const object = (kind: string, name: string, namespace: string, project?: string): KubernetesObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind,
  metadata: { name, namespace },
  spec: project === undefined ? {} : { projectRef: { name: project }, stage: "Dev" },
});

test("each Project has the places of its own namespace and name", () => {
  const matrices = matricesOf([
    object("Project", "shop", "b"),
    object("Project", "shop", "a"),
    object("Project", "bar", "a"),
    object("Environment", "dev", "a", "shop"),
    object("Environment", "dev", "b", "shop"),
    object("Preview", "pr", "a", "shop"),
    object("Environment", "lost", "a", "nobody"),
  ]);
  expect(
    matrices.map(({ namespace, project, rows }) => [namespace, project, rows.map(({ name }) => name)]),
  ).toEqual([
    ["a", "bar", []],
    ["a", "shop", ["dev", "pr"]],
    ["b", "shop", ["dev"]],
  ]);
});

test("as many Projects as places cost each place a look, not each pair", () => {
  let looks = 0;
  const counted = (one: KubernetesObject): KubernetesObject =>
    Object.defineProperty(one, "kind", {
      get: () => {
        looks += 1;
        return one.metadata.name.startsWith("p") ? "Project" : "Environment";
      },
    });
  const count = 500;
  const all = Array.from({ length: count }, (_, index) => [
    counted(object("Project", `p${index}`, "a")),
    counted(object("Environment", `e${index}`, "a", `p${index}`)),
  ]).flat();
  expect(matricesOf(all)).toHaveLength(count);
  expect(looks).toBeLessThan(count * 20);
});
