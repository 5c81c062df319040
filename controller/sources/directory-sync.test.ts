import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { conditionOf, createSourceWorld, project, typeOf } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";

let world: SourceWorld;
beforeEach(async () => {
  world = await createSourceWorld();
});
afterEach(() => world.stop());

const connection = `apiVersion: flaresmith.dev/v1alpha1
kind: Connection
metadata: {name: github}
spec:
  provider: GitHub
  account: acme
  credentials: {secretRef: {name: github}}
`;

describe("a directory", () => {
  test("is applied with its folders, and the status says what came from where", async () => {
    await world.write({
      "connections/github.yaml": connection,
      "shop.yml": project("shop"),
      "blog.json": JSON.stringify({
        apiVersion: "flaresmith.dev/v1alpha1",
        kind: "Project",
        metadata: { name: "blog" },
        spec: { github: { connectionRef: { name: "github" }, repository: "blog" } },
      }),
    });
    await world.source("platform", { directory: world.directory });
    const source = await world.sync("platform");
    expect(conditionOf(source, "Ready")).toMatchObject({
      status: "True",
      message: expect.stringMatching(/^3 objects are applied from dir@sha256:/),
    });
    expect(source.status?.inventory).toEqual([
      { kind: "Connection", name: "github", file: "connections/github.yaml" },
      { kind: "Project", name: "blog", file: "blog.json" },
      { kind: "Project", name: "shop", file: "shop.yml" },
    ]);
    const shop = await world.get("Project", "shop");
    expect(shop.metadata.labels).toEqual({ "flaresmith.dev/source": "platform" });
    expect(shop["spec"]).toMatchObject({ github: { repository: "shop" } });
    expect(source.status?.appliedRevision).toBe(source.status?.observedRevision);
  });

  test("that did not change causes no write, and a changed file causes one", async () => {
    await world.write({ "shop.yaml": project("shop"), "blog.yaml": project("blog") });
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    const before = await world.get("Project", "blog");
    const quiet = await world.revision();
    await world.clock.advance(10 * 60_000);
    expect(await world.revision()).toBe(quiet);
    await world.write({ "shop.yaml": project("shop", "    description: A shop") });
    await world.until(async () => JSON.stringify(await world.get("Project", "shop")).includes("A shop"));
    expect((await world.get("Project", "blog")).metadata.resourceVersion).toBe(
      before.metadata.resourceVersion,
    );
  });

  test("brings back what is changed or deleted in the store", async () => {
    await world.write({ "shop.yaml": project("shop"), "blog.yaml": project("blog") });
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    const key = { namespace: "default", name: "shop" };
    await world.store.patch(
      typeOf("Project"),
      key,
      { type: "merge", body: { spec: { github: { repository: "other" } } } },
      { fieldManager: "someone" },
    );
    await world.store.delete(typeOf("Project"), { namespace: "default", name: "blog" });
    await world.until(async () => {
      const shop = await world.get("Project", "shop");
      return (
        JSON.stringify(shop["spec"]).includes('"repository":"shop"') &&
        (await world.find("Project", "blog")) !== undefined
      );
    });
  });

  test("applies nothing twice after a restart", async () => {
    await world.write({ "shop.yaml": project("shop") });
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    const written = await world.revision();
    const again = await createSourceWorld({ store: world.store, directory: world.directory });
    await again.clock.advance(5 * 60_000);
    expect(await world.revision()).toBe(written);
    await again.stop();
  });

  test("with a file that is wrong keeps that file's objects, applies the others, prunes nothing", async () => {
    await world.write({
      "shop.yaml": project("shop"),
      "blog.yaml": project("blog"),
      "old.yaml": project("old"),
    });
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    await world.write({
      "shop.yaml": `${project("shop")}    repositoryName: x\n`,
      "blog.yaml": project("blog", "    description: new"),
      "old.yaml": null,
    });
    const source = await world.sync("platform");
    expect(source.status?.errors).toEqual([
      {
        file: "shop.yaml",
        line: 9,
        column: 5,
        field: "spec.github.repositoryName",
        message: expect.stringContaining("unknown field"),
      },
    ]);
    expect(conditionOf(source, "Ready")).toMatchObject({
      status: "False",
      reason: "ValidationFailed",
      message: expect.stringContaining("shop.yaml:9:5"),
    });
    expect(source.status?.appliedRevision).not.toBe(source.status?.observedRevision);
    expect(JSON.stringify(await world.get("Project", "blog"))).toContain('"description":"new"');
    expect(await world.names("Project")).toEqual(["blog", "old", "shop"]);
    await world.write({ "shop.yaml": project("shop") });
    const mended = await world.sync("platform");
    expect(conditionOf(mended, "Ready")?.status).toBe("True");
    expect(await world.names("Project")).toEqual(["blog", "shop"]);
    expect(mended.status?.errors ?? []).toEqual([]);
  });

  test("outside what is allowed, or missing, is refused and nothing that was applied goes", async () => {
    await world.write({ "a/shop.yaml": project("shop") });
    await world.source("platform", { directory: world.directory, path: "a" });
    await world.sync("platform");
    await world.source("platform", { directory: "/etc" });
    const forbidden = await world.sync("platform");
    expect(conditionOf(forbidden, "Ready")).toMatchObject({
      status: "False",
      reason: "SourceNotReadable",
      message: expect.stringContaining("--allow-directory"),
    });
    expect(conditionOf(forbidden, "Stalled")?.status).toBe("True");
    await world.source("platform", { directory: world.directory, path: "gone" });
    const missing = await world.sync("platform");
    expect(conditionOf(missing, "Ready")?.message).toContain("does not exist");
    expect(await world.names("Project")).toEqual(["shop"]);
    expect(missing.status?.inventory).toHaveLength(1);
  });

  test("with symbolic links says which, reads none and prunes nothing", async () => {
    await world.write({ "shop.yaml": project("shop"), "old.yaml": project("old") });
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    await world.write({ "old.yaml": null });
    await symlink("/etc", join(world.directory, "linked"));
    await symlink("/etc/passwd", join(world.directory, "passwd.yaml"));
    await symlink("shop.yaml", join(world.directory, "README.md"));
    const source = await world.sync("platform");
    expect(source.status?.errors?.map(({ file }) => file)).toEqual(["linked", "passwd.yaml"]);
    expect(JSON.stringify(source)).not.toContain("root:");
    expect(await world.names("Project")).toEqual(["old", "shop"]);
  });

  test("may hold files of other tools, hidden ones, and a kustomization that is not interpreted", async () => {
    await world.write({
      "shop.yaml": project("shop"),
      "wrangler.json": '{"name": "api"}',
      ".github/workflows/ci.yaml": "on: push",
      "node_modules/x/a.yaml": "a: 1",
      "kustomization.yaml": "resources: [shop.yaml]",
      "notes.txt": "hello",
    });
    await world.source("platform", { directory: world.directory });
    const source = await world.sync("platform");
    expect(conditionOf(source, "Ready")).toMatchObject({
      status: "True",
      message: expect.stringContaining("kustomization.yaml: a kustomization is not interpreted"),
    });
  });

  test("is listed when its watcher says that it changed", async () => {
    let changed: () => void = () => {};
    await world.stop();
    world = await createSourceWorld({
      watchDirectory: (_root, call) => ((changed = call), { close: () => {} }),
    });
    await world.write({ "shop.yaml": project("shop") });
    await world.source("platform", { directory: world.directory, interval: "24h" });
    await world.sync("platform");
    await writeFile(join(world.directory, "blog.yaml"), project("blog"));
    changed();
    await world.until(async () => (await world.find("Project", "blog")) !== undefined);
    expect(world.clock.monotonic()).toBeLessThan(3_600_000);
  });
});
