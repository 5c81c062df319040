import { expect, test } from "vitest";
import { neonPlans } from "./limits.ts";
import { neonHarness } from "./neon-harness.ts";

test("the default, a protected and a parent branch are not deleted; a leaf is, and a second time answers 204", async () => {
  const { call, ok, project, settle } = neonHarness();
  const shop = await project();
  const base = `/projects/${shop["project"]?.["id"]}/branches`;
  const main = shop["branch"]?.["id"];
  const child = (await ok("POST", base, { branch: { name: "child" } }))["branch"]?.["id"];
  settle();
  const grandchild = (await ok("POST", base, { branch: { name: "grandchild", parent_id: child } }))[
    "branch"
  ]?.["id"];
  settle();
  expect((await call("DELETE", `${base}/${main}`)).status).toBe(422);
  expect((await call("DELETE", `${base}/${child}`)).status).toBe(422);
  await ok("PATCH", `${base}/${grandchild}`, { branch: { protected: true } });
  expect((await call("DELETE", `${base}/${grandchild}`)).status).toBe(422);
  await ok("PATCH", `${base}/${grandchild}`, { branch: { protected: false } });
  expect((await call("DELETE", `${base}/${grandchild}`)).status).toBe(200);
  settle();
  expect((await call("DELETE", `${base}/${grandchild}`)).status).toBe(204);
  expect((await call("GET", `${base}/${grandchild}`)).status).toBe(404);
  expect((await call("DELETE", `${base}/br-never-was-12345678`)).status).toBe(404);
  await ok("POST", `${base}/${child}/set_as_default`);
  expect((await call("DELETE", `${base}/${main}`)).status).toBe(422);
});

test("a branch name is taken once per project, and renaming to the same name is refused", async () => {
  const { call, ok, project, settle } = neonHarness();
  const shop = await project();
  const base = `/projects/${shop["project"]?.["id"]}/branches`;
  const dev = (await ok("POST", base, { branch: { name: "dev" } }))["branch"]?.["id"];
  settle();
  const again = await call("POST", base, { branch: { name: "dev" } });
  expect([again.status, again.body["message"]]).toEqual([409, 'branch already exists; branch_name:"dev"']);
  expect((await call("PATCH", `${base}/${dev}`, { branch: { name: "dev" } })).status).toBe(400);
  expect((await call("PATCH", `${base}/${dev}`, { branch: { name: "main" } })).status).toBe(409);
  await ok("DELETE", `${base}/${dev}`);
  settle();
  expect((await call("POST", base, { branch: { name: "dev" } })).status).toBe(201);
});

test("annotations come with the create and stay: there is no way to change them", async () => {
  const { call, ok, project, settle } = neonHarness();
  const shop = await project({ branch: { annotations: { marker: "a" } } });
  const base = `/projects/${shop["project"]?.["id"]}/branches`;
  const dev = (await ok("POST", base, { branch: { name: "dev" }, annotation_value: { marker: "b" } }))[
    "branch"
  ]?.["id"];
  settle();
  const listed = await ok("GET", base);
  expect(listed["annotations"]).toMatchObject({
    [String(shop["branch"]?.["id"])]: { value: { marker: "a" }, object: { type: "console/branch" } },
    [String(dev)]: { value: { marker: "b" } },
  });
  expect(
    (await call("PATCH", `${base}/${dev}`, { branch: {}, annotation_value: { marker: "c" } })).status,
  ).toBe(400);
  expect((await ok("GET", `${base}/${dev}`))["annotation"]?.["value"]).toEqual({ marker: "b" });
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`key-${index}`, "x"]));
  expect((await call("POST", base, { annotation_value: many })).status).toBe(400);
});

test("branches beyond the plan are refused with the code of the limit", async () => {
  const { call, ok, project, settle } = neonHarness({
    plan: { ...neonPlans.free, branchesPerProject: 4, rootBranchesPerProject: 2 },
  });
  const base = `/projects/${(await project())["project"]?.["id"]}/branches`;
  const create = async (branch: object) => {
    const answer = await call("POST", base, { branch });
    settle();
    return [answer.status, answer.body["code"]];
  };
  expect(await create({ name: "a", init_source: "schema-only" })).toEqual([201, undefined]);
  expect(await create({ name: "b", init_source: "schema-only" })).toEqual([
    422,
    "ROOT_BRANCHES_LIMIT_EXCEEDED",
  ]);
  expect(await create({ name: "b" })).toEqual([201, undefined]);
  expect(await create({ name: "c" })).toEqual([201, undefined]);
  expect(await create({ name: "d" })).toEqual([422, "BRANCHES_LIMIT_EXCEEDED"]);
  const listed = await ok("GET", `${base}?sort_by=created_at&sort_order=asc`);
  expect(listed["branches"]?.map((branch) => [branch["name"], branch["parent_id"] === undefined])).toEqual([
    ["main", true],
    ["a", true],
    ["b", false],
    ["c", false],
  ]);
});

test("pages go on where they stopped, also when branches come and go in between", async () => {
  const { ok, project, settle } = neonHarness();
  const base = `/projects/${(await project())["project"]?.["id"]}/branches`;
  const ids: string[] = [];
  for (const name of ["b1", "b2", "b3", "b4", "b5"]) {
    ids.push(String((await ok("POST", base, { branch: { name } }))["branch"]?.["id"]));
    settle();
  }
  const first = await ok("GET", `${base}?limit=3&sort_by=name&sort_order=asc`);
  expect(first["branches"]?.map((branch) => branch["name"])).toEqual(["b1", "b2", "b3"]);
  await ok("DELETE", `${base}/${ids[2]}`);
  const second = await ok(
    "GET",
    `${base}?limit=3&sort_by=name&sort_order=asc&cursor=${first["pagination"]?.["next"]}`,
  );
  expect(second["branches"]?.map((branch) => branch["name"])).toEqual(["b4", "b5", "main"]);
  expect(second["pagination"]).not.toHaveProperty("next");
  expect((await ok("GET", `${base}?search=B4`))["branches"]).toHaveLength(1);
  expect((await ok("GET", `${base}/count`))["count"]).toBe(5);
});

test("children share their parent's passwords, unless the parent is protected", async () => {
  const { ok, project, settle } = neonHarness();
  const shop = await project({ branch: { role_name: "app", database_name: "app" } });
  const base = `/projects/${shop["project"]?.["id"]}/branches`;
  const password = async (branch: unknown) =>
    (await ok("GET", `${base}/${String(branch)}/roles/app/reveal_password`))["password"];
  const dev = (await ok("POST", base, { branch: { name: "dev" } }))["branch"]?.["id"];
  settle();
  expect(await password(dev)).toBe(await password(shop["branch"]?.["id"]));
  await ok("PATCH", `${base}/${shop["branch"]?.["id"]}`, { branch: { protected: true } });
  const preview = await ok("POST", base, {
    branch: { name: "preview" },
    endpoints: [{ type: "read_write" }],
  });
  expect(await password(preview["branch"]?.["id"])).not.toBe(await password(dev));
  expect(preview["connection_uris"]?.[0]?.["connection_uri"]).toContain(
    String(await password(preview["branch"]?.["id"])),
  );
});
