import { expect, test } from "vitest";
import { createSandbox, inProcessOrigins } from "../sandbox.ts";
import type { Sandbox } from "../sandbox.ts";

function control(sandbox: Sandbox) {
  return async (method: string, path: string, body?: unknown) => {
    const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await sandbox.fetch(inProcessOrigins.control + path, init);
    const text = await response.text();
    return { status: response.status, text, json: (): unknown => JSON.parse(text) };
  };
}

function neon(sandbox: Sandbox, method: string, path: string, body?: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${sandbox.seed.neon.token}` };
  return sandbox.fetch(sandbox.urls.neon + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

test("GET /requests shows one line per request to a provider, from a sequence on, and nothing of the control port", async () => {
  const sandbox = createSandbox();
  const call = control(sandbox);
  await neon(sandbox, "POST", "/projects", { project: { name: "shop" } });
  await neon(sandbox, "GET", "/projects?limit=1");
  const lines = (await call("GET", "/requests")).text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toEqual([
    { sequence: 1, provider: "neon", method: "POST", path: "/api/v2/projects", status: 201, changed: true },
    {
      sequence: 2,
      provider: "neon",
      method: "GET",
      path: "/api/v2/projects?limit=1",
      status: 200,
      changed: false,
    },
  ]);
  expect((await call("GET", "/requests?since=1")).text.trim().split("\n")).toHaveLength(1);
  expect((await call("GET", "/requests?since=2")).text).toBe("");
  expect((await call("GET", "/requests?since=x")).status).toBe(400);
});

test("GET /state shows what exists", async () => {
  const sandbox = createSandbox();
  await neon(sandbox, "POST", "/projects", { project: { name: "shop" } });
  const state = (await control(sandbox)("GET", "/state")).json();
  expect(state).toMatchObject({
    requests: 1,
    neon: { projects: [{ name: "shop", branches: [{ name: "main" }] }] },
    github: expect.anything() as unknown,
  });
});

test("faults and lags are set, listed and cleared", async () => {
  const sandbox = createSandbox();
  const call = control(sandbox);
  expect(
    (await call("POST", "/faults", { provider: "neon", path: "/regions", status: 503, times: 1 })).json(),
  ).toEqual({ id: "fault-1" });
  expect(
    (await call("POST", "/lags", { provider: "neon", resource: "branch", milliseconds: 10 })).status,
  ).toBe(204);
  expect((await call("GET", "/faults")).json()).toMatchObject({
    faults: [{ id: "fault-1", status: 503 }],
    lags: [{ resource: "branch" }],
  });
  expect((await neon(sandbox, "GET", "/regions")).status).toBe(503);
  expect((await neon(sandbox, "GET", "/regions")).status).toBe(200);
  await call("DELETE", "/faults");
  expect((await call("GET", "/faults")).json()).toEqual({ faults: [], lags: [] });
});

test("POST /clock/advance moves the sandbox's time", async () => {
  const sandbox = createSandbox();
  const call = control(sandbox);
  const created = (await (await neon(sandbox, "POST", "/projects", { project: {} })).json()) as {
    project: { id: string };
  };
  const branches = () => neon(sandbox, "POST", `/projects/${created.project.id}/branches`, {});
  expect((await branches()).status).toBe(423);
  const before = sandbox.context.clock.now();
  expect((await call("POST", "/clock/advance", { milliseconds: 5_000 })).json()).toEqual({
    now: before + 5_000,
  });
  expect((await branches()).status).toBe(201);
});

test("Neon can be told to miss a project in listings and to fail an operation", async () => {
  const sandbox = createSandbox();
  const call = control(sandbox);
  await call("POST", "/neon/operations/fail", { action: "start_compute", error: "no capacity" });
  const created = (await (await neon(sandbox, "POST", "/projects", { project: {} })).json()) as {
    project: { id: string };
  };
  await call("POST", "/clock/advance", { milliseconds: 5_000 });
  expect(
    await (await neon(sandbox, "GET", `/projects/${created.project.id}/operations`)).json(),
  ).toMatchObject({ operations: [{ status: "failed", error: "no capacity" }, { status: "finished" }] });
  expect(
    (await call("POST", `/neon/projects/${created.project.id}/unavailable`, { unavailable: true })).status,
  ).toBe(204);
  expect(await (await neon(sandbox, "GET", "/projects")).json()).toMatchObject({
    projects: [],
    unavailable_project_ids: [created.project.id],
  });
});

test("wrong bodies and unknown paths are refused with what is wrong", async () => {
  const call = control(createSandbox());
  for (const [path, body, part] of [
    ["/faults", { statsu: 500 }, "statsu"],
    ["/faults", { path: "(" }, "path: must be a regular expression"],
    ["/faults", { method: "post" }, "method: must be an upper-case HTTP method"],
    ["/clock/advance", { milliseconds: -1 }, "milliseconds"],
    ["/lags", { provider: "neon" }, "resource"],
  ] as const) {
    const answer = await call("POST", path, body);
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(part)]);
  }
  expect((await call("GET", "/nothing")).json()).toEqual({
    message: "there is no GET /nothing on the control port",
  });
});

test("GitHub can be changed behind its API's back: repositories, commits, tokens", async () => {
  const sandbox = createSandbox();
  const call = control(sandbox);
  const github = async (path: string) => {
    const headers = { authorization: `Bearer ${sandbox.seed.github.token}`, "user-agent": "test" };
    const response = await sandbox.fetch(sandbox.urls.github + path, { headers });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const repository = { owner: "acme", name: "shop", files: { "README.md": "# Shop\n" } };
  expect((await call("POST", "/github/repositories", repository)).status).toBe(201);
  const commit = await call("POST", "/github/commits", {
    owner: "acme",
    name: "shop",
    branch: "main",
    files: { "a.txt": "a" },
    message: "By hand",
  });
  const { sha } = commit.json() as { sha: string };
  expect((await github("/repos/acme/shop/commits/main")).body).toMatchObject({
    sha,
    commit: { message: "By hand" },
  });
  expect(
    (await call("POST", "/github/commits", { ...repository, name: "none", branch: "main" })).text,
  ).toContain("there is no repository acme/none");
  await call("POST", "/github/tokens/change", { token: sandbox.seed.github.token, repositories: [] });
  expect((await github("/repos/acme/shop")).status).toBe(404);
  await call("POST", "/github/tokens/revoke", { token: sandbox.seed.github.token });
  expect((await github("/repos/acme/shop")).status).toBe(401);
  expect((await call("POST", "/github/tokens/revoke", { token: "ghp_none" })).status).toBe(400);
});
