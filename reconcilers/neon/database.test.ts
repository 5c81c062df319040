import { describe, expect, it } from "vitest";
import { neonHarness } from "../../sandbox/neon/neon-harness.ts";
import { database } from "./database.ts";
import { harnessOn, slotOf } from "./test-context.ts";
import type { DatabaseDesired } from "./types.ts";

/** A branch with the database neondb and its owner, as every project of Neon's begins. */
async function bench() {
  const world = neonHarness();
  const harness = harnessOn(world);
  const created = await world.project();
  const projectId = created.project?.["id"] ?? "";
  const branchId = created.branch?.["id"] ?? "";
  const base = `/projects/${projectId}/branches/${branchId}`;
  const app: DatabaseDesired = { projectId, branchId, role: "app", database: "app" };
  const inherited: DatabaseDesired = { projectId, branchId, role: "neondb_owner", database: "neondb" };
  const databases = async () =>
    (((await world.ok("GET", `${base}/databases`))["databases"] ?? []) as Record<string, unknown>[]).map(
      (one) => `${String(one["name"])} of ${String(one["owner_name"])}`,
    );
  return { world, harness, base, app, inherited, databases, slot: slotOf(harness, database) };
}

describe("the database of a branch", () => {
  it("is made with its role, one step at a time, and differs in nothing", async () => {
    const { slot, app, databases } = await bench();
    expect(await slot.converge(app)).toEqual(["created", "updated database"]);
    expect(await databases()).toEqual(expect.arrayContaining(["app of app"]));
    expect(await slot.outputs(app)).toEqual({ database: "app", role: "app" });
  });

  it("that was inherited needs nothing", async () => {
    const { slot, inherited } = await bench();
    expect(await slot.converge(inherited)).toEqual([]);
  });

  it("says what Neon is doing after each step", async () => {
    const { slot, app } = await bench();
    expect((await slot.create(app)).pending).toBe("Neon is at work (apply_config)");
  });

  it("is given back to its role", async () => {
    const { world, slot, app, base, databases } = await bench();
    await slot.converge(app);
    world.settle();
    await world.ok("PATCH", `${base}/databases/app`, { database: { owner_name: "neondb_owner" } });
    world.settle();
    expect(await slot.differences(app)).toEqual(["owner"]);
    expect(await slot.converge(app)).toEqual(["updated owner"]);
    expect(await databases()).toContain("app of app");
  });

  it("that somebody dropped is not replaced by an empty one in silence", async () => {
    const { world, slot, inherited, base } = await bench();
    await slot.converge(inherited);
    await world.ok("DELETE", `${base}/databases/neondb`);
    world.settle();
    expect(await slot.changes(inherited)).toEqual([
      { field: "database", effect: "destroys-data", from: "dropped", to: "neondb" },
    ]);
    await slot.update(inherited);
    world.settle();
    expect(await slot.differences(inherited), "after a person confirmed").toEqual([]);
  });

  it("of another name is made beside the old one, which is not taken for dropped", async () => {
    const { world, slot, inherited, databases } = await bench();
    await slot.converge(inherited);
    const renamed = { ...inherited, database: "shop" };
    expect(await slot.changes(renamed)).toMatchObject([{ field: "database", effect: "in-place" }]);
    await slot.update(renamed);
    world.settle();
    expect(await databases()).toEqual(["neondb of neondb_owner", "shop of neondb_owner"]);
  });

  it("is missing with its role together, which is proof", async () => {
    const { slot, app } = await bench();
    expect(await slot.observe(app)).toEqual({ state: "absent" });
  });

  it("is gone with its branch", async () => {
    const { world, slot, inherited, app } = await bench();
    const { branch } = await world.ok("POST", `/projects/${app.projectId}/branches`, {
      branch: { name: "dev" },
    });
    world.settle();
    const onDev = { ...inherited, branchId: branch?.["id"] ?? "" };
    await slot.converge(onDev);
    await world.ok("DELETE", `/projects/${app.projectId}/branches/${onDev.branchId}`);
    expect(await slot.observe(onDev)).toEqual({ state: "absent" });
  });

  it("is removed without its role, which others may use", async () => {
    const { world, slot, app, base, databases } = await bench();
    await slot.converge(app);
    world.settle();
    expect(await slot.remove(app)).toBe("absent");
    expect(await databases()).toEqual(["neondb of neondb_owner"]);
    const { roles } = await world.ok("GET", `${base}/roles`);
    expect(roles?.map((one) => one["name"])).toContain("app");
    world.settle();
    expect(await slot.remove(app), "removing what is gone is no error").toBe("absent");
  });

  it("is refused under a reserved name, with the field", async () => {
    const { slot, app } = await bench();
    await expect(slot.create({ ...app, role: "postgres" })).rejects.toMatchObject({
      code: "INTEGRATION_REJECTED",
      field: "spec.neon.role",
      message: expect.stringContaining("postgres is reserved"),
    });
  });
});
