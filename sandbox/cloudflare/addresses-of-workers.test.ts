import { expect, test } from "vitest";
import { account, otherAccount, testBench, token, zone } from "./testing.ts";

const scripts = `/accounts/${account}/workers/scripts`;
const domains = `/accounts/${account}/workers/domains`;
const routes = `/zones/${zone}/workers/routes`;

test("workers.dev needs an account subdomain, which can be registered once", async () => {
  const { upload, call } = testBench({ accounts: [{ id: account, name: "Acme", workersSubdomain: null }] });
  await upload("shop");
  expect((await call("GET", `/accounts/${account}/workers/subdomain`)).errors[0]?.code).toBe(10007);
  expect((await call("POST", `${scripts}/shop/subdomain`, { enabled: true })).errors[0]?.code).toBe(10063);
  expect((await call("PUT", `/accounts/${account}/workers/subdomain`, { subdomain: "acme" })).result).toEqual(
    { subdomain: "acme" },
  );
  expect(
    (await call("PUT", `/accounts/${account}/workers/subdomain`, { subdomain: "again" })).errors[0]?.code,
  ).toBe(10036);
  expect(
    (await call("POST", `${scripts}/shop/subdomain`, { enabled: true, previews_enabled: false })).result,
  ).toEqual({ enabled: true, previews_enabled: false });
  expect((await call("GET", `${scripts}/shop/subdomain`)).result).toEqual({
    enabled: true,
    previews_enabled: false,
  });
});

test("a custom domain is upserted by hostname, refused for another Worker and outside the account's zones", async () => {
  const { upload, call } = testBench();
  await upload("shop");
  await upload("blog");
  const wanted = { hostname: "shop.acme.example", service: "shop", zone_id: zone };
  const created = await call<{ id: string }>("PUT", domains, wanted);
  expect((await call<{ id: string }>("PUT", domains, wanted)).result.id).toBe(created.result.id);
  expect(await call("PUT", domains, { ...wanted, service: "blog" })).toMatchObject({
    status: 409,
    errors: [{ code: 100116 }],
  });
  expect((await call("PUT", domains, { ...wanted, hostname: "shop.other.example" })).success).toBe(false);
  expect((await call<unknown[]>("GET", `${domains}?service=shop`)).result).toHaveLength(1);
  expect((await call<unknown[]>("GET", `${domains}?service=blog`)).result).toHaveLength(0);
  expect((await call("DELETE", `${domains}/${created.result.id}`)).status).toBe(200);
  expect((await call("DELETE", `${domains}/${created.result.id}`)).errors[0]?.code).toBe(100114);
});

test("a custom domain is refused where the host name has DNS records of others", async () => {
  const { upload, call } = testBench({
    zones: [{ id: zone, name: "acme.example", accountId: account, dnsRecords: ["www.acme.example"] }],
  });
  await upload("shop");
  const wanted = { hostname: "www.acme.example", service: "shop", zone_id: zone };
  expect(await call("PUT", domains, wanted)).toMatchObject({ status: 409, errors: [{ code: 100117 }] });
  expect((await call("PUT", domains, { ...wanted, hostname: "shop.acme.example" })).status).toBe(200);
});

test("routes are unique by pattern, within the zone, and name Workers that exist", async () => {
  const { upload, call } = testBench();
  await upload("shop");
  const created = await call<{ id: string }>("POST", routes, { pattern: "acme.example/*", script: "shop" });
  expect((await call("POST", routes, { pattern: "acme.example/*", script: "shop" })).errors[0]?.code).toBe(
    10020,
  );
  expect((await call("POST", routes, { pattern: "other.example/*", script: "shop" })).errors[0]?.code).toBe(
    10022,
  );
  expect((await call("POST", routes, { pattern: "acme.example/x", script: "none" })).errors[0]?.code).toBe(
    10019,
  );
  expect(
    (await call("PUT", `${routes}/${created.result.id}`, { pattern: "*.acme.example/*", script: "shop" }))
      .status,
  ).toBe(200);
  expect((await call("GET", routes)).result).toEqual([
    { id: created.result.id, pattern: "*.acme.example/*", script: "shop" },
  ]);
  await call("DELETE", `${routes}/${created.result.id}`);
  expect((await call("GET", `${routes}/${created.result.id}`)).errors[0]?.code).toBe(10009);
});

test("a deleted Worker takes its domains and routes along", async () => {
  const { upload, call } = testBench();
  await upload("shop");
  await call("PUT", domains, { hostname: "shop.acme.example", service: "shop", zone_id: zone });
  await call("POST", routes, { pattern: "acme.example/*", script: "shop" });
  await call("DELETE", `${scripts}/shop`);
  expect((await call("GET", domains)).result).toEqual([]);
  expect((await call("GET", routes)).result).toEqual([]);
});

test("right after the first upload the subdomain, domains and the list do not know the Worker yet", async () => {
  const { upload, call, context } = testBench();
  for (const resource of ["subdomain", "domain", "script_list"])
    context.faults.setLag({ provider: "cloudflare", resource, milliseconds: 2000 });
  await upload("shop");
  expect((await call("GET", scripts)).result).toEqual([]);
  expect((await call("POST", `${scripts}/shop/subdomain`, { enabled: true })).errors[0]?.code).toBe(10007);
  expect(
    (await call("PUT", domains, { hostname: "shop.acme.example", service: "shop", zone_id: zone })).errors[0]
      ?.code,
  ).toBe(10007);
  expect((await call("GET", `${scripts}/shop/settings`)).status).toBe(200);
  context.clock.advance(2000);
  expect((await call<unknown[]>("GET", scripts)).result).toHaveLength(1);
  expect((await call("POST", `${scripts}/shop/subdomain`, { enabled: true })).status).toBe(200);
});

test("the upload's validator does not know a namespace that was just made", async () => {
  const { upload, call, context } = testBench();
  context.faults.setLag({ provider: "cloudflare", resource: "kv_namespace", milliseconds: 2000 });
  const { result } = await call<{ id: string }>("POST", `/accounts/${account}/storage/kv/namespaces`, {
    title: "cache",
  });
  const bindings = [{ name: "KV", type: "kv_namespace", namespace_id: result.id }];
  expect((await upload("shop", { bindings })).errors[0]?.code).toBe(10041);
  context.clock.advance(2000);
  expect((await upload("shop", { bindings })).status).toBe(200);
});

test("a lagging list still shows a Worker that was just deleted", async () => {
  const { upload, call, context } = testBench();
  await upload("shop");
  context.faults.setLag({ provider: "cloudflare", resource: "domain", milliseconds: 2000 });
  await call("PUT", domains, { hostname: "shop.acme.example", service: "shop", zone_id: zone });
  context.clock.advance(2000);
  const [domain] = (await call<{ id: string }[]>("GET", domains)).result;
  await call("DELETE", `${domains}/${domain?.id ?? ""}`);
  expect((await call<unknown[]>("GET", domains)).result).toHaveLength(1);
  context.clock.advance(2000);
  expect((await call<unknown[]>("GET", domains)).result).toHaveLength(0);
});

test("another account's token sees none of this", async () => {
  const other = { token: "other", accounts: [otherAccount] };
  const { upload, call } = testBench({ tokens: [{ token, accounts: [account] }, other] });
  await upload("shop");
  const authorization = "Bearer other";
  expect(
    (await call("GET", `/accounts/${otherAccount}/workers/scripts`, undefined, { authorization })).result,
  ).toEqual([]);
  expect((await call("GET", `/zones/${zone}/workers/routes`, undefined, { authorization })).status).toBe(403);
});
