import { expect, test } from "vitest";
import { neonHarness } from "./neon-harness.ts";

test("roles and databases are unique per branch, and deleting them again answers 204", async () => {
  const { call, ok, project, settle } = neonHarness();
  const shop = await project();
  const base = `/projects/${shop["project"]?.["id"]}/branches/${shop["branch"]?.["id"]}`;
  const role = await ok("POST", `${base}/roles`, { role: { name: "app" } });
  expect(role["role"]?.["password"]).toMatch(/^npg_[A-Za-z0-9]{12}$/);
  settle();
  expect((await call("POST", `${base}/roles`, { role: { name: "app" } })).status).toBe(409);
  await ok("POST", `${base}/databases`, { database: { name: "app", owner_name: "app" } });
  settle();
  expect(
    (await call("POST", `${base}/databases`, { database: { name: "app", owner_name: "app" } })).status,
  ).toBe(409);
  expect(
    (await call("POST", `${base}/databases`, { database: { name: "b", owner_name: "nobody" } })).status,
  ).toBe(404);
  expect((await call("DELETE", `${base}/roles/app`)).status).toBe(422);
  expect((await call("DELETE", `${base}/databases/app`)).status).toBe(200);
  settle();
  expect((await call("DELETE", `${base}/databases/app`)).status).toBe(204);
  expect((await call("DELETE", `${base}/roles/app`)).status).toBe(200);
  settle();
  expect((await call("DELETE", `${base}/roles/app`)).status).toBe(204);
  expect((await ok("GET", `${base}/roles`))["roles"]?.map((found) => found["name"])).toEqual([
    "neondb_owner",
  ]);
});

test("a reset password is new; listings and reads never show one", async () => {
  const { ok, project, settle } = neonHarness();
  const shop = await project();
  const base = `/projects/${shop["project"]?.["id"]}/branches/${shop["branch"]?.["id"]}/roles`;
  const before = (await ok("GET", `${base}/neondb_owner/reveal_password`))["password"];
  const reset = await ok("POST", `${base}/neondb_owner/reset_password`);
  settle();
  expect(reset["role"]?.["password"]).not.toBe(before);
  expect((await ok("GET", `${base}/neondb_owner/reveal_password`))["password"]).toBe(
    reset["role"]?.["password"],
  );
  expect(JSON.stringify([await ok("GET", base), await ok("GET", `${base}/neondb_owner`)])).not.toContain(
    "npg_",
  );
});

test("a project that stores no passwords reveals none, and its connection URI still works", async () => {
  const { call, ok, project } = neonHarness();
  const shop = await project({ store_passwords: false });
  const path = `/projects/${shop["project"]?.["id"]}`;
  expect(
    (await call("GET", `${path}/branches/${shop["branch"]?.["id"]}/roles/neondb_owner/reveal_password`))
      .status,
  ).toBe(412);
  const { uri } = (await ok(
    "GET",
    `${path}/connection_uri?database_name=neondb&role_name=neondb_owner&pooled=true`,
  )) as unknown as { uri: string };
  expect(new URL(uri).host).toMatch(/^ep-.*-pooler\.us-east-2\.aws\.neon\.tech$/);
});

test("one read-write endpoint per branch; suspending one that still starts answers 423", async () => {
  const { call, ok, project, settle } = neonHarness();
  const shop = await project();
  const path = `/projects/${shop["project"]?.["id"]}`;
  const dev = (await ok("POST", `${path}/branches`, { branch: { name: "dev" } }))["branch"]?.["id"];
  settle();
  const body = { endpoint: { branch_id: dev, type: "read_write" } };
  const endpoint = (await ok("POST", `${path}/endpoints`, body))["endpoint"]?.["id"];
  const early = await call("POST", `${path}/endpoints/${endpoint}/suspend`);
  expect([early.status, early.body["message"]]).toEqual([
    423,
    "endpoint is in some transitive state, could not suspend",
  ]);
  settle();
  const second = await call("POST", `${path}/endpoints`, body);
  expect([second.status, second.body["message"]]).toEqual([409, "read_write endpoint already exists"]);
  await ok("POST", `${path}/endpoints/${endpoint}/suspend`);
  settle();
  expect((await ok("GET", `${path}/endpoints/${endpoint}`))["endpoint"]?.["current_state"]).toBe("idle");
});
