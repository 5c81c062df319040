import { describe, expect, it } from "vitest";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import type { NeonOptions } from "../../sandbox/neon/index.ts";
import { branch } from "./branch.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { BranchDesired } from "./types.ts";

const HOUR = 3_600_000;

async function bench(options: Partial<NeonOptions> = {}) {
  const world = neonHarness(options);
  const harness = harnessOn(world);
  const created = await world.project();
  const projectId = created.project?.["id"] ?? "";
  const path = `/projects/${projectId}`;
  const inHours = (hours: number): string =>
    new Date(harness.clock.now() + hours * HOUR).toISOString().replace(".000", "");
  const staging: BranchDesired = {
    projectId,
    name: "staging",
    parent: "main",
    init: "parent-data",
    protected: false,
    compute: { min: 0.5, max: 2, suspendAfterSeconds: 300 },
  };
  const preview: BranchDesired = {
    projectId,
    name: "preview/pr-1",
    parent: "main",
    init: "parent-data",
    expiresAt: inHours(72),
  };
  const branches = async () => (await world.ok("GET", `${path}/branches`)).branches ?? [];
  const named = async (name: string) => (await branches()).find((one) => one["name"] === name);
  const slot = slotOf(harness, branch);
  return { world, harness, projectId, path, inHours, staging, preview, branches, named, slot };
}

async function observedOf(slot: Awaited<ReturnType<typeof bench>>["slot"], desired: BranchDesired) {
  const found = await slot.observe(desired);
  if (found.state !== "present") throw new Error(`it is ${found.state}`);
  return found.observed;
}

describe("a Neon branch", () => {
  it("is created with its compute and marker in one call, and differs in nothing once Neon is done", async () => {
    const { world, slot, staging } = await bench();
    const before = world.context.journal.last();
    expect(await slot.converge(staging)).toEqual(["created", "waited"]);
    const changes = world.context.journal.since(before).filter((entry) => entry.changed);
    expect(changes.map((entry) => entry.method)).toEqual(["POST"]);
    expect(await slot.observe(staging)).toMatchObject({
      owner: "ours",
      observed: { parentName: "main", endpoint: { min: 0.5, max: 2, suspendAfterSeconds: 300 } },
    });
    expect(await slot.outputs(staging)).toMatchObject({
      branchId: slot.entry?.id,
      branchName: "staging",
      endpointId: expect.stringMatching(/^ep-/),
      host: expect.stringContaining("neon.tech"),
    });
  });

  it("of a preview whose inventory was lost keeps a lease that its spec still allows, and says until when", async () => {
    const { harness, slot, preview, inHours } = await bench();
    await slot.converge(preview);
    const again = { ...preview, expiresAt: inHours(90), earliestExpiry: inHours(0) };
    expect(await slot.differences(again)).toEqual(["expiresAt"]);
    const lost = slotOf(harness, branch);
    expect(await lost.differences(again)).toEqual([]);
    expect(await lost.outputs(again)).toMatchObject({ expiresAt: preview.expiresAt });
    const recalled = branch.recall?.(again, await observedOf(lost, again), undefined);
    expect(recalled).toEqual({ lease: preview.expiresAt, parent: "main" });
    expect(await slotOf(harness, branch).differences({ ...again, expiresAt: inHours(48) })).toEqual([
      "expiresAt",
    ]);
    expect(await slotOf(harness, branch).differences({ ...again, earliestExpiry: inHours(80) })).toEqual([
      "expiresAt",
    ]);
  });

  it("of a preview is created with its lease, and differs in nothing", async () => {
    const { slot, preview, named } = await bench();
    expect(await slot.converge(preview)).toEqual(["created", "waited"]);
    expect(await named("preview/pr-1")).toMatchObject({ expires_at: preview.expiresAt });
  });

  it("says what Neon is doing until its compute has started", async () => {
    const { world, slot, staging } = await bench({
      operationDurations: { create_branch: 0, start_compute: 500 },
    });
    expect((await slot.create(staging)).pending).toBe("Neon is at work (create_branch, start_compute)");
    expect(await slot.observe(staging)).toMatchObject({
      pending: expect.stringContaining("Neon is still working"),
    });
    world.settle();
    const { branches, endpoints } = await world
      .ok("GET", `/projects/${staging.projectId}/endpoints`)
      .then(async (answer) => ({
        endpoints: answer.endpoints,
        branches: (await world.ok("GET", `/projects/${staging.projectId}/branches`)).branches,
      }));
    expect([branches?.length, endpoints?.length]).toEqual([2, 2]);
    expect(await slot.differences(staging)).toEqual([]);
  });

  it.each([
    ["name", { name: "other" }],
    ["protected", { protected: true }],
    ["expiresAt", { expires_at: "2026-01-05T00:00:00Z" }],
  ])("is brought back when its %s was changed, and shows it shallowly", async (field, body) => {
    const { world, harness, slot, staging, path } = await bench();
    await slot.converge(staging);
    expect(await slot.differences(staging, { depth: "shallow", fresh: false })).toEqual([]);
    await world.ok("PATCH", `${path}/branches/${slot.entry?.id ?? ""}`, { branch: body });
    harness.advance(120_000);
    expect(await slot.differences(staging, { depth: "shallow", fresh: false })).toEqual([field]);
    expect(await slot.converge(staging)).toEqual([`updated ${field}`]);
  });

  it.each([
    ["compute.min", { autoscaling_limit_min_cu: 0.25 }],
    ["compute.max", { autoscaling_limit_max_cu: 4 }],
    ["compute.suspendAfter", { suspend_timeout_seconds: -1 }],
  ])("is brought back when its %s was changed", async (field, body) => {
    const { world, slot, staging, path } = await bench();
    await slot.converge(staging);
    const { endpointId } = await slot.outputs(staging);
    await world.ok("PATCH", `${path}/endpoints/${String(endpointId)}`, { endpoint: body });
    world.settle();
    expect(await slot.differences(staging)).toEqual([field]);
    expect(await slot.converge(staging)).toEqual([`updated ${field}`]);
  });

  it("gets a new compute when somebody deleted it", async () => {
    const { world, slot, staging, path } = await bench();
    await slot.converge(staging);
    const { endpointId } = await slot.outputs(staging);
    await world.ok("DELETE", `${path}/endpoints/${String(endpointId)}`);
    world.settle();
    expect(await slot.differences(staging)).toEqual(["compute"]);
    expect(await slot.converge(staging)).toEqual(["updated compute"]);
    expect((await slot.outputs(staging))["endpointId"]).not.toBe(endpointId);
  });

  it("is left alone in what the spec does not set", async () => {
    const { world, slot, staging, path } = await bench();
    const bare = { ...staging, protected: undefined, compute: undefined };
    await slot.converge(bare);
    const { endpointId } = await slot.outputs(bare);
    await world.ok("PATCH", `${path}/branches/${slot.entry?.id ?? ""}`, { branch: { protected: true } });
    await world.ok("PATCH", `${path}/endpoints/${String(endpointId)}`, {
      endpoint: { autoscaling_limit_max_cu: 4 },
    });
    world.settle();
    expect(await slot.differences(bare)).toEqual([]);
  });

  it("never moves to another parent", async () => {
    const { world, slot, staging, path } = await bench();
    await slot.converge(staging);
    await world.ok("POST", `${path}/branches`, { branch: { name: "dev" } });
    world.settle();
    const wanted = { ...staging, parent: "dev" };
    expect(await slot.changes(wanted)).toEqual([
      { field: "parent", effect: "destroys-data", from: "main", to: "dev" },
    ]);
    await expect(slot.update(wanted)).rejects.toMatchObject({
      code: "INTEGRATION_REJECTED",
      field: "spec.neon.parent",
    });
  });

  it("is cut from the branch that was made a moment ago, past what others have listed", async () => {
    const { world, harness, slot, staging, path } = await bench();
    await slotOf(harness, branch).observe(staging, { depth: "shallow", fresh: false });
    await world.ok("POST", `${path}/branches`, { branch: { name: "dev" } });
    harness.advance(5_000);
    await slot.create({ ...staging, parent: "dev" });
    world.settle();
    expect(await slot.observe(staging)).toMatchObject({ observed: { parentName: "dev" } });
  });

  it("waits for a parent that is not there, and names it", async () => {
    const { slot, staging, branches } = await bench();
    await expect(slot.create({ ...staging, parent: "dev" })).rejects.toMatchObject({
      code: "SPEC_REFERENCE_MISSING",
      class: "transient",
      field: "spec.neon.parent",
      message: expect.stringContaining("no branch dev, from which staging would be cut"),
    });
    expect(await branches()).toHaveLength(1);
  });
});

describe("a schema-only preview branch", () => {
  it("is a root branch of its own without drift", async () => {
    const { slot, preview } = await bench();
    const desired: BranchDesired = { ...preview, init: "schema-only" };
    expect(await slot.converge(desired)).toEqual(["created", "waited"]);
    expect(await slot.observe(desired)).toMatchObject({
      observed: { init: "schema-only", parentId: undefined },
    });
  });

  it("is not turned into one with data behind people's backs", async () => {
    const { slot, preview } = await bench();
    await slot.converge({ ...preview, init: "schema-only" });
    expect(await slot.changes(preview)).toMatchObject([{ field: "init", effect: "destroys-data" }]);
    await expect(slot.update(preview)).rejects.toMatchObject({
      code: "INTEGRATION_REJECTED",
      field: "spec.data",
    });
  });
});
