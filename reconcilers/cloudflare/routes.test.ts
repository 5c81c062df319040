import { expect, test } from "vitest";
import { account, testBench, token, zone } from "../../sandbox/cloudflare/testing.ts";
import { routes } from "./routes.ts";
import { testClient, testSlot } from "./test-context.ts";

const path = `/zones/${zone}/workers/routes`;
const desired = (...patterns: string[]) => ({
  accountId: account,
  scriptName: "shop",
  routes: patterns.map((pattern) => ({ pattern, zone: "acme.example" })),
});

async function setUp(options: Parameters<typeof testBench>[0] = {}) {
  const bench = testBench(options);
  await bench.upload("shop");
  await bench.upload("other");
  const routesNow = async (): Promise<Record<string, string | undefined>> => {
    const { result } = await bench.call<{ pattern: string; script?: string }[]>("GET", path);
    return Object.fromEntries(result.map((route) => [route.pattern, route.script]));
  };
  return {
    ...bench,
    routesNow,
    slot: testSlot(routes, { client: testClient(bench.cloudflare.fetch, { apiToken: token }) }),
  };
}

test("routes are written, and then nothing differs", async () => {
  const { slot, routesNow } = await setUp();
  expect((await slot.converge(desired("acme.example/shop/*", "acme.example/api/*"))).changes).toEqual([
    "routes.acme.example/api/*",
    "routes.acme.example/shop/*",
  ]);
  expect(await routesNow()).toEqual({ "acme.example/shop/*": "shop", "acme.example/api/*": "shop" });
  expect(await slot.differences(desired("acme.example/shop/*", "acme.example/api/*"))).toEqual([]);
});

test("a route that left the spec goes, one that somebody else made to the same Worker stays", async () => {
  const { slot, call, routesNow } = await setUp();
  await slot.converge(desired("acme.example/a", "acme.example/b"));
  await call("POST", path, { pattern: "acme.example/theirs", script: "shop" });
  expect(await slot.differences(desired("acme.example/a"))).toEqual(["routes.acme.example/b"]);
  await slot.converge(desired("acme.example/a"));
  expect(await routesNow()).toEqual({ "acme.example/a": "shop", "acme.example/theirs": "shop" });
  expect(await slot.differences(desired("acme.example/a"))).toEqual([]);
});

test("a zone that left the account keeps nobody from the routes in others, once its own left the spec", async () => {
  const zones = [
    { id: zone, name: "acme.example", accountId: account },
    { id: "d".repeat(32), name: "old.example", accountId: account },
  ];
  const { slot, context, routesNow } = await setUp({ zones });
  const both = desired("acme.example/a");
  await slot.converge({
    ...both,
    routes: [...both.routes, { pattern: "old.example/*", zone: "old.example" }],
  });
  zones.pop();
  context.clock.advance(24 * 3_600_000);
  await slot.converge(desired("acme.example/b"));
  expect(await routesNow()).toEqual({ "acme.example/b": "shop" });
  expect(await slot.differences(desired("acme.example/b"))).toEqual([]);
});

test("a pattern of another Worker is a conflict, and the other routes are written", async () => {
  const { slot, call, routesNow } = await setUp();
  await call("POST", path, { pattern: "acme.example/taken", script: "other" });
  const both = desired("acme.example/taken", "acme.example/free");
  await slot.converge(both);
  expect(await routesNow()).toEqual({ "acme.example/taken": "other", "acme.example/free": "shop" });
  await expect(slot.converge(both)).rejects.toMatchObject({
    code: "INTEGRATION_NAME_CONFLICT",
    message: expect.stringContaining("other") as string,
  });
  await slot.converge(desired());
  expect(await routesNow()).toEqual({ "acme.example/taken": "other" });
});

test("a route of ours that was moved or deleted comes back", async () => {
  const { slot, call, routesNow } = await setUp();
  await slot.converge(desired("acme.example/a", "acme.example/b"));
  const { result } = await call<{ id: string; pattern: string }[]>("GET", path);
  const id = (pattern: string): string => result.find((route) => route.pattern === pattern)?.id ?? "";
  await call("PUT", `${path}/${id("acme.example/a")}`, { pattern: "acme.example/a", script: "other" });
  await call("DELETE", `${path}/${id("acme.example/b")}`);
  expect(await slot.differences(desired("acme.example/a", "acme.example/b"))).toEqual([
    "routes.acme.example/a",
    "routes.acme.example/b",
  ]);
  await slot.converge(desired("acme.example/a", "acme.example/b"));
  expect(await routesNow()).toEqual({ "acme.example/a": "shop", "acme.example/b": "shop" });
});

test("removal takes what we wrote and leaves what others made", async () => {
  const { slot, call, routesNow } = await setUp();
  const wanted = desired("acme.example/a");
  await slot.converge(wanted);
  await call("POST", path, { pattern: "acme.example/theirs", script: "shop" });
  await slot.remove(routes.reference(wanted));
  expect(await routesNow()).toEqual({ "acme.example/theirs": "shop" });
  expect(await slot.observe(wanted)).toEqual({ state: "absent" });
});

test("a zone that is not there is named", async () => {
  const { slot } = await setUp();
  const wanted = {
    accountId: account,
    scriptName: "shop",
    routes: [{ pattern: "nowhere.example/*", zone: "nowhere.example" }],
  };
  await expect(slot.observe(wanted)).rejects.toMatchObject({
    code: "SPEC_REFERENCE_MISSING",
    message: expect.stringContaining("nowhere.example") as string,
  });
});

test("a pattern that Cloudflare refuses is named", async () => {
  const { slot } = await setUp();
  await expect(slot.converge(desired("elsewhere.example/*"))).rejects.toMatchObject({
    code: "INTEGRATION_REJECTED",
    message: expect.stringContaining("elsewhere.example") as string,
  });
});

test("a zone without the permission is told with the permission", async () => {
  const bench = testBench({
    tokens: [{ token, accounts: [account], permissions: ["Zone Read", "Workers Scripts Write"] }],
  });
  const slot = testSlot(routes, { client: testClient(bench.cloudflare.fetch, { apiToken: token }) });
  await expect(slot.observe(desired("acme.example/a"))).rejects.toMatchObject({
    code: "INTEGRATION_PERMISSION_MISSING",
    hint: expect.stringContaining("Workers Routes") as string,
  });
});
