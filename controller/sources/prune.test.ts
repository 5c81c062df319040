import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KubernetesObject } from "../store/resource-client.ts";
import { conditionOf, createSourceWorld, project, typeOf } from "../../test/support/source-world.ts";
import type { SourceWorld } from "../../test/support/source-world.ts";

let world: SourceWorld;
beforeEach(async () => {
  world = await createSourceWorld();
});
afterEach(() => world.stop());

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `p${index}`);
const write = (count: number): Promise<void> =>
  world.write(Object.fromEntries(names(count).map((name) => [`${name}.yaml`, project(name)])));
const remove = (...removed: string[]): Promise<void> =>
  world.write(Object.fromEntries(removed.map((name) => [`${name}.yaml`, null])));
/** The value that the Source asks for, as a person copies it. */
const consentOf = (source: KubernetesObject): string =>
  /confirm-prune: (\S+)/.exec(conditionOf(source, "Stalled")?.message ?? "")?.[1] ?? "";
const connection = `apiVersion: flaresmith.dev/v1alpha1
kind: Connection
metadata: {name: github}
spec: {provider: GitHub, account: acme, credentials: {secretRef: {name: github}}}
`;
const hold = (kind: string, name: string, finalizers: string[]): Promise<unknown> =>
  world.store.patch(
    typeOf(kind),
    { namespace: "default", name },
    { type: "merge", body: { metadata: { finalizers } } },
    { fieldManager: "flaresmith" },
  );

describe("what leaves the source", () => {
  test("within the guard is deleted, and what nobody applied stays", async () => {
    await write(4);
    await world.store.apply(
      typeOf("Project"),
      {
        apiVersion: "flaresmith.dev/v1alpha1",
        kind: "Project",
        metadata: { name: "mine", namespace: "default" },
        spec: { github: { connectionRef: { name: "github" }, repository: "mine" } },
      },
      { fieldManager: "kubectl" },
    );
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    await remove("p0", "p1");
    const source = await world.sync("platform");
    expect(await world.names("Project")).toEqual(["mine", "p2", "p3"]);
    expect(source.status?.inventory?.map(({ name }) => name)).toEqual(["p2", "p3"]);
    expect(conditionOf(source, "Ready")?.status).toBe("True");
  });

  test("above the guard waits for consent to exactly this", async () => {
    await write(8);
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    await remove("p0", "p1", "p2");
    const held = await world.sync("platform");
    const revision = held.status?.observedRevision ?? "";
    expect(conditionOf(held, "Stalled")).toMatchObject({
      status: "True",
      reason: "ConfirmationRequired",
      message: expect.stringContaining(`flaresmith.dev/confirm-prune: ${revision}#`),
    });
    const consent = consentOf(held);
    expect(conditionOf(held, "Ready")).toMatchObject({
      status: "False",
      message: expect.stringContaining("3 of 8 objects: Project p0, Project p1, Project p2"),
    });
    expect(await world.names("Project")).toHaveLength(8);
    for (const other of [
      revision,
      `${revision}#${"0".repeat(12)}`,
      `dir@sha256:other#${consent.slice(-12)}`,
    ]) {
      await world.annotate("Source", "platform", { "flaresmith.dev/confirm-prune": other });
      await world.sync("platform");
      expect(await world.names("Project")).toHaveLength(8);
    }
    await world.annotate("Source", "platform", { "flaresmith.dev/confirm-prune": consent });
    await world.until(async () => (await world.names("Project")).length === 5);
    expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
  });

  test("little by little is held when it is much within ten minutes, by a process that began in between too", async () => {
    const { directory } = world;
    const first = await createSourceWorld({ directory });
    await write(40);
    await first.source("platform", { directory });
    await first.sync("platform");
    for (const name of names(10)) {
      await remove(name);
      await first.sync("platform");
    }
    expect(await first.names("Project")).toHaveLength(30);
    await first.stop();
    await remove("p10");
    const again = await createSourceWorld({ store: first.store, directory });
    try {
      expect(conditionOf(await again.sync("platform"), "Stalled")).toMatchObject({
        status: "True",
        reason: "ConfirmationRequired",
        message: expect.stringContaining(
          "1 of 30 objects, and 10 went within ten minutes before: Project p10.",
        ),
      });
      // A question that was asked stays until it is answered.
      await again.clock.advance(15 * 60_000);
      const asked = await again.sync("platform");
      expect(conditionOf(asked, "Stalled")?.reason).toBe("ConfirmationRequired");
      expect(await again.names("Project")).toHaveLength(30);
      await again.annotate("Source", "platform", { "flaresmith.dev/confirm-prune": consentOf(asked) });
      await again.until(async () => (await again.names("Project")).length === 29);
      expect(conditionOf(await again.sync("platform"), "Ready")?.status).toBe("True");
    } finally {
      await again.stop();
    }
  });

  test("slowly is deleted without a question", async () => {
    await write(12);
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    for (const name of names(6)) {
      await remove(name);
      await world.sync("platform");
      await world.clock.advance(6 * 60_000);
    }
    expect(await world.names("Project")).toHaveLength(6);
    expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
  });

  test("altogether is never deleted, seen twice and confirmed or not", async () => {
    await write(2);
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    await remove("p0", "p1");
    const empty = await world.sync("platform");
    expect(conditionOf(empty, "Stalled")).toMatchObject({
      reason: "EmptySource",
      message: expect.stringContaining("delete the objects by name"),
    });
    await world.annotate("Source", "platform", {
      "flaresmith.dev/confirm-prune": empty.status?.observedRevision ?? "",
    });
    await world.sync("platform");
    expect(await world.names("Project")).toEqual(["p0", "p1"]);
    // By name is consent enough.
    for (const name of names(2)) await world.store.delete(typeOf("Project"), { namespace: "default", name });
    await world.clock.advance(5 * 60_000);
    expect(await world.names("Project")).toEqual([]);
    expect(conditionOf(await world.sync("platform"), "Ready")).toMatchObject({
      status: "True",
      message: expect.stringContaining("Nothing is declared"),
    });
  });

  test("with prune: false stays and is nobody's", async () => {
    await write(3);
    await world.source("platform", { directory: world.directory, prune: false });
    await world.sync("platform");
    await remove("p0");
    const source = await world.sync("platform");
    expect(source.status?.inventory).toHaveLength(2);
    expect((await world.get("Project", "p0")).metadata.labels ?? {}).toEqual({});
  });

  test("takes Connections last, when what may need them is gone", async () => {
    await write(9);
    await world.write({ "connection.yaml": connection });
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    await hold("Project", "p0", ["flaresmith.dev/external"]);
    await remove("p0", "connection");
    const waiting = await world.sync("platform");
    expect((await world.get("Project", "p0")).metadata.deletionTimestamp).toBeDefined();
    expect(await world.names("Connection")).toEqual(["github"]);
    expect(conditionOf(waiting, "Reconciling")?.status).toBe("True");
    await hold("Project", "p0", []);
    await world.until(async () => (await world.names("Connection")).length === 0);
    expect(conditionOf(await world.sync("platform"), "Ready")?.status).toBe("True");
  });

  test("and is deleted by hand while still declared comes back when it is gone", async () => {
    await write(1);
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    const first = await world.get("Project", "p0");
    await hold("Project", "p0", ["flaresmith.dev/external"]);
    await world.store.delete(typeOf("Project"), { namespace: "default", name: "p0" });
    const waiting = await world.sync("platform");
    expect(conditionOf(waiting, "Ready")).toMatchObject({
      status: "False",
      message: expect.stringContaining("Project p0 is being deleted and will be made again"),
    });
    expect((await world.get("Project", "p0")).metadata.uid).toBe(first.metadata.uid);
    await hold("Project", "p0", []);
    await world.until(async () => {
      const found = await world.find("Project", "p0");
      return found !== undefined && found.metadata.uid !== first.metadata.uid;
    });
    await world.until(
      async () => conditionOf(await world.get("Source", "platform"), "Ready")?.status === "True",
    );
  });
});

describe("a Source that is deleted", () => {
  test("leaves everything in place and belonging to nobody", async () => {
    await write(3);
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    await world.store.delete(typeOf("Source"), { namespace: "default", name: "platform" });
    await world.until(async () => (await world.find("Source", "platform")) === undefined);
    expect(await world.names("Project")).toEqual(["p0", "p1", "p2"]);
    expect((await world.get("Project", "p0")).metadata.labels ?? {}).toEqual({});
    await world.source("next", { directory: world.directory });
    expect((await world.sync("next")).status?.inventory).toHaveLength(3);
  });

  test("deletes everything when it was asked to, and waits for it", async () => {
    await write(3);
    await world.write({ "connection.yaml": connection });
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    await hold("Project", "p0", ["flaresmith.dev/external"]);
    await world.annotate("Source", "platform", { "flaresmith.dev/prune-on-delete": "true" });
    await world.store.delete(typeOf("Source"), { namespace: "default", name: "platform" });
    await world.until(async () => (await world.names("Project")).length === 1);
    expect(await world.names("Connection")).toEqual(["github"]);
    expect(await world.find("Source", "platform")).toBeDefined();
    await hold("Project", "p0", []);
    await world.until(async () => (await world.find("Source", "platform")) === undefined);
    expect(await world.names("Connection")).toEqual([]);
  });

  test("or suspended does nothing at all", async () => {
    await write(2);
    await world.source("platform", { directory: world.directory });
    await world.sync("platform");
    await world.source("platform", { directory: world.directory, suspend: true });
    await world.store.delete(typeOf("Project"), { namespace: "default", name: "p0" });
    await world.write({ "p9.yaml": project("p9") });
    await world.clock.advance(10 * 60_000);
    expect(await world.names("Project")).toEqual(["p1"]);
    await world.source("platform", { directory: world.directory, suspend: false });
    await world.until(async () => (await world.names("Project")).length === 3);
  });
});
