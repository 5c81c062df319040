import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { account, testBench, zone } from "../testing.ts";
import type { TestBench } from "../testing.ts";
import { createWorkersRuntime } from "./runtime.ts";
import type { WorkersRuntime } from "./runtime.ts";

const workersUrl = "http://{script}.{subdomain}.workers.localhost:8788";
const scripts = `/accounts/${account}/workers/scripts`;
const previews = (worker: string): string => `/accounts/${account}/workers/workers/${worker}/previews`;

let directory = "";
let runtime: WorkersRuntime;
let bench: TestBench;
let lines: string[] = [];

beforeEach(() => {
  lines = [];
  directory = mkdtempSync(join(tmpdir(), "workers-"));
  runtime = createWorkersRuntime({
    directory,
    world: () => bench.cloudflare.world,
    log: (line) => lines.push(line),
  });
  bench = testBench({ workersUrl, workersDataPlane: runtime });
});

afterEach(async () => {
  await runtime.dispose();
  rmSync(directory, { recursive: true, force: true });
});

const hit = async (
  host: string,
  path = "/",
  init: RequestInit = {},
): Promise<{ status: number; text: string }> => {
  const response = await runtime.fetch(new Request(`http://${host}${path}`, init));
  return { status: response.status, text: await response.text() };
};

const says = (text: string): string =>
  `export default { fetch() { return new Response(${JSON.stringify(text)}); } };`;
const echo =
  "export default { fetch(request, env) { return Response.json({ ...env, url: request.url }); } };";

const enable = async (name: string): Promise<void> => {
  await bench.call("POST", `${scripts}/${name}/subdomain`, { enabled: true, previews_enabled: true });
};

test("a Worker answers at its workers.dev name once that is enabled, with its vars and secrets", async () => {
  const bindings = [
    { name: "MODE", type: "plain_text", text: "dev" },
    { name: "KEY", type: "secret_text", text: "s3cret" },
    { name: "LIMITS", type: "json", json: { max: 3 } },
  ];
  await bench.upload("shop", { bindings }, { source: echo });
  expect(await hit("shop.acme.workers.localhost:8788")).toEqual({ status: 404, text: "error code: 1042" });
  await enable("shop");
  const answer = await hit("shop.acme.workers.localhost:8788", "/a?b=c");
  expect(JSON.parse(answer.text)).toEqual({
    MODE: "dev",
    KEY: "s3cret",
    LIMITS: { max: 3 },
    url: "http://shop.acme.workers.localhost:8788/a?b=c",
  });
  expect((await hit("none.acme.workers.localhost:8788")).status).toBe(404);
  expect((await hit("elsewhere.example")).status).toBe(530);
});

test("a new upload serves at the next request, and a Worker that does not start leaves the others serving", async () => {
  await bench.upload("one", {}, { source: says("first") });
  await bench.upload("two", {}, { source: says("two") });
  await enable("one");
  await enable("two");
  expect((await hit("one.acme.workers.localhost")).text).toBe("first");
  await bench.upload("one", {}, { source: says("second") });
  const answers = await Promise.all([hit("one.acme.workers.localhost"), hit("two.acme.workers.localhost")]);
  expect(answers.map((answer) => answer.text)).toEqual(["second", "two"]);
  await bench.upload("one", {}, { source: "this is not JavaScript" });
  expect(await hit("one.acme.workers.localhost")).toEqual({ status: 500, text: "error code: 1101" });
  expect((await hit("two.acme.workers.localhost")).text).toBe("two");
});

test("a Worker that throws answers 1101 and serves on, and what it printed is told", async () => {
  const source =
    'export default { fetch(request) { if (request.url.endsWith("/throw")) throw new Error("boom"); console.log("printed"); return new Response("fine"); } };';
  await bench.upload("shop", {}, { source });
  await enable("shop");
  expect(await hit("shop.acme.workers.localhost", "/throw")).toEqual({
    status: 500,
    text: "error code: 1101",
  });
  expect((await hit("shop.acme.workers.localhost")).text).toBe("fine");
  await vi.waitFor(() => expect(lines.join("\n")).toContain("printed"));
  expect(lines.join("\n")).toContain("boom");
});

test("a Worker that never answers does not keep new code from serving", async () => {
  await bench.upload(
    "hang",
    {},
    {
      source:
        "export default { fetch() { return new Promise((resolve) => setTimeout(() => resolve(new Response()), 60000)); } };",
    },
  );
  await bench.upload("shop", {}, { source: says("first") });
  await enable("hang");
  await enable("shop");
  expect((await hit("shop.acme.workers.localhost")).text).toBe("first");
  const hanging = hit("hang.acme.workers.localhost");
  await bench.upload("shop", {}, { source: says("second") });
  let text = "waiting";
  const next = hit("shop.acme.workers.localhost").then((answer) => {
    text = answer.text;
  });
  await vi.waitFor(() => {
    bench.context.clock.advance(5000);
    expect(text).toBe("second");
  });
  await next;
  expect((await hanging).status).toBe(500);
});

test("a preview answers at the URL that the API gave, apart from production", async () => {
  await bench.upload("shop", {}, { source: says("production") });
  await enable("shop");
  const created = await bench.call<{ urls: string[] }>("POST", previews("shop"), { name: "feature/Auth" });
  expect(created.result.urls).toEqual(["http://feature-auth-shop.acme.workers.localhost:8788"]);
  const content_base64 = Buffer.from(says("preview")).toString("base64");
  const modules = [{ name: "index.js", content_type: "application/javascript+module", content_base64 }];
  const deployed = await bench.call<{ urls: string[] }>(
    "POST",
    `${previews("shop")}/feature-auth/deployments`,
    {
      main_module: "index.js",
      modules,
      compatibility_date: "2026-01-01",
    },
  );
  for (const url of [...created.result.urls, ...deployed.result.urls])
    expect((await hit(new URL(url).host)).text).toBe("preview");
  expect((await hit("shop.acme.workers.localhost")).text).toBe("production");
  await bench.call("DELETE", `${previews("shop")}/feature-auth`);
  expect((await hit("feature-auth-shop.acme.workers.localhost")).status).toBe(404);
});

test("custom domains and routes answer by host", async () => {
  await bench.upload("shop", {}, { source: says("shop") });
  await bench.upload("api", {}, { source: says("api") });
  const domain = { hostname: "shop.acme.example", service: "shop", zone_id: zone };
  await bench.call("PUT", `/accounts/${account}/workers/domains`, domain);
  await bench.call("POST", `/zones/${zone}/workers/routes`, {
    pattern: "*.acme.example/api/*",
    script: "api",
  });
  expect((await hit("shop.acme.example")).text).toBe("shop");
  expect((await hit("shop.acme.example", "/api/x")).text).toBe("api");
  expect((await hit("blog.acme.example")).status).toBe(530);
});

test("static assets are served before the Worker, and reach it through its ASSETS binding", async () => {
  const page = "<h1>hi</h1>";
  const hash = "0123456789abcdef0123456789abcdef";
  const session = await bench.call<{ jwt: string; buckets: string[][] }>(
    "POST",
    `${scripts}/site/assets-upload-session`,
    {
      manifest: { "/index.html": { hash, size: page.length } },
    },
  );
  expect(session.result.buckets).toEqual([[hash]]);
  const part = `--b\r\nContent-Disposition: form-data; name="${hash}"; filename="${hash}"\r\nContent-Type: text/html\r\n\r\n${btoa(page)}\r\n--b--\r\n`;
  const uploaded = await bench.call<{ jwt: string }>(
    "POST",
    `/accounts/${account}/workers/assets/upload?base64=true`,
    new TextEncoder().encode(part),
    { "content-type": "multipart/form-data; boundary=b", authorization: `Bearer ${session.result.jwt}` },
  );
  expect(uploaded.status).toBe(201);
  const source =
    'export default { fetch(request, env) { return new URL(request.url).pathname === "/copy" ? env.ASSETS.fetch(new URL("/", request.url)) : new Response("worker"); } };';
  const answer = await bench.upload(
    "site",
    {
      assets: {
        jwt: uploaded.result.jwt,
        config: {
          html_handling: "auto-trailing-slash",
          _headers: "/*\n  X-Frame-Options: DENY",
          _redirects: "/old /else 301",
        },
      },
      bindings: [{ name: "ASSETS", type: "assets" }],
    },
    { source },
  );
  expect(answer).toMatchObject({ status: 200, result: { has_assets: true } });
  await enable("site");
  expect((await hit("site.acme.workers.localhost")).text).toBe(page);
  const served = await runtime.fetch(new Request("http://site.acme.workers.localhost/"));
  expect(served.headers.get("x-frame-options")).toBe("DENY");
  const moved = new Request("http://site.acme.workers.localhost/old", { redirect: "manual" });
  expect((await runtime.fetch(moved)).headers.get("location")).toBe("/else");
  expect((await hit("site.acme.workers.localhost", "/copy")).text).toBe(page);
  expect((await hit("site.acme.workers.localhost", "/else")).text).toBe("worker");
});

test("KV values are one and the same for the API and the Worker, R2 objects keep their bucket from deletion", async () => {
  const created = await bench.call<{ id: string }>("POST", `/accounts/${account}/storage/kv/namespaces`, {
    title: "cache",
  });
  await bench.call("POST", `/accounts/${account}/r2/buckets`, { name: "files" });
  const source =
    'export default { async fetch(request, env) { await env.KV.put("b", "worker"); await env.R2.put("o", "object"); return new Response(await env.KV.get("a")); } };';
  const bindings = [
    { name: "KV", type: "kv_namespace", namespace_id: created.result.id },
    { name: "R2", type: "r2_bucket", bucket_name: "files" },
  ];
  await bench.upload("shop", { bindings }, { source });
  await enable("shop");
  const values = `/accounts/${account}/storage/kv/namespaces/${created.result.id}`;
  await bench.call("PUT", `${values}/values/a`, new TextEncoder().encode("api"), {
    "content-type": "text/plain",
  });
  expect((await hit("shop.acme.workers.localhost")).text).toBe("api");
  expect((await bench.call<string>("GET", `${values}/values/b`)).result).toBe("worker");
  expect((await bench.call("GET", `${values}/keys`)).result).toMatchObject([{ name: "a" }, { name: "b" }]);
  const bucket = `/accounts/${account}/r2/buckets/files`;
  expect((await bench.call("DELETE", bucket)).status).toBe(409);
  expect((await bench.call("GET", `${bucket}/objects`)).result).toEqual([{ key: "o" }]);
  expect((await bench.call("DELETE", `${bucket}/objects`, ["o"])).result).toEqual([{ key: "o" }]);
  expect((await bench.call("DELETE", bucket)).status).toBe(200);
});

test("service bindings reach the bound Worker", async () => {
  await bench.upload("auth", {}, { source: says("from auth") });
  await bench.upload(
    "shop",
    { bindings: [{ name: "AUTH", type: "service", service: "auth" }] },
    { source: "export default { fetch(request, env) { return env.AUTH.fetch(request); } };" },
  );
  await enable("shop");
  expect((await hit("shop.acme.workers.localhost")).text).toBe("from auth");
});
