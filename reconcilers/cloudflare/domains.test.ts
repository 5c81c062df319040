import { expect, test } from "vitest";
import { account, testBench, token, zone } from "../../sandbox/cloudflare/testing.ts";
import { domains } from "./domains.ts";
import { testClient, testSlot } from "./test-context.ts";

const path = `/accounts/${account}/workers/domains`;
const desired = (...hostnames: string[]) => ({
  accountId: account,
  scriptName: "shop",
  domains: hostnames.map((hostname) => ({ hostname, zone: "acme.example" })),
});

async function setUp(options: Parameters<typeof testBench>[0] = {}) {
  const bench = testBench(options);
  await bench.upload("shop");
  await bench.upload("other");
  const domainsNow = async (): Promise<Record<string, string>> => {
    const { result } = await bench.call<{ hostname: string; service: string }[]>("GET", path);
    return Object.fromEntries(result.map((domain) => [domain.hostname, domain.service]));
  };
  return {
    ...bench,
    domainsNow,
    slot: testSlot(domains, { client: testClient(bench.cloudflare.fetch, { apiToken: token }) }),
  };
}

test("domains are added, and then nothing differs, in whatever case they are written", async () => {
  const { slot, domainsNow } = await setUp();
  expect((await slot.converge(desired("Shop.acme.example"))).changes).toEqual(["domains.Shop.acme.example"]);
  expect(await domainsNow()).toEqual({ "shop.acme.example": "shop" });
  expect(await slot.differences(desired("shop.ACME.example"))).toEqual([]);
  expect(await slot.outputs(desired("Shop.acme.example"))).toEqual({ urls: ["https://shop.acme.example"] });
});

test("a domain that left the spec goes, one that somebody else added stays", async () => {
  const { slot, call, domainsNow } = await setUp();
  await slot.converge(desired("a.acme.example", "b.acme.example"));
  await call("PUT", path, { hostname: "theirs.acme.example", service: "shop" });
  await slot.converge(desired("a.acme.example"));
  expect(await domainsNow()).toEqual({ "a.acme.example": "shop", "theirs.acme.example": "shop" });
  expect(await slot.differences(desired("a.acme.example"))).toEqual([]);
});

test("a hostname of another Worker is a conflict and is not touched", async () => {
  const { slot, call, domainsNow } = await setUp();
  await call("PUT", path, { hostname: "taken.acme.example", service: "other" });
  await expect(slot.converge(desired("taken.acme.example"))).rejects.toMatchObject({
    code: "INTEGRATION_NAME_CONFLICT",
    message: expect.stringContaining("other") as string,
  });
  await expect(slot.create(desired("taken.acme.example"))).rejects.toMatchObject({
    code: "INTEGRATION_NAME_CONFLICT",
  });
  expect(await domainsNow()).toEqual({ "taken.acme.example": "other" });
});

test("Cloudflare's own refusal of a taken hostname is the same conflict", async () => {
  const { slot, context } = await setUp();
  context.faults.add({
    provider: "cloudflare",
    method: "PUT",
    path: "/domains$",
    status: 409,
    body: { success: false, errors: [{ code: 100116, message: "already in use" }] },
  });
  await expect(slot.converge(desired("a.acme.example"))).rejects.toMatchObject({
    code: "INTEGRATION_NAME_CONFLICT",
  });
});

test("DNS records that others manage are said to be in the way, and are not touched", async () => {
  const records = { id: zone, name: "acme.example", accountId: account, dnsRecords: ["www.acme.example"] };
  const { slot, domainsNow } = await setUp({ zones: [records] });
  await expect(slot.converge(desired("www.acme.example"))).rejects.toMatchObject({
    code: "INTEGRATION_NAME_CONFLICT",
    hint: expect.stringContaining("DNS records") as string,
  });
  expect(await domainsNow()).toEqual({});
});

test("a domain that was removed in the dashboard is added again", async () => {
  const { slot, call, domainsNow } = await setUp();
  await slot.converge(desired("a.acme.example"));
  const { result } = await call<{ id: string }[]>("GET", path);
  await call("DELETE", `${path}/${result[0]?.id ?? ""}`);
  expect(await slot.differences(desired("a.acme.example"))).toEqual(["domains.a.acme.example"]);
  await slot.converge(desired("a.acme.example"));
  expect(await domainsNow()).toEqual({ "a.acme.example": "shop" });
});

test("removal takes what we added and leaves the rest", async () => {
  const { slot, call, domainsNow } = await setUp();
  await slot.converge(desired("a.acme.example"));
  await call("PUT", path, { hostname: "theirs.acme.example", service: "shop" });
  await slot.remove({ scope: account, name: "shop" });
  expect(await domainsNow()).toEqual({ "theirs.acme.example": "shop" });
  expect(await slot.observe(desired())).toEqual({ state: "absent" });
});

test("a list that fails is not an empty list", async () => {
  const { slot, context } = await setUp();
  await slot.converge(desired("a.acme.example"));
  context.faults.add({
    provider: "cloudflare",
    method: "GET",
    path: "/domains$",
    status: 500,
    body: { success: false, errors: [] },
    times: 0,
  });
  await expect(slot.observe(desired("a.acme.example"))).rejects.toMatchObject({
    code: "INTEGRATION_UNAVAILABLE",
  });
});
