import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sqliteStorage } from "../core/adapters/sqlite-storage.ts";
import { account, testBench, testContext } from "./testing.ts";

const namespaces = `/accounts/${account}/storage/kv/namespaces`;
const buckets = `/accounts/${account}/r2/buckets`;
const tags = `/accounts/${account}/tags`;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a KV namespace is unique by title and holds values", async () => {
  const { call } = testBench();
  const { result } = await call<{ id: string }>("POST", namespaces, { title: "cache" });
  expect((await call("POST", namespaces, { title: "cache" })).errors[0]?.code).toBe(10014);
  expect((await call("POST", namespaces, {})).errors[0]?.code).toBe(10019);
  await call("PUT", `${namespaces}/${result.id}/values/a%2Fb`, bytes("one"));
  expect((await call<string>("GET", `${namespaces}/${result.id}/values/a%2Fb`)).result).toBe("one");
  expect((await call("GET", `${namespaces}/${result.id}/keys?prefix=a`)).result).toEqual([{ name: "a/b" }]);
  await call("DELETE", `${namespaces}/${result.id}/values/a%2Fb`);
  expect((await call("GET", `${namespaces}/${result.id}/values/a%2Fb`)).errors[0]?.code).toBe(10009);
  expect((await call("PUT", `${namespaces}/${result.id}`, { title: "renamed" })).result).toMatchObject({
    title: "renamed",
  });
  await call("DELETE", `${namespaces}/${result.id}`);
  expect((await call("GET", `${namespaces}/${result.id}`)).errors[0]?.code).toBe(10013);
});

test("a KV value with a time to live is gone when it is over", async () => {
  const { call, context } = testBench();
  const { result } = await call<{ id: string }>("POST", namespaces, { title: "cache" });
  await call("PUT", `${namespaces}/${result.id}/values/k?expiration_ttl=60`, bytes("v"));
  context.clock.advance(59_000);
  expect((await call("GET", `${namespaces}/${result.id}/values/k`)).status).toBe(200);
  context.clock.advance(1_000);
  expect((await call("GET", `${namespaces}/${result.id}/values/k`)).status).toBe(404);
});

test("keys are listed in pages that a cursor joins without gap or double", async () => {
  const { call } = testBench();
  const { result } = await call<{ id: string }>("POST", namespaces, { title: "cache" });
  for (let index = 0; index < 25; index += 1)
    await call("PUT", `${namespaces}/${result.id}/values/k${10 + index}`, bytes("v"));
  const names: string[] = [];
  let cursor = "";
  do {
    const page = await call<{ name: string }[]>(
      "GET",
      `${namespaces}/${result.id}/keys?limit=10&cursor=${cursor}`,
    );
    names.push(...page.result.map((key) => key.name));
    cursor = String(page.result_info["cursor"]);
  } while (cursor !== "");
  expect(names).toEqual(Array.from({ length: 25 }, (_, index) => `k${10 + index}`));
});

test("R2 objects are listed by cursor and deleted many at once, those that do not exist apart", async () => {
  const { call } = testBench();
  await call("POST", buckets, { name: "files" });
  const objects = `${buckets}/files/objects`;
  for (const key of ["a/b", "c", "d"]) await call("PUT", `${objects}/${key}`, bytes("x"));
  expect((await call("GET", objects)).result).toEqual([{ key: "a/b" }, { key: "c" }, { key: "d" }]);
  expect((await call("GET", `${objects}?per_page=2`)).result).toEqual([{ key: "a/b" }, { key: "c" }]);
  expect(await call("DELETE", objects, ["a/b", "none", "c"])).toMatchObject({
    status: 200,
    success: false,
    errors: [{ code: 10007 }],
  });
  expect((await call("DELETE", objects, [])).status).toBe(400);
  expect((await call("DELETE", objects, ["d"])).result).toEqual([{ key: "d" }]);
  expect((await call("DELETE", `${buckets}/files`)).status).toBe(200);
});

test("an R2 bucket is unique per jurisdiction and only deleted when empty", async () => {
  const { call } = testBench();
  expect((await call("POST", buckets, { name: "files" })).result).toMatchObject({
    name: "files",
    jurisdiction: "default",
  });
  expect((await call("POST", buckets, { name: "files" })).errors[0]?.code).toBe(10004);
  expect((await call("POST", buckets, { name: "files" }, { "cf-r2-jurisdiction": "eu" })).status).toBe(200);
  expect((await call("POST", buckets, { name: "No" })).errors[0]?.code).toBe(10005);
  expect((await call<{ buckets: unknown[] }>("GET", buckets)).result.buckets).toHaveLength(1);
  await call("PUT", `${buckets}/files/objects/a/b`, bytes("x"));
  expect((await call("DELETE", `${buckets}/files`)).status).toBe(409);
  await call("DELETE", `${buckets}/files/objects/a/b`);
  expect((await call("DELETE", `${buckets}/files`)).status).toBe(200);
  expect((await call("GET", `${buckets}/files`)).errors[0]?.code).toBe(10006);
});

test("resource tags are replaced under an ETag, and a resource never tagged answers 500", async () => {
  const { upload, call } = testBench();
  const worker = String((await upload("shop")).result["tag"]);
  const query = `?resource_type=worker&resource_id=${worker}`;
  expect(await call("GET", `${tags}${query}`)).toMatchObject({
    status: 500,
    errors: [{ message: `resource not found: type=worker id=${worker}` }],
  });
  const target = { resource_type: "worker", resource_id: worker };
  const set = await call<{ etag: string }>("PUT", tags, { ...target, tags: { owner: "flaresmith" } });
  expect(set.result).toMatchObject({
    id: worker,
    type: "worker",
    name: "shop",
    tags: { owner: "flaresmith" },
  });
  expect(set.result.etag).toMatch(/^v1:/);
  expect(
    (await call("PUT", tags, { ...target, tags: { owner: "x" } }, { "if-match": "v1:other" })).status,
  ).toBe(412);
  expect(
    (await call("PUT", tags, { ...target, tags: { owner: "y" } }, { "if-match": set.result.etag })).status,
  ).toBe(200);
  expect((await call("GET", `${tags}${query}`)).result).toMatchObject({ tags: { owner: "y" } });
  expect((await call<unknown[]>("GET", `${tags}/resources?tag=owner=y`)).result).toHaveLength(1);
  expect((await call<unknown[]>("GET", `${tags}/resources?tag=owner=z`)).result).toHaveLength(0);
  expect((await call("PUT", tags, { ...target, tags: { "a b": "x" } })).errors[0]?.code).toBe(1014);
  expect(
    (await call("PUT", tags, { ...target, resource_type: "hyperdrive", tags: {} })).errors[0]?.code,
  ).toBe(1006);
  expect((await call("DELETE", tags, target)).status).toBe(204);
  expect((await call("GET", `${tags}${query}`)).status).toBe(500);
});

test("what was acknowledged is there after the sandbox was killed and started again", async () => {
  const directory = mkdtempSync(join(tmpdir(), "cloudflare-"));
  const path = join(directory, "state.sqlite");
  const storage = sqliteStorage(path);
  const before = testBench({ context: testContext(storage) });
  await before.upload("shop", {
    tags: ["t"],
    bindings: [{ name: "KEY", type: "secret_text", text: "s3cret" }],
  });
  await before.call("POST", namespaces, { title: "cache" });
  const reopened = sqliteStorage(path);
  const after = testBench({ context: testContext(reopened) });
  expect(after.cloudflare.state()).toEqual(JSON.parse(JSON.stringify(before.cloudflare.state())));
  storage.close();
  reopened.close();
  rmSync(directory, { recursive: true, force: true });
});

test("the control plane answers within microtasks, so that a simulator can step it", async () => {
  const { upload, call } = testBench();
  const work = (async () => {
    await upload("shop", { bindings: [{ name: "KEY", type: "secret_text", text: "x" }] });
    return call("GET", `/accounts/${account}/workers/scripts/shop/settings`);
  })();
  let turned = false;
  const turn = new Promise<void>((resolve) => {
    setImmediate(() => {
      turned = true;
      resolve();
    });
  });
  const status = await work.then((answer) => ({ status: answer.status, turned }));
  await turn;
  expect(status).toEqual({ status: 200, turned: false });
});
