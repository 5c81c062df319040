import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveSandbox } from "./serve.ts";
import type { ServedSandbox } from "./serve.ts";

const template = resolve(import.meta.dirname, "../examples/quickstart/template");
let directory = "";
let served: ServedSandbox;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "flaresmith-data-planes-"));
  chmodSync(directory, 0o755);
  served = await serveSandbox({
    directory: join(directory, "sandbox"),
    dataPlanes: { git: true, postgres: true, workers: true },
    templates: [{ owner: "acme", name: "worker-template", directory: template }],
    providers: {
      neon: {
        operationDurations: { create_timeline: 0, start_compute: 0, create_branch: 0, apply_config: 0 },
      },
    },
  });
}, 60_000);

afterAll(async () => {
  await served.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function api(
  provider: "neon" | "cloudflare",
  method: string,
  path: string,
  body?: string | FormData,
): Promise<Record<string, unknown>> {
  const { url, token } = served.addresses[provider];
  const headers = {
    authorization: `Bearer ${token}`,
    ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
  };
  const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

async function deploy(name: string, databaseUrl: string): Promise<void> {
  const script = `/accounts/${served.addresses.cloudflare.account}/workers/scripts/${name}`;
  const { main, ...settings } = JSON.parse(
    readFileSync(join(template, "dist/worker/wrangler.json"), "utf8"),
  ) as { main: string };
  const form = new FormData();
  const bindings = [
    { name: "PROJECT", type: "plain_text", text: "shop" },
    { name: "ENVIRONMENT", type: "plain_text", text: name },
    { name: "COMMIT_SHA", type: "plain_text", text: "c0ffee" },
    { name: "DATABASE_URL", type: "secret_text", text: databaseUrl },
  ];
  form.append(
    "metadata",
    new Blob([JSON.stringify({ main_module: main, bindings, ...settings })], { type: "application/json" }),
  );
  const source = readFileSync(join(template, "dist/worker", main));
  form.append(main, new Blob([source], { type: "application/javascript+module" }), main);
  await api("cloudflare", "PUT", script, form);
  await api(
    "cloudflare",
    "POST",
    `${script}/subdomain`,
    JSON.stringify({ enabled: true, previews_enabled: true }),
  );
}

async function visit(name: string, path: string, init: RequestInit = {}): Promise<unknown> {
  // undici lets us set Host, so that no name has to resolve.
  const { port } = new URL(served.addresses.workers.url);
  const response = await request(`http://127.0.0.1:${port}${path}`, {
    method: init.method === "POST" ? "POST" : "GET",
    headers: { host: `${name}.acme.workers.localhost:${port}` },
    ...(typeof init.body === "string" ? { body: init.body } : {}),
  });
  return response.body.json();
}

test("each deployed Worker reads the rows of its own Neon branch", async () => {
  const project = await api("neon", "POST", "/projects", JSON.stringify({ project: { name: "shop" } }));
  const { id } = project["project"] as { id: string };
  const [production] = project["connection_uris"] as { connection_uri: string }[];
  const branch = await api(
    "neon",
    "POST",
    `/projects/${id}/branches`,
    JSON.stringify({ branch: { name: "preview" }, endpoints: [{ type: "read_write" }] }),
  );
  const [preview] = branch["connection_uris"] as { connection_uri: string }[];
  await deploy("production", production?.connection_uri ?? "");
  await deploy("preview", preview?.connection_uri ?? "");
  await visit("preview", "/notes", { method: "POST", body: "only in the preview" });
  expect(await visit("preview", "/")).toMatchObject({
    environment: "preview",
    database: { value: "only in the preview" },
  });
  expect(await visit("production", "/")).toMatchObject({
    environment: "production",
    database: { notes: 1, value: "first written by production" },
  });
}, 60_000);

test("git clones a repository of the local GitHub", async () => {
  const { url, token } = served.addresses.github;
  const source = `${url.replace("://", `://x-access-token:${token}@`)}/acme/worker-template.git`;
  const clone = join(directory, "clone");
  await promisify(execFile)("git", ["clone", "--quiet", source, clone], {
    env: { ...process.env, GIT_TERMINAL_PROMPT: "0" },
  });
  const file = "dist/worker/index.js";
  expect(readFileSync(join(clone, file), "utf8")).toBe(readFileSync(join(template, file), "utf8"));
}, 60_000);
