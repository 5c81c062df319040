import { afterEach, beforeEach, expect, test } from "vitest";
import { ApiError } from "../store/resource-client.ts";
import type { ResourceClient } from "../store/resource-client.ts";
import { conditionOf, createSourceWorld, project, typeOf } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";

let world: SourceWorld;
beforeEach(async () => {
  world = await createSourceWorld();
});
afterEach(() => world.stop());

const key = { namespace: "default", name: "shop" };
const shopSpec = async (): Promise<string> => JSON.stringify((await world.get("Project", "shop"))["spec"]);

test("an object that another Source has is a conflict until that one lets go", async () => {
  await world.write({
    "a/shop.yaml": project("shop", "    description: from a"),
    "b/shop.yaml": project("shop", "    description: from b"),
    "b/blog.yaml": project("blog"),
    "a/other.yaml": project("other"),
  });
  await world.source("a", { directory: `${world.directory}/a` });
  await world.sync("a");
  await world.source("b", { directory: `${world.directory}/b` });
  const second = await world.sync("b");
  expect(conditionOf(second, "Ready")).toMatchObject({ status: "False", reason: "Conflict" });
  expect(second.status?.errors).toEqual([
    {
      file: "shop.yaml",
      line: 1,
      column: 1,
      message: 'Project shop belongs to Source "a"; remove it from one of the two',
    },
  ]);
  expect(second.status?.inventory?.map(({ name }) => name)).toEqual(["blog"]);
  expect(await shopSpec()).toContain("from a");
  await world.write({ "a/shop.yaml": null });
  await world.sync("a");
  await world.until(
    async () => (await world.find("Project", "shop")) !== undefined && (await shopSpec()).includes("from b"),
  );
  expect(conditionOf(await world.sync("b"), "Ready")?.status).toBe("True");
});

test("an object that was deleted by name, and is declared by another Source since, is that one's", async () => {
  await world.write({ "a/shop.yaml": project("shop"), "a/gone.yaml": project("gone") });
  await world.source("a", { directory: `${world.directory}/a` });
  await world.sync("a");
  await world.write({ "a/shop.yaml": null, "a/gone.yaml": null });
  expect(conditionOf(await world.sync("a"), "Stalled")?.reason).toBe("EmptySource");
  for (const name of ["shop", "gone"])
    await world.store.delete(typeOf("Project"), { namespace: "default", name });
  await world.sync("a");
  await world.write({ "b/shop.yaml": project("shop", "    description: from b") });
  await world.source("b", { directory: `${world.directory}/b` });
  expect(conditionOf(await world.sync("b"), "Ready")?.status).toBe("True");
  expect((await world.get("Project", "shop")).metadata.labels).toEqual({ "flaresmith.dev/source": "b" });
});

test("an object that a Source declared and never got applied is free when that one no longer declares it", async () => {
  await world.stop();
  const client = new Proxy({} as ResourceClient, {
    get: (_, name: keyof ResourceClient) => {
      const call = (world.store[name] as (...args: unknown[]) => unknown).bind(world.store);
      if (name !== "apply") return call;
      return (...args: unknown[]) =>
        JSON.stringify(args[1]).includes("no shops")
          ? Promise.reject(new ApiError({ code: 422, reason: "Invalid", message: "no shops" }))
          : call(...args);
    },
  });
  world = await createSourceWorld({ client });
  await world.write({
    "a/shop.yaml": project("shop", "    description: no shops"),
    "a/other.yaml": project("other"),
  });
  await world.source("a", { directory: `${world.directory}/a` });
  expect(conditionOf(await world.sync("a"), "Ready")?.reason).toBe("StoreRejected");
  await world.write({ "b/shop.yaml": project("shop") });
  await world.source("b", { directory: `${world.directory}/b`, interval: "24h" });
  expect(conditionOf(await world.sync("b"), "Ready")?.reason).toBe("Conflict");
  await world.write({ "a/shop.yaml": null });
  await world.sync("a");
  await world.until(async () => (await world.find("Project", "shop")) !== undefined);
  expect(world.clock.monotonic()).toBeLessThan(3_600_000);
  expect(conditionOf(await world.sync("b"), "Ready")?.status).toBe("True");
  expect((await world.get("Project", "shop")).metadata.labels).toEqual({ "flaresmith.dev/source": "b" });
});

test("two Sources that start together never take an object from each other", async () => {
  await world.write({
    "a/shop.yaml": project("shop", "    description: from a"),
    "b/shop.yaml": project("shop", "    description: from b"),
  });
  await Promise.all([
    world.source("a", { directory: `${world.directory}/a` }),
    world.source("b", { directory: `${world.directory}/b` }),
  ]);
  const [a, b] = [await world.sync("a"), await world.sync("b")];
  const ready = [a, b].filter((source) => conditionOf(source, "Ready")?.status === "True");
  expect(ready).toHaveLength(1);
  const winner = conditionOf(a, "Ready")?.status === "True" ? "a" : "b";
  expect((await world.get("Project", "shop")).metadata.labels).toEqual({ "flaresmith.dev/source": winner });
  expect(await shopSpec()).toContain(`from ${winner}`);
});

test("fields that kubectl edit set are taken over: what the source does not say goes, consents stay", async () => {
  await world.write({ "shop.yaml": project("shop", "    description: from git") });
  await world.source("platform", { directory: world.directory });
  await world.sync("platform");
  const body = {
    metadata: { annotations: { "flaresmith.dev/adopt": "repository", note: "by hand" } },
    spec: { github: { description: "edited", topics: ["by-hand"] } },
  };
  const edited = await world.store.patch(
    typeOf("Project"),
    key,
    { type: "merge", body },
    { fieldManager: "kubectl-edit" },
  );
  expect(JSON.stringify(edited)).toContain("by-hand");
  await world.until(
    async () => (await shopSpec()).includes("from git") && !(await shopSpec()).includes("by-hand"),
  );
  const { annotations } = (await world.get("Project", "shop")).metadata;
  expect(annotations).toEqual({ "flaresmith.dev/adopt": "repository" });
  const quiet = await world.revision();
  await world.clock.advance(10 * 60_000);
  expect(await world.revision()).toBe(quiet);
});

test("an object that was applied with kubectl apply before loses fields that leave the source", async () => {
  const object = {
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Project",
    metadata: {
      name: "shop",
      namespace: "default",
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    },
    spec: {
      github: {
        connectionRef: { name: "github" },
        repository: "shop",
        description: "old",
        topics: ["by-hand"],
      },
    },
  };
  await world.store.create(typeOf("Project"), object, { fieldManager: "kubectl-client-side-apply" });
  await world.write({ "shop.yaml": project("shop", "    description: old") });
  await world.source("platform", { directory: world.directory });
  await world.sync("platform");
  expect(await shopSpec()).not.toContain("by-hand");
  expect((await world.get("Project", "shop")).metadata.annotations ?? {}).toEqual({});
  await world.write({ "shop.yaml": project("shop") });
  await world.sync("platform");
  expect(await shopSpec()).not.toContain("description");
});

test("fields of other managers stay", async () => {
  await world.write({ "shop.yaml": project("shop") });
  await world.source("platform", { directory: world.directory });
  await world.sync("platform");
  await world.store.patch(
    typeOf("Project"),
    key,
    { type: "merge", body: { spec: { github: { description: "from a tool" } } } },
    { fieldManager: "tool" },
  );
  await world.sync("platform");
  await world.write({ "shop.yaml": project("shop", "    topics: [by-git]") });
  await world.sync("platform");
  expect(await shopSpec()).toContain("from a tool");
  expect(await shopSpec()).toContain("by-git");
});

test("an object declared twice is applied from neither place, and both are named", async () => {
  await world.write({
    "a.yaml": project("shop", "    description: a"),
    "b.yaml": `${project("blog")}---\n${project("shop")}`,
  });
  await world.source("platform", { directory: world.directory });
  const source = await world.sync("platform");
  expect(source.status?.errors?.map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([
    "a.yaml:1 Project shop is declared in b.yaml:10 too; remove all but one",
    "b.yaml:10 Project shop is declared in a.yaml:1 too; remove all but one",
  ]);
  expect(await world.names("Project")).toEqual(["blog"]);
});

test("other kinds, other namespaces and plaintext Secrets are refused with the remedy", async () => {
  await world.write({
    "secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {token: hunter22}\n",
    "deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n",
    "elsewhere.yaml": project("shop").replace("  name: shop", "  name: shop\n  namespace: other"),
    "good.yaml": project("good"),
  });
  await world.source("platform", { directory: world.directory });
  const source = await world.sync("platform");
  expect(
    source.status?.errors?.map(({ file, line, column, field, message }) => ({
      at: `${file}:${line}:${column}`,
      field,
      message,
    })),
  ).toEqual([
    {
      at: "deployment.yaml:2:1",
      field: "kind",
      message: expect.stringContaining("only Connection, Project, Environment, Preview"),
    },
    {
      at: "elsewhere.yaml:5:3",
      field: "metadata.namespace",
      message: expect.stringContaining('applies only into its own, "default"'),
    },
    {
      at: "secret.yaml:2:1",
      field: "kind",
      message: expect.stringContaining("kubectl create secret generic"),
    },
  ]);
  expect(JSON.stringify(source.status)).not.toContain("hunter22");
  expect(await world.names("Project")).toEqual(["good"]);
});
