import { expect, test } from "vitest";
import { neonPlans } from "./limits.ts";
import { neonHarness } from "./neon-harness.ts";

test("two projects may have one name, and search finds parts of names", async () => {
  const { ok, project } = neonHarness();
  for (const name of ["shop", "shop", "shop-prod", "blog"]) await project({ name });
  const names = async (query: string) =>
    (await ok("GET", `/projects?limit=400&${query}`))["projects"]?.map((found) => found["name"]);
  expect(await names("search=SHOP")).toEqual(["shop", "shop", "shop-prod"]);
  expect(await names("search=prod")).toEqual(["shop-prod"]);
});

test("a listing comes in pages of ten by default, and the cursor reaches every project once", async () => {
  const { call, ok, project } = neonHarness();
  for (let index = 0; index < 23; index += 1) await project({ name: `p${index}` });
  const found: unknown[] = [];
  for (let cursor = ""; ;) {
    const page = await ok("GET", `/projects?${cursor}`);
    expect(page["projects"]?.length).toBeLessThanOrEqual(10);
    if (page["projects"]?.length === 0) break;
    found.push(...(page["projects"]?.map((entry) => entry["name"]) ?? []));
    cursor = `cursor=${page["pagination"]?.["cursor"]}`;
  }
  expect(found).toEqual(Array.from({ length: 23 }, (_, index) => `p${index}`));
  expect((await call("GET", "/projects?limit=401")).status).toBe(400);
  expect((await call("GET", "/projects?cursor=nowhere")).status).toBe(400);
});

test("a listing may miss projects: their ids stand under unavailable_project_ids, and reading one still works", async () => {
  const { neon, ok, project } = neonHarness();
  const id = String((await project())["project"]?.["id"]);
  neon.setUnavailable(id, true);
  expect(await ok("GET", "/projects")).toMatchObject({ projects: [], unavailable_project_ids: [id] });
  expect((await ok("GET", `/projects/${id}`))["project"]?.["name"]).toBe("shop");
  neon.setUnavailable(id, false);
  expect((await ok("GET", "/projects"))["projects"]).toHaveLength(1);
});

test("a deleted project is gone for clients and can be recovered for seven days with its branches", async () => {
  const { call, context, ok, project } = neonHarness();
  const shop = await project({ branch: { name: "production" } });
  const path = `/projects/${shop["project"]?.["id"]}`;
  await ok("PATCH", `${path}/branches/${shop["branch"]?.["id"]}`, { branch: { protected: true } });
  expect((await call("DELETE", path)).status).toBe(422);
  await ok("PATCH", `${path}/branches/${shop["branch"]?.["id"]}`, { branch: { protected: false } });
  await ok("DELETE", path);
  expect((await call("GET", path)).status).toBe(404);
  expect((await call("DELETE", path)).status).toBe(404);
  expect((await ok("GET", "/projects"))["projects"]).toEqual([]);
  expect((await ok("GET", "/projects?recoverable=true"))["projects"]?.[0]).toHaveProperty(
    "recoverable_until",
  );
  expect((await ok("POST", `${path}/recover`))["branches"]?.[0]?.["name"]).toBe("production");
  await ok("DELETE", path);
  context.clock.advance(7 * 24 * 3_600_000);
  expect((await call("POST", `${path}/recover`)).status).toBe(404);
});

test("plan limits: number of projects, history retention, compute size", async () => {
  const { call, project } = neonHarness({ plan: { ...neonPlans.free, projects: 1 } });
  const create = async (fields: object) => {
    const answer = await call("POST", "/projects", { project: fields });
    return [answer.status, answer.body["code"]];
  };
  expect(await create({ history_retention_seconds: 604_800 })).toEqual([422, ""]);
  expect(await create({ default_endpoint_settings: { autoscaling_limit_max_cu: 16 } })).toEqual([422, ""]);
  await project();
  expect(await create({ name: "second" })).toEqual([422, "PROJECTS_LIMIT_EXCEEDED"]);
});

test("wrong bodies are refused with 400 and the field's name", async () => {
  const { call } = neonHarness();
  for (const [body, part] of [
    ["{", "invalid JSON"],
    [undefined, "value is required"],
    [{}, "/project"],
    [{ project: { pg_version: 13 } }, "/project/pg_version"],
    [{ project: { name: "" } }, "/project/name"],
    [{ project: { history_retention_seconds: 2_592_001 } }, "/project/history_retention_seconds"],
    [{ project: { nmae: "shop" } }, "nmae"],
    [{ project: { region_id: "mars-north-1" } }, "mars-north-1"],
    [{ project: { branch: { role_name: "pg_monitor" } } }, "reserved"],
  ] as const) {
    const answer = await call("POST", "/projects", body);
    expect([answer.status, answer.body["message"]]).toEqual([400, expect.stringContaining(part)]);
  }
});
