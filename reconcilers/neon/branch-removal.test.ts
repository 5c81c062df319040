import { describe, expect, it } from "vitest";
import type { FlaresmithError } from "../../controller/runtime/errors.ts";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import { branch } from "./branch.ts";
import { rootBranch } from "./root-branch.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { BranchDesired } from "./types.ts";

async function bench() {
  const world = neonHarness();
  const harness = harnessOn(world);
  const projectId = (await world.project()).project?.["id"] ?? "";
  const staging: BranchDesired = { projectId, name: "staging", parent: "main", init: "parent-data" };
  const path = `/projects/${projectId}/branches`;
  const names = async () =>
    ((await world.ok("GET", path)).branches ?? []).map((one) => one["name"] ?? "").toSorted();
  const failure = async (work: Promise<unknown>): Promise<FlaresmithError> =>
    work.then(
      () => Promise.reject(new Error("it was not refused")),
      (error: unknown) => error as FlaresmithError,
    );
  return { world, harness, projectId, staging, path, names, failure, slot: slotOf(harness, branch) };
}

describe("a branch that Neon does not delete", () => {
  it("because others were cut from it names them", async () => {
    const { world, slot, staging, path, names, failure } = await bench();
    await slot.converge(staging);
    for (const name of ["b", "a"]) {
      await world.ok("POST", path, { branch: { name, parent_id: slot.entry?.id } });
      world.settle();
    }
    expect(await failure(slot.remove(staging))).toMatchObject({
      code: "INTEGRATION_REJECTED",
      class: "terminal",
      message: expect.stringContaining("does not delete the branch staging"),
      hint: "Delete a, b first, or keep it with deletionPolicy: Orphan.",
    });
    expect(await names()).toEqual(["a", "b", "main", "staging"]);
  });

  it("because it is protected says so", async () => {
    const { slot, staging, failure } = await bench();
    const desired = { ...staging, protected: true };
    await slot.converge(desired);
    expect(await failure(slot.remove(desired))).toMatchObject({
      class: "terminal",
      message: expect.stringContaining("it is protected"),
      hint: expect.stringContaining("Neon console"),
    });
  });

  it("because it was made the default one says so", async () => {
    const { world, slot, staging, path, failure } = await bench();
    await slot.converge(staging);
    await world.ok("POST", `${path}/${slot.entry?.id ?? ""}/set_as_default`);
    expect(await failure(slot.remove(staging))).toMatchObject({
      class: "terminal",
      message: expect.stringContaining("default branch"),
    });
  });
});

describe("removal", () => {
  it("deletes a branch with its compute; removing what is gone is no error", async () => {
    const { slot, staging, names } = await bench();
    await slot.converge(staging);
    expect(await slot.remove(staging)).toBe("absent");
    expect(await names()).toEqual(["main"]);
    expect(await slot.remove(staging)).toBe("absent");
  });

  it("never touches the root branch", async () => {
    const { world, harness, projectId, names } = await bench();
    const slot = slotOf(harness, rootBranch);
    await slot.converge({ projectId, name: "main" });
    const before = world.context.journal.last();
    expect(await slot.remove({ projectId, name: "main" })).toBe("present");
    expect(world.context.journal.since(before).filter((entry) => entry.method !== "GET")).toEqual([]);
    expect(await names()).toEqual(["main"]);
  });
});
