import Cloudflare from "cloudflare";
import { expect, test } from "vitest";
import { account, helloModule, testBench, token, uploadParts } from "./testing.ts";

const base = `/accounts/${account}/workers/scripts`;

test("an uploaded Worker is listed with the tags, etag and immutable tag of its upload", async () => {
  const { upload, call } = testBench();
  const uploaded = await upload("shop", { tags: ["flaresmith", "x"] });
  expect(uploaded).toMatchObject({
    status: 200,
    success: true,
    result: { id: "shop", has_modules: true, handlers: ["fetch"] },
  });
  const list = await call<Record<string, unknown>[]>("GET", base);
  expect(list.result).toHaveLength(1);
  expect(list.result[0]).toMatchObject({
    id: "shop",
    tags: ["flaresmith", "x"],
    tag: uploaded.result["tag"],
    etag: uploaded.result["etag"],
  });
  expect((await call("GET", `${base}?tags=flaresmith:yes`)).result).toHaveLength(1);
  expect((await call("GET", `${base}?tags=flaresmith:no`)).result).toHaveLength(0);
});

test("an upload answers with the id of the version that it deployed, without hyphens", async () => {
  const { upload, call } = testBench();
  const uploaded = await upload("shop");
  const { result } = await call<{ deployments: { versions: { version_id: string }[] }[] }>(
    "GET",
    `${base}/shop/deployments`,
  );
  const version = result.deployments[0]?.versions[0]?.version_id ?? "";
  expect(version).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(uploaded.result["deployment_id"]).toBe(version.replaceAll("-", ""));
});

test("secrets of an upload are visible to the oracle and never to the API", async () => {
  const { upload, call, cloudflare } = testBench();
  await upload("shop", {
    bindings: [
      { name: "KEY", type: "secret_text", text: "s3cret" },
      { name: "MODE", type: "plain_text", text: "dev" },
    ],
  });
  const settings = await call("GET", `${base}/shop/settings`);
  expect(settings.result["bindings"]).toEqual([
    { name: "KEY", type: "secret_text" },
    { name: "MODE", type: "plain_text", text: "dev" },
  ]);
  expect((await call("GET", `${base}/shop/secrets`)).result).toEqual([{ name: "KEY", type: "secret_text" }]);
  expect(JSON.stringify(cloudflare.state())).toContain("s3cret");
});

test("an upload replaces bindings, keeps those that are inherited or of a kept type", async () => {
  const { upload, call } = testBench();
  await upload("shop", {
    bindings: [
      { name: "KEY", type: "secret_text", text: "s3cret" },
      { name: "OLD", type: "plain_text", text: "gone" },
      { name: "FOREIGN", type: "plain_text", text: "kept" },
    ],
  });
  await upload("shop", { bindings: [{ name: "FOREIGN", type: "inherit" }], keep_bindings: ["secret_text"] });
  const settings = await call<{ bindings: { name: string }[] }>("GET", `${base}/shop/settings`);
  expect(settings.result.bindings.map((binding) => binding.name).toSorted()).toEqual(["FOREIGN", "KEY"]);
});

test("an inherit binding that resolves to nothing vanishes, or fails with 10057 when strict", async () => {
  const { upload, call } = testBench();
  await upload("shop");
  const strict = await upload(
    "shop",
    { bindings: [{ name: "NONE", type: "inherit" }] },
    { query: "?bindings_inherit=strict" },
  );
  expect(strict).toMatchObject({
    status: 400,
    errors: [{ code: 10057, message: "inherit binding 'NONE' is invalid" }],
  });
  expect((await upload("shop", { bindings: [{ name: "NONE", type: "inherit" }] })).status).toBe(200);
  expect((await call("GET", `${base}/shop/settings`)).result["bindings"]).toEqual([]);
});

test.each([
  ["kv_namespace", { namespace_id: "f".repeat(32) }, 10041],
  ["r2_bucket", { bucket_name: "none" }, 10085],
  ["d1", { id: "none" }, 10181],
  ["hyperdrive", { id: "none" }, 10157],
  ["queue", { queue_name: "none" }, 11000],
  ["service", { service: "none" }, 10144],
  ["durable_object_namespace", { class_name: "Room" }, 10061],
  ["nonsense", {}, 10021],
  ["plain_text", {}, 10021],
])("a %s binding whose target is missing or malformed is refused", async (type, fields, code) => {
  const { upload, call } = testBench();
  const answer = await upload("shop", { bindings: [{ name: "X", type, ...fields }] });
  expect(answer).toMatchObject({ status: 400, success: false, errors: [{ code }] });
  expect((await call("GET", base)).result).toEqual([]);
});

test("an upload without its entry module, without metadata or with an unknown module type is refused with 10021", async () => {
  const { upload } = testBench();
  const [metadata, module] = uploadParts({});
  if (!metadata || !module) throw new Error("parts");
  expect((await upload("shop", {}, { parts: [metadata] })).errors[0]?.code).toBe(10021);
  expect((await upload("shop", {}, { parts: [module] })).errors[0]?.code).toBe(10021);
  expect(
    (await upload("shop", {}, { parts: [metadata, { ...module, contentType: "image/png" }] })).errors[0]
      ?.code,
  ).toBe(10021);
});

test("the v7 SDK's typed upload fails with 10021; its raw put of a form works", async () => {
  const { cloudflare, call, context } = testBench();
  const client = new Cloudflare({
    apiToken: token,
    baseURL: "http://localhost/client/v4",
    apiVersion: "2026-01-01",
    maxRetries: 0,
    fetch: (input, init) => cloudflare.fetch(new Request(input, init)),
  });
  const file = new File([helloModule], "index.js", { type: "application/javascript+module" });
  const typed = client.workers.scripts.update("shop", {
    account_id: account,
    metadata: { main_module: "index.js" },
    files: [file],
  });
  await expect(typed).rejects.toMatchObject({ status: 400, errors: [{ code: 10021 }] });
  const form = new FormData();
  form.set("metadata", JSON.stringify({ main_module: "index.js", compatibility_date: "2026-01-01" }));
  form.set("index.js", file);
  await client.put(`/accounts/${account}/workers/scripts/shop`, { body: form });
  const names: unknown[] = [];
  for await (const script of client.workers.scripts.list({ account_id: account })) names.push(script.id);
  expect(names).toEqual(["shop"]);
  expect((await call("GET", `${base}/shop/settings`)).status).toBe(200);
  expect(context.journal.since(0).filter((entry) => entry.changed)).toHaveLength(1);
});

test("a deleted Worker is gone, one that others bind to only with force", async () => {
  const { upload, call } = testBench();
  await upload("auth");
  await upload("shop", { bindings: [{ name: "AUTH", type: "service", service: "auth" }] });
  expect((await call("DELETE", `${base}/auth`)).errors[0]?.code).toBe(10142);
  expect((await call("DELETE", `${base}/auth?force=true`)).status).toBe(200);
  expect((await call("GET", `${base}/auth/settings`)).errors[0]?.code).toBe(10007);
});
