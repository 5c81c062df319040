/** Server-side apply of maps and blocks with nothing in them. */
import { expect, test } from "vitest";
import { project } from "../../../crds/project.ts";
import type { KubernetesObject } from "../resource-client.ts";
import { builtinTypes } from "./builtin/index.ts";
import { kindType } from "./kind-type.ts";
import { openTestStore, thing, thingType } from "./testing.ts";

test("a map that its owner empties is empty", async () => {
  const store = await openTestStore();
  const apply = async (spec: object): Promise<unknown> =>
    (await store.apply(thingType, thing("a", spec), { fieldManager: "one" }))["spec"];
  expect(await apply({ map: { a: 1 }, scalar: 1 })).toEqual({ map: { a: 1 }, scalar: 1 });
  // kube-apiserver leaves a null here and refuses it.
  expect(await apply({ map: {}, scalar: 1 })).toEqual({ map: {}, scalar: 1 });
});

test("defaults in a block that is applied empty stay, whatever else is applied", async () => {
  const definition = kindType(project);
  const store = await openTestStore({ types: [...builtinTypes, definition] });
  const apply = (labels: Record<string, string>): Promise<KubernetesObject> => {
    const metadata = { name: "shop", namespace: "default", labels };
    const config = { apiVersion: "flaresmith.dev/v1alpha1", kind: "Project", metadata, spec: {} };
    return store.apply<KubernetesObject>(definition.type, config, { fieldManager: "one" });
  };
  const { spec } = await apply({ a: "1" });
  expect(spec).toMatchObject({ interval: "10m" });
  expect((await apply({ b: "1" })).spec).toEqual(spec);
});
