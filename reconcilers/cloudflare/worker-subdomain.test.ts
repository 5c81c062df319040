import { expect, test } from "vitest";
import { account, otherAccount, testBench, token } from "../../sandbox/cloudflare/testing.ts";
import { testClient, testSlot } from "./test-context.ts";
import { workerSubdomain } from "./worker-subdomain.ts";

const path = `/accounts/${account}/workers/scripts/shop/subdomain`;
const desired = { accountId: account, scriptName: "shop", enabled: true };

async function setUp() {
  const bench = testBench();
  const client = testClient(bench.cloudflare.fetch, { apiToken: token });
  await bench.upload("shop");
  return { ...bench, client, slot: testSlot(workerSubdomain, { client }) };
}

test("an enabled Worker answers under the account's workers.dev subdomain, and nothing differs any more", async () => {
  const { slot } = await setUp();
  expect(await slot.converge(desired)).toEqual({ did: "updated", changes: ["workersDev"] });
  expect(await slot.differences(desired)).toEqual([]);
  expect(await slot.outputs(desired)).toEqual({ url: "https://shop.acme.workers.dev" });
});

test("the URL follows the template of the endpoint", async () => {
  const { cloudflare } = await setUp();
  const client = testClient(cloudflare.fetch, {
    apiToken: token,
    workersUrl: "http://{script}.{subdomain}.localhost:8787",
  });
  const slot = testSlot(workerSubdomain, { client });
  await slot.converge(desired);
  expect(await slot.outputs(desired)).toEqual({ url: "http://shop.acme.localhost:8787" });
});

test("what was switched off in the dashboard is switched on again, and a shallow look costs no call", async () => {
  const { slot, call, context } = await setUp();
  await slot.converge(desired);
  await call("POST", path, { enabled: false });
  expect(await slot.differences(desired)).toEqual(["workersDev"]);
  await slot.converge(desired);
  const settings = context.journal.since(0).filter((entry) => entry.path.endsWith("/shop/subdomain")).length;
  expect(await slot.differences(desired, { depth: "shallow" })).toEqual([]);
  expect(context.journal.since(0).filter((entry) => entry.path.endsWith("/shop/subdomain"))).toHaveLength(
    settings,
  );
});

test("previews are switched only when the spec says so", async () => {
  const { slot, call } = await setUp();
  await call("POST", path, { enabled: true, previews_enabled: false });
  expect(await slot.differences(desired)).toEqual([]);
  const both = { ...desired, previewsEnabled: true };
  expect(await slot.differences(both)).toEqual(["previews"]);
  await slot.converge(both);
  expect((await call(`GET`, path)).result).toEqual({ enabled: true, previews_enabled: true });
  await slot.converge({ ...desired, enabled: false });
  expect((await call(`GET`, path)).result).toEqual({ enabled: false, previews_enabled: true });
  expect(await slot.outputs({ ...desired, enabled: false })).toEqual({});
});

test("a script that is not known there yet is waited for", async () => {
  const { slot, context, upload } = await setUp();
  context.faults.setLag({ provider: "cloudflare", resource: "subdomain", milliseconds: 2000 });
  await upload("late");
  const late = { ...desired, scriptName: "late" };
  expect(await slot.observe(late)).toMatchObject({ state: "present", pending: expect.any(String) as string });
  context.clock.advance(3000);
  expect((await slot.converge(late)).did).toBe("updated");
});

test("an account without a workers.dev subdomain is named with the remedy, and disabling needs none", async () => {
  const bench = testBench({ tokens: [{ token, accounts: [otherAccount] }] });
  const client = testClient(bench.cloudflare.fetch, { apiToken: token });
  const form = new FormData();
  form.set("metadata", JSON.stringify({ main_module: "index.js" }));
  form.set(
    "index.js",
    new File(["export default {};"], "index.js", { type: "application/javascript+module" }),
  );
  const put = new Request(`http://localhost/client/v4/accounts/${otherAccount}/workers/scripts/shop`, {
    method: "PUT",
    body: form,
    headers: { authorization: `Bearer ${token}` },
  });
  expect((await bench.cloudflare.fetch(put)).status).toBe(200);
  const other = { ...desired, accountId: otherAccount };
  const slot = testSlot(workerSubdomain, { client });
  await expect(slot.converge(other)).rejects.toMatchObject({
    code: "INTEGRATION_REJECTED",
    hint: expect.stringContaining("workers.dev subdomain") as string,
  });
  expect(await slot.differences({ ...other, enabled: false })).toEqual([]);
});

test("removed means switched off, and the Worker may be gone already", async () => {
  const { slot, call } = await setUp();
  await slot.converge(desired);
  await slot.remove({ scope: account, name: "shop" });
  expect((await call("GET", path)).result).toMatchObject({ enabled: false });
  expect(await slot.observe(desired)).toEqual({ state: "absent" });
  await call("DELETE", `/accounts/${account}/workers/scripts/shop`);
  await slot.remove({ scope: account, name: "shop" });
  expect(await slot.observe(desired)).toEqual({ state: "absent" });
});

test("a failed read is not taken for a setting", async () => {
  const { slot, context } = await setUp();
  context.faults.add({
    provider: "cloudflare",
    method: "GET",
    path: "/subdomain$",
    status: 503,
    body: "<html>down</html>",
    times: 0,
  });
  await expect(slot.observe(desired)).rejects.toMatchObject({ code: "INTEGRATION_UNAVAILABLE" });
});
