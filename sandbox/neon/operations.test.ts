import { expect, test } from "vitest";
import { neonHarness } from "./neon-harness.ts";

const lockedMessage =
  "project already has running conflicting operations, scheduling of new ones is prohibited";

test("a mutation answers before its work ends, and its operations walk from scheduling to finished", async () => {
  const { context, ok } = neonHarness();
  const created = await ok("POST", "/projects", { project: { name: "shop" } });
  const id = created["project"]?.["id"];
  const read = async () =>
    (await ok("GET", `/projects/${id}/operations`))["operations"]?.map((operation) => [
      operation["action"],
      operation["status"],
    ]);
  expect(created["branch"]).toMatchObject({ current_state: "init", pending_state: "ready" });
  expect(created["endpoints"]?.[0]).toMatchObject({ current_state: "init", pending_state: "active" });
  expect(await read()).toEqual([
    ["start_compute", "scheduling"],
    ["create_timeline", "scheduling"],
  ]);
  context.clock.advance(100);
  expect(await read()).toEqual([
    ["start_compute", "scheduling"],
    ["create_timeline", "running"],
  ]);
  context.clock.advance(400);
  expect(await read()).toEqual([
    ["start_compute", "running"],
    ["create_timeline", "finished"],
  ]);
  const branch = await ok("GET", `/projects/${id}/branches/${created["branch"]?.["id"]}`);
  expect(branch["branch"]).toMatchObject({ current_state: "ready" });
  context.clock.advance(600);
  expect(await read()).toEqual([
    ["start_compute", "finished"],
    ["create_timeline", "finished"],
  ]);
  const endpoint = await ok("GET", `/projects/${id}/endpoints/${created["endpoints"]?.[0]?.["id"]}`);
  expect(endpoint["endpoint"]).toMatchObject({ current_state: "active" });
  expect(endpoint["endpoint"]).not.toHaveProperty("pending_state");
});

test("a project with running operations answers 423 to what would schedule more, and nothing is applied", async () => {
  const { call, ok, project, settle } = neonHarness();
  const shop = (await project())["project"]?.["id"];
  const other = (await project())["project"]?.["id"];
  const dev = await ok("POST", `/projects/${shop}/branches`, { branch: { name: "dev" } });
  const id = dev["branch"]?.["id"];
  for (const [method, path, body] of [
    ["POST", `/projects/${shop}/branches`, { branch: { name: "other" } }],
    ["DELETE", `/projects/${shop}/branches/${id}`, undefined],
    ["POST", `/projects/${shop}/endpoints`, { endpoint: { branch_id: id, type: "read_write" } }],
    ["POST", `/projects/${shop}/branches/${id}/roles`, { role: { name: "app" } }],
    [
      "POST",
      `/projects/${shop}/branches/${id}/databases`,
      { database: { name: "app", owner_name: "neondb_owner" } },
    ],
    ["DELETE", `/projects/${shop}`, undefined],
  ] as const) {
    const answer = await call(method, path, body);
    expect([method, path, answer.status, answer.body["message"]]).toEqual([method, path, 423, lockedMessage]);
  }
  expect((await ok("GET", `/projects/${shop}/branches`))["branches"]).toHaveLength(2);
  expect((await call("POST", `/projects/${other}/branches`, {})).status).toBe(201);
  expect((await call("PATCH", `/projects/${shop}`, { project: { name: "renamed" } })).status).toBe(200);
  settle();
  expect((await call("DELETE", `/projects/${shop}/branches/${id}`)).status).toBe(200);
});

test("a branch that is not ready although its operations are done answers 422 to a child", async () => {
  const { call, context, ok } = neonHarness({
    branchSettle: 500,
    operationDurations: { create_timeline: 10, start_compute: 10 },
  });
  const shop = await ok("POST", "/projects", { project: {} });
  const path = `/projects/${shop["project"]?.["id"]}/branches`;
  context.clock.advance(100);
  const early = await call("POST", path, { branch: { name: "dev" } });
  expect([early.status, early.body["message"]]).toEqual([422, "branch not ready yet"]);
  context.clock.advance(500);
  expect((await call("POST", path, { branch: { name: "dev" } })).status).toBe(201);
});

test("an operation that was told to fail shows its error once it is done", async () => {
  const { neon, ok, project, settle } = neonHarness();
  const shop = await project();
  neon.failNextOperation("create_branch", "storage is not reachable");
  const dev = await ok("POST", `/projects/${shop["project"]?.["id"]}/branches`, { branch: { name: "dev" } });
  settle();
  const operation = await ok(
    "GET",
    `/projects/${shop["project"]?.["id"]}/operations/${dev["operations"]?.[0]?.["id"]}`,
  );
  expect(operation["operation"]).toMatchObject({
    status: "failed",
    error: "storage is not reachable",
    failures_count: 1,
  });
});

test("operations are listed in pages, newest first", async () => {
  const { ok, project, settle } = neonHarness();
  const id = (await project())["project"]?.["id"];
  for (const name of ["a", "b", "c"]) {
    await ok("POST", `/projects/${id}/branches`, { branch: { name } });
    settle();
  }
  const all = (await ok("GET", `/projects/${id}/operations`))["operations"]?.map(
    (operation) => operation["id"],
  );
  const paged: unknown[] = [];
  for (let cursor = ""; ;) {
    const page = await ok("GET", `/projects/${id}/operations?limit=2${cursor}`);
    if (page["operations"]?.length === 0) break;
    paged.push(...(page["operations"]?.map((operation) => operation["id"]) ?? []));
    cursor = `&cursor=${page["pagination"]?.["cursor"]}`;
  }
  expect(paged).toEqual(all);
  expect(paged).toHaveLength(5);
});
