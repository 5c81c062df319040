import { describe, expect, it } from "vitest";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import type { NeonOptions } from "../../sandbox/neon/index.ts";
import { project } from "./project.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { ProjectDesired } from "./types.ts";

function bench(options: Partial<NeonOptions> = {}) {
  const world = neonHarness(options);
  const harness = harnessOn(world);
  const desired: ProjectDesired = {
    orgId: world.orgId,
    name: "shop",
    region: "aws-eu-central-1",
    postgresVersion: 17,
    branch: "main",
    database: "app",
    role: "app",
    historyRetention: 86_400,
    settings: {
      allowedIps: ["10.0.0.0/8", "192.0.2.1"],
      allowedIpsProtectedBranchesOnly: true,
      blockPublicConnections: true,
    },
  };
  const projects = async () => (await world.ok("GET", "/projects?limit=400")).projects ?? [];
  const rootId = async (id: string) =>
    (await world.ok("GET", `/projects/${id}/branches`)).branches?.find(
      (one) => String(one["default"]) === "true",
    )?.["id"] ?? "";
  return { world, harness, desired, projects, rootId, slot: slotOf(harness, project) };
}

describe("a Neon project", () => {
  it("is created with everything in one call, and differs in nothing once Neon is done", async () => {
    const { world, slot, desired, projects } = bench();
    expect(await slot.converge(desired)).toEqual(["created", "waited"]);
    const changes = world.context.journal.since(0).filter((entry) => entry.changed);
    expect(changes.map((entry) => `${entry.method} ${entry.path}`)).toEqual(["POST /api/v2/projects"]);
    expect(await projects()).toHaveLength(1);
    const { rootBranchName } = await slot.outputs(desired);
    expect(rootBranchName).toBe("main");
    expect(await slot.differences(desired, { depth: "shallow", fresh: false })).toEqual([]);
  });

  it("says what Neon is doing while it is created", async () => {
    const { slot, desired } = bench();
    expect((await slot.create(desired)).pending).toBe("Neon is at work (create_timeline, start_compute)");
    expect(await slot.observe(desired)).toMatchObject({
      state: "present",
      owner: "ours",
      pending: "Neon is still working on it (branch init)",
    });
  });

  const settings = { allowed_ips: { ips: ["10.0.0.0/8", "192.0.2.1"], protected_branches_only: true } };
  it.each([
    ["name", { name: "other" }],
    ["historyRetention", { history_retention_seconds: 3600 }],
    ["settings.allowedIps", { settings: { allowed_ips: { ...settings.allowed_ips, ips: ["0.0.0.0/0"] } } }],
    [
      "settings.allowedIpsProtectedBranchesOnly",
      { settings: { allowed_ips: { ...settings.allowed_ips, protected_branches_only: false } } },
    ],
    ["settings.blockPublicConnections", { settings: { block_public_connections: false } }],
  ])("is brought back when its %s was changed", async (field, body) => {
    const { world, slot, desired } = bench();
    await slot.converge(desired);
    await world.ok("PATCH", `/projects/${slot.entry?.id ?? ""}`, { project: body });
    expect(await slot.differences(desired)).toEqual([field]);
    const shallow = project.fields[field] === "shallow" ? [field] : [];
    world.context.clock.advance(120_000);
    expect(await slot.differences(desired, { depth: "shallow", fresh: false })).toEqual(
      expect.arrayContaining(shallow),
    );
    expect(await slot.converge(desired)).toEqual([`updated ${field}`]);
    const { project: shown } = await world.ok("GET", `/projects/${slot.entry?.id ?? ""}`);
    expect(shown).toMatchObject({ name: "shop", settings: { ...settings, block_public_connections: true } });
  });

  it("gets its root branch's name back", async () => {
    const { world, slot, desired, rootId } = bench();
    await slot.converge(desired);
    const id = slot.entry?.id ?? "";
    await world.ok("PATCH", `/projects/${id}/branches/${await rootId(id)}`, { branch: { name: "trunk" } });
    expect(await slot.differences(desired)).toEqual(["branch"]);
    expect(await slot.converge(desired)).toEqual(["updated branch"]);
  });

  it("keeps its root branch when another one was made the default", async () => {
    const { world, slot, desired, rootId } = bench();
    await slot.converge(desired);
    const id = slot.entry?.id ?? "";
    const root = await rootId(id);
    const { branch } = await world.ok("POST", `/projects/${id}/branches`, { branch: { name: "dev" } });
    world.settle();
    await world.ok("POST", `/projects/${id}/branches/${branch?.["id"] ?? ""}/set_as_default`);
    expect(await slot.observe(desired)).toMatchObject({ owner: "ours", observed: { rootBranchId: root } });
    expect(await slot.differences(desired)).toEqual([]);
  });

  it("gets logical replication enabled, which Neon carries out afterwards", async () => {
    const { slot, desired } = bench();
    await slot.converge(desired);
    const wanted = { ...desired, settings: { ...desired.settings, logicalReplication: true as const } };
    expect(await slot.differences(wanted)).toEqual(["settings.logicalReplication"]);
    expect((await slot.update(wanted)).pending).toBe("Neon is at work (apply_config)");
    expect(await slot.converge(wanted)).toEqual([]);
    expect(await slot.differences(desired), "what is not set is not managed").toEqual([]);
  });

  it("is left alone in what the spec does not set", async () => {
    const { world, slot, desired } = bench();
    const bare = { ...desired, historyRetention: undefined, settings: undefined };
    await slot.converge(bare);
    await world.ok("PATCH", `/projects/${slot.entry?.id ?? ""}`, {
      project: { history_retention_seconds: 60, settings: { block_public_connections: true, ...settings } },
    });
    expect(await slot.differences(bare)).toEqual([]);
    const one = { ...bare, settings: { allowedIps: ["192.0.2.9"] } };
    await slot.converge(one);
    const { project: shown } = await world.ok("GET", `/projects/${slot.entry?.id ?? ""}`);
    expect(shown).toMatchObject({
      settings: {
        block_public_connections: true,
        allowed_ips: { ips: ["192.0.2.9"], protected_branches_only: true },
      },
    });
  });

  it("does not differ when addresses come in another order", async () => {
    const { slot, desired } = bench();
    await slot.converge(desired);
    const again = {
      ...desired,
      settings: { ...desired.settings, allowedIps: ["192.0.2.1", "10.0.0.0/8", "192.0.2.1"] },
    };
    expect(await slot.differences(again)).toEqual([]);
  });

  it.each([
    ["region", { region: "aws-us-east-1" }],
    ["postgresVersion", { postgresVersion: 18 }],
  ])("is never replaced for another %s", async (field, change) => {
    const { slot, desired, projects } = bench();
    await slot.converge(desired);
    const wanted = { ...desired, ...change };
    expect(await slot.changes(wanted)).toMatchObject([{ field, effect: "replace" }]);
    await expect(slot.update(wanted)).rejects.toMatchObject({
      code: "INTEGRATION_REJECTED",
      field: `spec.neon.${field}`,
    });
    expect(await projects()).toHaveLength(1);
  });

  it("is removed, and gone for good only by Neon's own word", async () => {
    const { slot, desired, projects } = bench();
    await slot.converge(desired);
    expect(await slot.remove(desired)).toBe("absent");
    expect(await projects()).toEqual([]);
    expect(await slot.remove(desired), "removing what is gone is no error").toBe("absent");
  });

  it("is not removed while a branch is protected, and says which and what to do", async () => {
    const { world, slot, desired, rootId, projects } = bench();
    await slot.converge(desired);
    const id = slot.entry?.id ?? "";
    await world.ok("PATCH", `/projects/${id}/branches/${await rootId(id)}`, { branch: { protected: true } });
    await expect(slot.remove(desired)).rejects.toMatchObject({
      code: "INTEGRATION_REJECTED",
      class: "terminal",
      message: `Neon does not delete the project shop (${id}) while branches of it are protected: main`,
      hint: expect.stringContaining("deletionPolicy: Orphan"),
    });
    expect(await projects()).toHaveLength(1);
  });
});
