import { expect, test } from "vitest";
import { ConnectionDropped } from "../core/provider.ts";
import { neonHarness } from "./neon-harness.ts";

test("a 524 after the request was applied leaves the branch behind, and the journal says so", async () => {
  const { call, context, ok, project } = neonHarness();
  const base = `/projects/${(await project())["project"]?.["id"]}/branches`;
  context.faults.add({
    provider: "neon",
    method: "POST",
    path: "/branches$",
    when: "after",
    status: 524,
    body: "<html>timeout</html>",
  });
  await expect(call("POST", base, { branch: { name: "dev" } })).rejects.toThrow(SyntaxError);
  expect((await ok("GET", base))["branches"]?.map((branch) => branch["name"])).toContain("dev");
  expect(context.journal.since(0).find((entry) => entry.status === 524)).toMatchObject({
    changed: true,
    method: "POST",
  });
});

test("a connection dropped before the request is applied changes nothing", async () => {
  const { call, context, ok, project } = neonHarness();
  const base = `/projects/${(await project())["project"]?.["id"]}/branches`;
  context.faults.add({ provider: "neon", method: "POST", drop: true });
  await expect(call("POST", base, { branch: { name: "dev" } })).rejects.toThrow(ConnectionDropped);
  expect((await ok("GET", base))["branches"]).toHaveLength(1);
});

test("under lag a reader sees branches as they were, and the truth when it has passed", async () => {
  const { context, ok, project, settle } = neonHarness();
  const base = `/projects/${(await project())["project"]?.["id"]}/branches`;
  const names = async () =>
    (await ok("GET", `${base}?sort_by=name&sort_order=asc`))["branches"]?.map((branch) => branch["name"]);
  context.faults.setLag({ provider: "neon", resource: "branch", milliseconds: 5_000 });
  const dev = (await ok("POST", base, { branch: { name: "dev" } }))["branch"]?.["id"];
  expect(await names()).toEqual(["main"]);
  context.clock.advance(5_000);
  expect(await names()).toEqual(["dev", "main"]);
  settle();
  await ok("DELETE", `${base}/${dev}`);
  expect(await names()).toEqual(["dev", "main"]);
  context.clock.advance(5_000);
  expect(await names()).toEqual(["main"]);
});

test("a handler without a data plane needs no turn of the event loop", async () => {
  const { ok } = neonHarness();
  let turned = false;
  setImmediate(() => {
    turned = true;
  });
  const created = await ok("POST", "/projects", { project: { name: "shop" } });
  await ok("GET", `/projects/${created["project"]?.["id"]}/branches`);
  expect(turned).toBe(false);
});

test("equal seeds and equal requests give equal worlds", async () => {
  const build = async () => {
    const { neon, ok, project } = neonHarness();
    await ok("POST", `/projects/${(await project())["project"]?.["id"]}/branches`, {
      branch: { name: "dev" },
    });
    return neon.state();
  };
  expect(await build()).toEqual(await build());
});
