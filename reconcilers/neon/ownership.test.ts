import { describe, expect, it } from "vitest";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import { branch } from "./branch.ts";
import { project } from "./project.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { BranchDesired, ProjectDesired } from "./types.ts";

function bench() {
  const world = neonHarness();
  const harness = harnessOn(world);
  const shop: ProjectDesired = {
    orgId: world.orgId,
    name: "shop",
    region: "aws-eu-central-1",
    postgresVersion: 17,
    branch: "main",
    database: "app",
    role: "app",
  };
  const projects = async () => (await world.ok("GET", "/projects?limit=400")).projects ?? [];
  const inProject = async () => {
    const projectId = (await world.project()).project?.["id"] ?? "";
    const staging: BranchDesired = { projectId, name: "staging", parent: "main", init: "parent-data" };
    return { projectId, staging, path: `/projects/${projectId}/branches` };
  };
  return { world, harness, shop, projects, inProject };
}

describe("whose a Neon project is", () => {
  it("is told by its annotation when the inventory was lost", async () => {
    const { harness, shop, projects } = bench();
    const slot = slotOf(harness, project);
    await slot.converge(shop);
    const id = slot.entry?.id;
    const again = slotOf(harness, project);
    expect(await again.observe(shop)).toMatchObject({ state: "present", id, owner: "ours" });
    expect(await again.converge(shop)).toEqual([]);
    expect(await projects()).toHaveLength(1);
  });

  it("is found among projects of the same name and of longer names, which stay as they are", async () => {
    const { world, harness, shop, projects } = bench();
    const slot = slotOf(harness, project);
    await slot.converge(shop);
    const { id } = slot.entry ?? {};
    await world.project({ name: "shop" });
    await world.project({ name: "shop-prod" });
    const before = await projects();
    slot.entry = undefined;
    expect(await slot.converge(shop)).toEqual([]);
    expect(slot.entry).toMatchObject({ id });
    expect(await projects()).toEqual(before);
  });

  it("is a conflict when one of the same name is another's, and names them when there are several", async () => {
    const { world, harness, shop, projects } = bench();
    const { project: theirs } = await world.project({ name: "shop" });
    const slot = slotOf(harness, project);
    const seen = await slot.observe(shop);
    expect(seen).toMatchObject({ state: "present", id: theirs?.["id"], owner: "unmarked" });
    await world.project({ name: "shop" });
    await expect(slot.observe(shop)).rejects.toMatchObject({
      code: "INTEGRATION_NAME_CONFLICT",
      message: expect.stringContaining(String(theirs?.["id"])) as string,
    });
    expect(await projects()).toHaveLength(2);
  });

  it("is another's when the one with our id carries another mark", async () => {
    const { harness, shop } = bench();
    const slot = slotOf(harness, project);
    await slot.converge(shop);
    const other = slotOf(harness, project, { installation: "inst-2" });
    other.entry = slot.entry;
    expect(await other.observe(shop)).toMatchObject({ state: "present", owner: "foreign" });
  });

  it("is found again after a lost response, instead of a second one made", async () => {
    const { world, harness, shop, projects } = bench();
    const slot = slotOf(harness, project);
    world.context.faults.add({ method: "POST", path: "/projects$", when: "after", drop: true });
    await expect(slot.create(shop)).rejects.toMatchObject({ class: "unknownOutcome" });
    expect(await slot.observe(shop)).toMatchObject({ state: "present", owner: "ours" });
    expect(await slot.converge(shop)).toEqual(["waited"]);
    expect(await projects()).toHaveLength(1);
  });

  it("stays unclear after a gateway's time-out that came after the work", async () => {
    const { world, harness, shop, projects } = bench();
    const slot = slotOf(harness, project);
    world.context.faults.add({
      method: "POST",
      path: "/projects$",
      when: "after",
      status: 524,
      body: "<html>timeout</html>",
    });
    await expect(slot.create(shop)).rejects.toMatchObject({ class: "unknownOutcome" });
    expect(await slot.converge(shop)).toEqual(["waited"]);
    expect(await projects()).toHaveLength(1);
  });

  it("is another one's when ours was deleted and somebody made one of its name", async () => {
    const { world, harness, shop } = bench();
    const slot = slotOf(harness, project);
    await slot.converge(shop);
    await world.ok("DELETE", `/projects/${slot.entry?.id ?? ""}`);
    await world.project({ name: "shop" });
    expect(await slot.observe(shop)).toEqual({ state: "absent" });
  });
});

describe("whose a Neon branch is", () => {
  it("is told by its annotation when the inventory was lost", async () => {
    const { harness, inProject } = bench();
    const { staging } = await inProject();
    await slotOf(harness, branch).converge(staging);
    expect(await slotOf(harness, branch).converge(staging)).toEqual([]);
    const other = slotOf(harness, branch, { installation: "inst-2" });
    expect(await other.observe(staging)).toMatchObject({ state: "present", owner: "foreign" });
    const neighbour = slotOf(harness, branch, { name: "blog" });
    expect(await neighbour.observe(staging)).toMatchObject({ state: "present", owner: "foreign" });
  });

  it("is nobody's when it carries no mark", async () => {
    const { world, harness, inProject } = bench();
    const { staging, path } = await inProject();
    await world.ok("POST", path, { branch: { name: "staging" }, endpoints: [{ type: "read_write" }] });
    for (const look of [{ fresh: true }, { fresh: false, depth: "shallow" as const }]) {
      expect(await slotOf(harness, branch).observe(staging, look)).toMatchObject({
        state: "present",
        owner: "unmarked",
      });
    }
  });

  it("is found again after a lost response, instead of a second one made", async () => {
    const { world, harness, inProject } = bench();
    const { staging, path } = await inProject();
    const slot = slotOf(harness, branch);
    world.context.faults.add({ method: "POST", path: "/branches$", when: "after", drop: true });
    await expect(slot.create(staging)).rejects.toMatchObject({ class: "unknownOutcome" });
    expect(await slot.converge(staging)).toEqual(["waited"]);
    expect((await world.ok("GET", path)).branches).toHaveLength(2);
  });

  it("is another one's when ours was deleted and somebody made one of its name", async () => {
    const { world, harness, inProject } = bench();
    const { staging, path } = await inProject();
    const slot = slotOf(harness, branch);
    await slot.converge(staging);
    await world.ok("DELETE", `${path}/${slot.entry?.id ?? ""}`);
    world.settle();
    expect(await slot.observe(staging)).toEqual({ state: "absent" });
    const { branch: taken } = await world.ok("POST", path, { branch: { name: "staging" } });
    world.settle();
    for (const look of [{ fresh: true }, { fresh: false, depth: "shallow" as const }]) {
      expect(await slot.observe(staging, look)).toMatchObject({
        state: "present",
        id: taken?.["id"],
        owner: "unmarked",
      });
    }
  });

  it("outlives a rename: its id is looked up first", async () => {
    const { world, harness, inProject } = bench();
    const { staging, path } = await inProject();
    const slot = slotOf(harness, branch);
    await slot.converge(staging);
    await world.ok("PATCH", `${path}/${slot.entry?.id ?? ""}`, { branch: { name: "old" } });
    await world.ok("POST", path, { branch: { name: "staging" } });
    world.settle();
    expect(await slot.observe(staging)).toMatchObject({ id: slot.entry?.id, name: "old" });
    await expect(slot.update(staging), "the name is taken").rejects.toMatchObject({
      code: "INTEGRATION_NAME_CONFLICT",
      field: "spec.neon.branch",
    });
  });
});
