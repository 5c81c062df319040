import { expect, test } from "vitest";
import { neonHarness } from "./neon-harness.ts";

test("no key, a wrong key, a key of another organization", async () => {
  const own = [
    { key: "napi_org", kind: "org", orgId: "org-acme-12345678" },
    { key: "napi_other", kind: "org", orgId: "org-other-1" },
  ] as const;
  const { call, neon, project, url } = neonHarness({ apiKeys: own });
  const id = (await project())["project"]?.["id"];
  const missing = await neon.fetch(new Request(`${url}/projects`));
  expect([missing.status, await missing.json()]).toMatchObject([
    401,
    { code: "", message: "supplied credentials do not pass authentication" },
  ]);
  expect((await call("GET", "/projects", undefined, "napi_guess")).status).toBe(401);
  expect((await call("GET", `/projects/${id}`, undefined, "napi_other")).status).toBe(404);
  expect((await call("GET", "/projects", undefined, "napi_other")).body["projects"]).toEqual([]);
});

test("a personal key must name the organization; an organization's key need not", async () => {
  const { call, orgId, userKey } = neonHarness();
  const message = "org_id is required, you can find it on your organization settings page";
  const listed = await call("GET", "/projects", undefined, userKey);
  expect([listed.status, listed.body["message"]]).toEqual([400, message]);
  expect((await call("POST", "/projects", { project: {} }, userKey)).body["message"]).toBe(message);
  expect((await call("GET", `/projects?org_id=${orgId}`, undefined, userKey)).status).toBe(200);
  expect((await call("POST", "/projects", { project: { org_id: orgId } }, userKey)).status).toBe(201);
  expect((await call("GET", "/projects")).status).toBe(200);
  expect((await call("GET", "/projects?org_id=org-other-1")).status).toBe(403);
});

test("a project-scoped key sees its project only, and neither creates nor deletes projects", async () => {
  const keys = [{ key: "napi_org", kind: "org", orgId: "org-acme-12345678" }] as {
    key: string;
    kind: "org" | "project";
    orgId: string;
    projectId?: string;
  }[];
  const { call, project } = neonHarness({ apiKeys: keys });
  const [mine, other] = [
    String((await project())["project"]?.["id"]),
    String((await project())["project"]?.["id"]),
  ];
  keys.push({ key: "napi_scoped", kind: "project", orgId: "org-acme-12345678", projectId: mine });
  expect((await call("GET", `/projects/${mine}/branches`, undefined, "napi_scoped")).status).toBe(200);
  expect((await call("GET", `/projects/${other}`, undefined, "napi_scoped")).status).toBe(404);
  expect((await call("GET", "/projects", undefined, "napi_scoped")).body["projects"]).toHaveLength(1);
  expect((await call("POST", "/projects", { project: {} }, "napi_scoped")).status).toBe(403);
  expect((await call("DELETE", `/projects/${mine}`, undefined, "napi_scoped")).status).toBe(403);
});

test("more than 40 requests in a second on one route, or 700 in a minute, answer 429", async () => {
  const { call, context } = neonHarness({ rateLimits: { perMinute: 700, perRoutePerSecond: 40 } });
  const burst = async (path: string) => {
    const statuses: number[] = [];
    for (let count = 0; count < 41; count += 1) statuses.push((await call("GET", path)).status);
    return statuses.filter((status) => status === 429).length;
  };
  expect(await burst("/projects")).toBe(1);
  expect(await burst("/regions")).toBe(1);
  let refused = 0;
  for (let second = 0; second < 17; second += 1) {
    context.clock.advance(1_000);
    refused += await burst("/projects");
  }
  expect(refused).toBeGreaterThan(17);
  context.clock.advance(60_000);
  expect((await call("GET", "/projects")).status).toBe(200);
});

test("an unknown route answers 404 in Neon's error shape", async () => {
  const { call } = neonHarness();
  const answer = await call("GET", "/teapots");
  expect(answer.status).toBe(404);
  expect(answer.body).toMatchObject({
    code: "",
    message: expect.any(String) as unknown,
    request_id: expect.any(String) as unknown,
  });
});
