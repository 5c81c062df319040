import { expect, test } from "vitest";
import { account, testBench, uploadParts } from "./testing.ts";
import type { Answer, TestBench } from "./testing.ts";
import { writeMultipart } from "./multipart.ts";

const shop = `/accounts/${account}/workers/scripts/shop`;

const uploadVersion = (
  bench: TestBench,
  metadata: Record<string, unknown> = {},
): Promise<Answer<{ id: string }>> =>
  bench.call("POST", `${shop}/versions`, writeMultipart(uploadParts(metadata), "b"), {
    "content-type": "multipart/form-data; boundary=b",
  });

const deploy = (bench: TestBench, version: string, query = ""): Promise<Answer<Record<string, unknown>>> =>
  bench.call("POST", `${shop}/deployments${query}`, {
    strategy: "percentage",
    versions: [{ version_id: version, percentage: 100 }],
  });

test("a secret edit makes a new deployed version, unless the newest version is not deployed: 10214", async () => {
  const bench = testBench();
  await bench.upload("shop");
  expect(
    (await bench.call("PUT", `${shop}/secrets`, { name: "KEY", text: "one", type: "secret_text" })).result,
  ).toEqual({ name: "KEY", type: "secret_text" });
  expect(
    (await bench.call<{ deployments: unknown[] }>("GET", `${shop}/deployments`)).result.deployments,
  ).toHaveLength(2);
  const version = await uploadVersion(bench, { keep_bindings: ["secret_text"] });
  const refused = await bench.call("PUT", `${shop}/secrets`, {
    name: "KEY",
    text: "two",
    type: "secret_text",
  });
  expect(refused).toMatchObject({ status: 400, errors: [{ code: 10214 }] });
  await deploy(bench, version.result.id);
  expect(
    (await bench.call("PUT", `${shop}/secrets`, { name: "KEY", text: "two", type: "secret_text" })).status,
  ).toBe(200);
  expect(JSON.stringify(bench.cloudflare.state())).toContain('"secrets":{"KEY":"two"}');
  expect((await bench.call("DELETE", `${shop}/secrets/KEY`)).status).toBe(200);
  expect((await bench.call("DELETE", `${shop}/secrets/KEY`)).errors[0]?.code).toBe(10056);
});

test("bulk secrets are set and removed in one version", async () => {
  const bench = testBench();
  await bench.upload("shop", { bindings: [{ name: "OLD", type: "secret_text", text: "x" }] });
  const secrets = { NEW: { type: "secret_text", text: "y" }, OLD: null };
  expect((await bench.call("PATCH", `${shop}/secrets-bulk`, { secrets })).result).toEqual([
    { name: "NEW", type: "secret_text" },
  ]);
  expect((await bench.call<{ items: unknown[] }>("GET", `${shop}/versions`)).result.items).toHaveLength(2);
});

test("an older version can be deployed again, with force when secrets changed, and not beyond the 100 newest", async () => {
  const bench = testBench();
  await bench.upload("shop", { bindings: [{ name: "KEY", type: "secret_text", text: "one" }] });
  const versions = async (query = ""): Promise<{ id: string }[]> =>
    (await bench.call<{ items: { id: string }[] }>("GET", `${shop}/versions?per_page=100${query}`)).result
      .items;
  const [first] = await versions();
  if (!first) throw new Error("no version");
  await bench.call("PUT", `${shop}/secrets`, { name: "KEY", text: "two", type: "secret_text" });
  expect((await deploy(bench, first.id)).success).toBe(false);
  expect((await deploy(bench, first.id, "?force=true")).status).toBe(200);
  const serving = await bench.call<{ deployments: { versions: unknown }[] }>("GET", `${shop}/deployments`);
  expect(serving.result.deployments[0]?.versions).toEqual([{ version_id: first.id, percentage: 100 }]);
  for (let count = 0; count < 99; count += 1) await uploadVersion(bench);
  expect(await versions("&deployable=true")).toHaveLength(100);
  expect(await deploy(bench, first.id, "?force=true")).toMatchObject({
    status: 404,
    errors: [{ code: 100146 }],
  });
});

test("a deployment whose percentages do not sum to 100 is refused", async () => {
  const bench = testBench();
  await bench.upload("shop");
  const version = await uploadVersion(bench);
  const half = { strategy: "percentage", versions: [{ version_id: version.result.id, percentage: 50 }] };
  expect(await bench.call("POST", `${shop}/deployments`, half)).toMatchObject({
    status: 400,
    success: false,
  });
});

test("script settings change tags without a new version", async () => {
  const bench = testBench();
  await bench.upload("shop", { tags: ["a"] });
  expect(
    (await bench.call("PATCH", `${shop}/script-settings`, { tags: ["b"], observability: { enabled: true } }))
      .result,
  ).toMatchObject({ tags: ["b"] });
  expect((await bench.call<{ items: unknown[] }>("GET", `${shop}/versions`)).result.items).toHaveLength(1);
  const patched = await bench.call("PATCH", `${shop}/settings`, {
    bindings: [{ name: "MODE", type: "plain_text", text: "x" }],
  });
  expect(patched.result).toMatchObject({
    tags: ["b"],
    bindings: [{ name: "MODE", type: "plain_text", text: "x" }],
  });
});

test("crons are replaced as a whole and must have five fields", async () => {
  const bench = testBench();
  await bench.upload("shop");
  await bench.call("PUT", `${shop}/schedules`, [{ cron: "0 * * * *" }, { cron: "*/5 * * * *" }]);
  await bench.call("PUT", `${shop}/schedules`, [{ cron: "*/5 * * * *" }]);
  expect((await bench.call("GET", `${shop}/schedules`)).result).toMatchObject({
    schedules: [{ cron: "*/5 * * * *" }],
  });
  expect((await bench.call("PUT", `${shop}/schedules`, [{ cron: "0 0 0 * * *" }])).errors[0]?.code).toBe(
    10100,
  );
});

test("migrations declare Durable Object classes, once", async () => {
  const bench = testBench();
  const bindings = [{ name: "ROOM", type: "durable_object_namespace", class_name: "Room" }];
  const migrations = { new_tag: "v1", new_sqlite_classes: ["Room"] };
  expect((await bench.upload("shop", { bindings, migrations })).result["migration_tag"]).toBe("v1");
  expect((await bench.upload("shop", { bindings })).status).toBe(200);
  expect(
    (await bench.upload("shop", { bindings, migrations: { old_tag: "v1", ...migrations } })).errors[0]?.code,
  ).toBe(10074);
  expect(
    (await bench.upload("shop", { bindings, migrations: { ...migrations, old_tag: "v0" } })).errors[0]?.code,
  ).toBe(10079);
});
