import { describe, expect, it } from "vitest";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import { rootBranch } from "./root-branch.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { BranchSettings } from "./types.ts";

async function bench() {
  const world = neonHarness();
  const created = await world.project();
  const projectId = created.project?.["id"] ?? "";
  const desired: BranchSettings = {
    projectId,
    name: "main",
    protected: true,
    compute: { min: 1, max: 4, suspendAfterSeconds: 600 },
  };
  const endpoint = created.endpoints?.[0]?.["id"] ?? "";
  const harness = harnessOn(world);
  return {
    world,
    harness,
    desired,
    projectId,
    endpoint,
    root: created.branch?.["id"] ?? "",
    slot: slotOf(harness, rootBranch),
  };
}

describe("the root branch of an environment", () => {
  it("is never made, only set", async () => {
    const { world, slot, desired, root } = await bench();
    expect(await slot.converge(desired)).toEqual([
      "updated compute.max, compute.min, compute.suspendAfter, protected",
    ]);
    expect(await slot.outputs(desired)).toMatchObject({ branchId: root, branchName: "main" });
    expect((await world.ok("GET", `/projects/${desired.projectId}/branches`)).branches).toHaveLength(1);
  });

  it.each([
    ["protected", "branches", { branch: { protected: false } }],
    ["compute.min", "endpoints", { endpoint: { autoscaling_limit_min_cu: 0.5 } }],
    ["compute.max", "endpoints", { endpoint: { autoscaling_limit_max_cu: 8 } }],
    ["compute.suspendAfter", "endpoints", { endpoint: { suspend_timeout_seconds: 0 } }],
  ])("is brought back when its %s was changed", async (field, kind, body) => {
    const { world, slot, desired, root, endpoint } = await bench();
    await slot.converge(desired);
    world.settle();
    await world.ok(
      "PATCH",
      `/projects/${desired.projectId}/${kind}/${kind === "branches" ? root : endpoint}`,
      body,
    );
    world.settle();
    expect(await slot.differences(desired)).toEqual([field]);
    expect(await slot.converge(desired)).toEqual([`updated ${field}`]);
  });

  it("gets a new compute when somebody deleted it", async () => {
    const { world, slot, desired, endpoint } = await bench();
    await slot.converge(desired);
    world.settle();
    await world.ok("DELETE", `/projects/${desired.projectId}/endpoints/${endpoint}`);
    world.settle();
    expect(await slot.converge(desired)).toEqual(["updated compute"]);
    expect(await slot.observe(desired)).toMatchObject({
      observed: { endpoint: { min: 1, max: 4, suspendAfterSeconds: 600 } },
    });
  });

  it("is left as it is where nothing is set", async () => {
    const { slot, projectId } = await bench();
    expect(await slot.converge({ projectId, name: "main" })).toEqual([]);
  });

  it("that is not there is not made by the environment", async () => {
    const { slot, desired } = await bench();
    const other = { ...desired, name: "trunk" };
    expect(await slot.observe(other)).toEqual({ state: "absent" });
    await expect(slot.create(other)).rejects.toMatchObject({
      code: "INTEGRATION_NOT_FOUND",
      class: "transient",
      hint: expect.stringContaining("spec.neon.branch"),
    });
  });
});
