import Cloudflare from "cloudflare";
import { expect, test } from "vitest";
import { account, testBench, token, zone } from "./testing.ts";
import type { TestBench } from "./testing.ts";

const account_id = account;

function client(bench: TestBench): Cloudflare {
  return new Cloudflare({
    apiToken: token,
    baseURL: "http://localhost/client/v4",
    apiVersion: "2026-01-01",
    maxRetries: 0,
    fetch: (input, init) => bench.cloudflare.fetch(new Request(input, init)),
  });
}

async function collect<Item>(pages: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of pages) items.push(item);
  return items;
}

test("the SDK's typed calls for addresses and triggers of a Worker understand every answer", async () => {
  const bench = testBench();
  const { workers, zones, accounts, user } = client(bench);
  await bench.upload("shop");
  expect((await user.tokens.verify()).status).toBe("active");
  expect((await accounts.get({ account_id })).name).toBe("Acme");
  expect((await collect(zones.list({ name: "acme.example" })))[0]?.id).toBe(zone);
  await workers.scripts.subdomain.create("shop", { account_id, enabled: true });
  expect((await workers.scripts.subdomain.get("shop", { account_id })).enabled).toBe(true);
  expect((await workers.subdomains.get({ account_id })).subdomain).toBe("acme");
  await workers.scripts.schedules.update("shop", { account_id, body: [{ cron: "0 * * * *" }] });
  expect((await workers.scripts.schedules.get("shop", { account_id })).schedules[0]?.cron).toBe("0 * * * *");
  await workers.domains.update({ account_id, hostname: "shop.acme.example", service: "shop", zone_id: zone });
  expect(
    (await collect(workers.domains.list({ account_id, service: "shop" }))).map((domain) => domain.hostname),
  ).toEqual(["shop.acme.example"]);
  await workers.routes.create({ zone_id: zone, pattern: "acme.example/*", script: "shop" });
  expect((await collect(workers.routes.list({ zone_id: zone }))).map((route) => route.pattern)).toEqual([
    "acme.example/*",
  ]);
  await workers.scripts.delete("shop", { account_id });
  await expect(workers.scripts.subdomain.get("shop", { account_id })).rejects.toMatchObject({
    status: 404,
    errors: [{ code: 10007 }],
  });
});

test("the SDK's typed calls for storage and tags understand every answer", async () => {
  const bench = testBench();
  const { kv, r2, resourceTagging } = client(bench);
  const ids: string[] = [];
  for (let index = 0; index < 25; index += 1)
    ids.push((await kv.namespaces.create({ account_id, title: `n${index}` })).id);
  expect(
    (await collect(kv.namespaces.list({ account_id }))).map((namespace) => namespace.id).toSorted(),
  ).toEqual(ids.toSorted());
  await r2.buckets.create({ account_id, name: "files" });
  expect((await r2.buckets.list({ account_id })).buckets?.map((bucket) => bucket.name)).toEqual(["files"]);
  await r2.buckets.delete("files", { account_id });
  await expect(r2.buckets.get("files", { account_id })).rejects.toMatchObject({
    status: 404,
    errors: [{ code: 10006 }],
  });
  const [resource_id = ""] = ids;
  await resourceTagging.accountTags.update({
    account_id,
    resource_type: "kv_namespace",
    resource_id,
    tags: { a: "b" },
  });
  const tagged = await resourceTagging.accountTags.get({
    account_id,
    resource_type: "kv_namespace",
    resource_id,
  });
  expect(tagged).toMatchObject({ name: "n0", tags: { a: "b" } });
});

test("the SDK's retries are seen as requests of their own", async () => {
  const bench = testBench();
  bench.context.faults.add({
    method: "POST",
    status: 500,
    when: "after",
    times: 1,
    headers: { "retry-after-ms": "1" },
  });
  const retrying = new Cloudflare({
    apiToken: token,
    baseURL: "http://localhost/client/v4",
    maxRetries: 1,
    fetch: (input, init) => bench.cloudflare.fetch(new Request(input, init)),
  });
  await expect(retrying.kv.namespaces.create({ account_id, title: "once" })).rejects.toMatchObject({
    errors: [{ code: 10014 }],
  });
  expect(bench.context.journal.since(0).map((entry) => [entry.status, entry.changed])).toEqual([
    [500, true],
    [400, false],
  ]);
});
