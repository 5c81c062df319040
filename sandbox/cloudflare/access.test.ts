import { expect, test } from "vitest";
import { account, otherAccount, testBench, token, zone } from "./testing.ts";

const scripts = `/accounts/${account}/workers/scripts`;

test("a request without, with a malformed and with an unknown token is refused, each with its own code", async () => {
  const { cloudflare, call } = testBench();
  const bare = await cloudflare.fetch(new Request("http://localhost/client/v4/accounts"));
  expect({ status: bare.status, body: await bare.json() }).toMatchObject({
    status: 400,
    body: { success: false, errors: [{ code: 9106 }] },
  });
  expect(await call("GET", "/accounts", undefined, { authorization: "Basic x" })).toMatchObject({
    status: 400,
    errors: [{ code: 6003 }],
  });
  expect(await call("GET", "/accounts", undefined, { authorization: "Bearer x" })).toMatchObject({
    status: 401,
    errors: [{ code: 10000 }],
  });
  const verify = await call("GET", "/user/tokens/verify", undefined, { authorization: "Bearer x" });
  expect(verify).toMatchObject({ status: 401, errors: [{ code: 1000, message: "Invalid API Token" }] });
});

test("a token reaches its accounts only, and does only what it is permitted to", async () => {
  const reader = { token: "reader", accounts: [account], permissions: ["Workers Scripts Read"] };
  const { call } = testBench({ tokens: [{ token, accounts: [account] }, reader] });
  expect((await call<unknown[]>("GET", "/accounts")).result).toHaveLength(1);
  expect(await call("GET", `/accounts/${otherAccount}/workers/scripts`)).toMatchObject({
    status: 403,
    errors: [{ code: 10000 }],
  });
  const authorization = "Bearer reader";
  expect((await call("GET", scripts, undefined, { authorization })).status).toBe(200);
  expect((await call("PUT", `${scripts}/x/schedules`, [], { authorization })).status).toBe(403);
  expect((await call("GET", `/zones/${zone}/workers/routes`, undefined, { authorization })).status).toBe(403);
});

test("verified tokens, accounts and zones are shown", async () => {
  const { call } = testBench();
  expect((await call("GET", "/user/tokens/verify")).result).toMatchObject({ status: "active" });
  expect((await call("GET", `/accounts/${account}/tokens/verify`)).result).toMatchObject({
    status: "active",
  });
  expect((await call("GET", `/accounts/${account}`)).result).toMatchObject({ id: account, name: "Acme" });
  expect((await call("GET", "/zones?name=acme.example")).result).toMatchObject([
    { id: zone, account: { id: account } },
  ]);
  expect((await call("GET", "/zones?name=other.example")).result).toEqual([]);
});

test("the request after the last allowed one blocks the token for five minutes", async () => {
  const { call, context } = testBench({ rateLimit: { requests: 3, windowSeconds: 300 } });
  const first = await call("GET", scripts);
  expect(first.headers.get("ratelimit")).toBe('"default";r=2;t=300');
  expect(first.headers.get("ratelimit-policy")).toBe('"default";q=3;w=300');
  context.clock.advance(299_000);
  await call("GET", scripts);
  await call("GET", scripts);
  const blocked = await call("GET", scripts);
  expect(blocked).toMatchObject({ status: 429, success: false, errors: [{ code: 971 }] });
  expect(blocked.headers.get("retry-after")).toBe("300");
  context.clock.advance(299_000);
  expect((await call("GET", scripts)).headers.get("retry-after")).toBe("1");
  context.clock.advance(1_000);
  expect((await call("GET", scripts)).status).toBe(200);
});

test("what the API does not know is 404 with 7003, a wrong method 405 with 10405", async () => {
  const { call } = testBench();
  expect(await call("GET", "/nonsense")).toMatchObject({
    status: 404,
    success: false,
    errors: [{ code: 7003 }, { code: 7000 }],
  });
  expect(await call("POST", scripts)).toMatchObject({ status: 405, errors: [{ code: 10405 }] });
  expect(await call("GET", "/accounts/short/workers/scripts")).toMatchObject({
    status: 400,
    errors: [{ code: 7003 }],
  });
});
