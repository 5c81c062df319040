/** References and unions change as a whole: no mixture of two writers, which neither of them wrote. */
import { expect, test } from "vitest";
import { environment } from "../../../crds/environment.ts";
import { project } from "../../../crds/project.ts";
import type { KindDefinition } from "../../../crds/kind.ts";
import type { KubernetesObject } from "../resource-client.ts";
import { builtinTypes } from "./builtin/index.ts";
import { kindType } from "./kind-type.ts";
import { openTestStore } from "./testing.ts";

async function storeOf(kind: KindDefinition) {
  const definition = kindType(kind);
  const store = await openTestStore({ types: [...builtinTypes, definition] });
  const key = { namespace: "default", name: "shop" };
  const object = (spec: object): KubernetesObject => ({
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: kind.kind,
    metadata: key,
    spec,
  });
  return {
    apply: async (fieldManager: string, spec: object) =>
      (await store.apply(definition.type, object(spec), { fieldManager, force: true }))["spec"],
    patch: async (spec: object) =>
      (
        await store.patch(
          definition.type,
          key,
          { type: "merge", body: { spec } },
          { fieldManager: "kubectl" },
        )
      )["spec"],
  };
}

test("another Connection's name does not keep the namespace of the one before", async () => {
  const shop = await storeOf(project);
  const github = (connectionRef: object) => ({ github: { connectionRef, repository: "shop" } });
  await shop.apply("one", github({ name: "gh", namespace: "platform" }));
  const after = await shop.apply("another", github({ name: "mine" }));
  expect(after).toMatchObject({ github: { connectionRef: { name: "mine" } } });
  expect(JSON.stringify(after)).not.toContain("platform");
});

test("a Source's branch replaces the revision that somebody pinned, instead of standing beside it", async () => {
  const shop = await storeOf(environment);
  const place = (deploy: object) => ({ projectRef: { name: "shop" }, stage: "Dev", deploy });
  await shop.apply("flaresmith-source", place({ branch: "dev" }));
  const revision = "0123456789abcdef0123456789abcdef01234567";
  expect(await shop.patch({ deploy: { revision, branch: null } })).toMatchObject({ deploy: { revision } });
  const synced = (await shop.apply("flaresmith-source", place({ branch: "dev" }))) as { deploy: object };
  expect(synced.deploy).toEqual({ branch: "dev" });
});

test("where a secret, a variable or a binding comes from is replaced by who names another place", async () => {
  const shop = await storeOf(environment);
  const place = (from: object, variable: object, binding: object) => ({
    projectRef: { name: "shop" },
    stage: "Dev",
    secrets: [{ name: "KEY", from, to: ["Worker"] }],
    cloudflare: {
      workers: [{ name: "api", vars: [{ name: "A", ...variable }], bindings: [{ name: "B", ...binding }] }],
    },
  });
  await shop.apply("one", place({ neon: "connectionUri" }, { value: "1" }, { kv: "cache" }));
  const secretRef = { name: "keys", key: "key" };
  const after = await shop.apply(
    "another",
    place({ secretRef }, { valueFrom: { field: "stage" } }, { r2: "files" }),
  );
  expect(after).toMatchObject({
    secrets: [{ from: { secretRef } }],
    cloudflare: {
      workers: [
        { vars: [{ name: "A", valueFrom: { field: "stage" } }], bindings: [{ name: "B", r2: "files" }] },
      ],
    },
  });
});
