import { expect, test } from "vitest";
import { writeMultipart } from "./multipart.ts";
import { account, helloModule, testBench, uploadParts } from "./testing.ts";
import type { TestBench } from "./testing.ts";

const worker = `/accounts/${account}/workers/workers/shop`;
const previews = `${worker}/previews`;
const modules = [
  { name: "index.js", content_type: "application/javascript+module", content_base64: btoa(helloModule) },
];
const code = { main_module: "index.js", modules, compatibility_date: "2026-01-01" };

async function withWorker(): Promise<TestBench> {
  const bench = testBench();
  await bench.upload("shop");
  await bench.call("POST", `/accounts/${account}/workers/scripts/shop/subdomain`, {
    enabled: true,
    previews_enabled: true,
  });
  return bench;
}

test("a preview is found by id, slug and URL-encoded name, and listed by filter", async () => {
  const { call } = await withWorker();
  const created = await call<{ id: string }>("POST", previews, { name: "feature/My_Branch", tags: ["ours"] });
  expect(created.result).toMatchObject({
    slug: "feature-my-branch",
    tags: ["ours"],
    urls: ["https://feature-my-branch-shop.acme.workers.dev"],
    deployed_on: null,
  });
  for (const key of [created.result.id, "feature-my-branch", encodeURIComponent("feature/My_Branch")]) {
    expect((await call<{ id: string }>("GET", `${previews}/${key}`)).result.id).toBe(created.result.id);
  }
  await call("POST", previews, { name: "other" });
  const named = await call<unknown[]>("GET", `${previews}?name=${encodeURIComponent("feature/My_Branch")}`);
  expect(named).toMatchObject({ result: [{ slug: "feature-my-branch" }], result_info: { total_count: 1 } });
  expect((await call("GET", `${previews}?per_page=1&page=2`)).result_info).toMatchObject({
    count: 1,
    total_count: 2,
    total_pages: 2,
  });
});

test("a preview's deployment is immutable, numbered, goes live at once, and is deleted with it", async () => {
  const { call, cloudflare } = await withWorker();
  await call("POST", previews, { name: "pr-1" });
  const env = { MODE: { type: "plain_text", text: "preview" }, KEY: { type: "secret_text", text: "s3cret" } };
  const first = await call<Record<string, unknown>>("POST", `${previews}/pr-1/deployments`, {
    ...code,
    env,
    annotations: { "workers/tag": "abc" },
  });
  expect(first.result).toMatchObject({
    number: 1,
    preview_name: "pr-1",
    env: { MODE: { type: "plain_text", text: "preview" }, KEY: { type: "secret_text" } },
    annotations: { "workers/tag": "abc" },
  });
  expect(JSON.stringify(first.result)).not.toContain("s3cret");
  const body = writeMultipart(
    uploadParts({ env }).map((part) => (part.name === "metadata" ? part : { ...part, name: "files" })),
    "b",
  );
  const second = await call<{ id: string }>("POST", `${previews}/pr-1/deployments`, body, {
    "content-type": "multipart/form-data; boundary=b",
  });
  expect(second.result).toMatchObject({ number: 2, main_module: "index.js" });
  expect((await call<{ id: string }>("GET", `${previews}/pr-1/deployments/latest`)).result.id).toBe(
    second.result.id,
  );
  expect((await call("GET", `${previews}/pr-1/deployments/latest?include=modules`)).result).toMatchObject({
    modules: [{ name: "index.js", content_base64: btoa(helloModule) }],
  });
  expect(JSON.stringify(cloudflare.state())).toContain("s3cret");
  await call("DELETE", `${previews}/pr-1`);
  expect(await call("GET", `${previews}/pr-1`)).toMatchObject({ status: 404, errors: [{ code: 10025 }] });
  expect(JSON.stringify(cloudflare.state())).not.toContain("s3cret");
});

test("rules for assets are modules of a deployment, and modules are the parts called files", async () => {
  const { call } = await withWorker();
  await call("POST", previews, { name: "pr-1" });
  const session = await call<{ jwt: string }>(
    "POST",
    `/accounts/${account}/workers/scripts/shop/assets-upload-session`,
    { manifest: {} },
  );
  const assets = { jwt: session.result.jwt, config: { html_handling: "none", _headers: "/* ignored" } };
  const parts = uploadParts({ assets }).map((part) =>
    part.name === "metadata" ? part : { ...part, name: "files" },
  );
  const rules = { name: "files", filename: "_headers", contentType: "text/plain" };
  const body = writeMultipart([...parts, { ...rules, bytes: new TextEncoder().encode("/*\n  X-A: b") }], "b");
  const type = { "content-type": "multipart/form-data; boundary=b" };
  const made = await call("POST", `${previews}/pr-1/deployments`, body, type);
  expect(made.result["assets"]).toEqual({ html_handling: "none", _headers: "/*\n  X-A: b" });
  const wrong = await call(
    "POST",
    `${previews}/pr-1/deployments`,
    writeMultipart(uploadParts({}), "b"),
    type,
  );
  expect(wrong).toMatchObject({ status: 400, errors: [{ code: 10021 }] });
});

test("a preview without a deployment says so with 10222", async () => {
  const { call } = await withWorker();
  await call("POST", previews, { name: "pr-1" });
  expect(await call("GET", `${previews}/pr-1/deployments/latest`)).toMatchObject({
    status: 404,
    errors: [{ code: 10222 }],
  });
});

test("the parent's base configuration fills what a preview leaves out, unless it is ignored", async () => {
  const { call } = await withWorker();
  const base = {
    env: { MODE: { type: "plain_text", text: "base" } },
    observability: { enabled: true },
    compatibility_date: "2025-05-05",
  };
  await call("PATCH", worker, { previews_base_config: base });
  expect((await call("POST", previews, { name: "pr-1" })).result).toMatchObject({
    observability: { enabled: true },
  });
  expect((await call("POST", previews, { name: "pr-2" })).status).toBe(200);
  const inherited = await call("POST", `${previews}/pr-1/deployments`, { main_module: "index.js", modules });
  expect(inherited.result).toMatchObject({
    env: { MODE: { text: "base" } },
    compatibility_date: "2025-05-05",
  });
  const alone = await call("POST", `${previews}/pr-2/deployments?ignore_defaults=true`, {
    main_module: "index.js",
    modules,
  });
  expect(alone.result).toMatchObject({ env: {}, compatibility_date: "" });
});

test("merge-patching a preview keeps what it does not name and replaces arrays", async () => {
  const { call } = await withWorker();
  await call("POST", previews, { name: "pr-1", tags: ["a", "b"], logpush: true });
  const patched = await call(
    "PATCH",
    `${previews}/pr-1`,
    { tags: ["c"] },
    { "content-type": "application/merge-patch+json" },
  );
  expect(patched.result).toMatchObject({ name: "pr-1", tags: ["c"], logpush: true });
});

test.each([
  ["nine tags", { name: "x", tags: "123456789".split("") }],
  ["a name that ends in a hyphen", { name: "x-" }],
  ["a name with a space", { name: "a b" }],
  ["no name", {}],
])("a preview with %s is refused", async (_what, body) => {
  const { call } = await withWorker();
  expect(await call("POST", previews, body)).toMatchObject({ status: 400, success: false });
  expect((await call("GET", previews)).result).toEqual([]);
});

test("two previews whose names give one slug cannot exist side by side", async () => {
  const { call } = await withWorker();
  await call("POST", previews, { name: "a/b" });
  expect((await call("POST", previews, { name: "a-b" })).status).toBe(409);
});

test("a Worker shell can own previews before it was ever deployed, and is no script until then", async () => {
  const { call } = testBench();
  await call("POST", `/accounts/${account}/workers/workers`, {
    name: "shop",
    subdomain: { enabled: true, previews_enabled: true },
  });
  expect((await call("POST", previews, { name: "pr-1" })).result).toMatchObject({
    urls: ["https://pr-1-shop.acme.workers.dev"],
  });
  expect((await call("GET", `/accounts/${account}/workers/scripts`)).result).toEqual([]);
});

test("a change lays itself upon what is there, also while readers still see what was there before", async () => {
  const { call, context } = await withWorker();
  const { result } = await call<{ id: string }>("POST", previews, { name: "pr-1" });
  context.clock.advance(60_000);
  for (const resource of ["preview", "script"])
    context.faults.setLag({ provider: "cloudflare", resource, milliseconds: 2000 });
  await call("POST", `${previews}/${result.id}/deployments`, code);
  await call("PATCH", `${previews}/${result.id}`, { tags: ["ours"] });
  await call("PUT", `/accounts/${account}/workers/scripts/shop/schedules`, [{ cron: "0 * * * *" }]);
  await call("PATCH", worker, { tags: ["ours"] });
  expect((await call("GET", `${previews}/pr-1`)).result).toMatchObject({ tags: [], deployed_on: null });
  context.clock.advance(2000);
  expect((await call("GET", `${previews}/pr-1`)).result).toMatchObject({
    tags: ["ours"],
    deployed_on: expect.any(String) as string,
  });
  expect((await call("GET", `/accounts/${account}/workers/scripts/shop/schedules`)).result).toMatchObject({
    schedules: [{ cron: "0 * * * *" }],
  });
  expect((await call("GET", worker)).result).toMatchObject({ tags: ["ours"] });
});
