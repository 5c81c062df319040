import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { bench, TOKEN } from "./testing.ts";
import { NO_LIMITS } from "./index.ts";

it("counts every request of a user over all its tokens and refuses when the hour is used up", async () => {
  const { send, github, advance } = bench();
  github.addToken({ token: "second", owner: "acme", user: "ada" });
  expect((await send("GET", "/user")).headers.get("x-ratelimit-remaining")).toBe("4999");
  const next = await send("GET", "/user", { token: "second" });
  expect(next.headers.get("x-ratelimit-used")).toBe("2");
  github.setRateUsed(TOKEN, 5000);
  const refused = await send("GET", "/user");
  expect([
    refused.status,
    refused.headers.get("x-ratelimit-remaining"),
    refused.json["message"],
  ]).toMatchObject([403, "0", expect.stringContaining("API rate limit exceeded")]);
  expect((await send("GET", "/rate_limit")).json).toMatchObject({ rate: { remaining: 0, limit: 5000 } });
  github.setRateLimits({ primaryStatus: 429 });
  expect((await send("GET", "/user")).status).toBe(429);
  const reset = Number(refused.headers.get("x-ratelimit-reset")) * 1000;
  advance(reset - Date.parse("2026-03-01T12:00:00Z"));
  expect((await send("GET", "/user")).status).toBe(200);
});

it("refuses bursts of writes with the secondary limit, with and without retry-after", async () => {
  const { send, github, advance } = bench({ rateLimits: { contentPerMinute: 2 } });
  github.seedRepository({ owner: "acme", name: "shop", files: { a: "a" } });
  const write = (name: string): ReturnType<typeof send> =>
    send("POST", "/repos/acme/shop/actions/variables", { body: { name, value: "v" } });
  advance(1000);
  expect([(await write("A")).status, (await write("B")).status]).toEqual([201, 201]);
  advance(15_000);
  const refused = await write("C");
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([403, "45"]);
  expect(refused.json["message"]).toContain("secondary rate limit");
  expect(Number(refused.headers.get("x-ratelimit-remaining"))).toBeGreaterThan(0);
  github.setRateLimits({ retryAfter: false });
  expect((await write("C")).headers.get("retry-after")).toBeNull();
  advance(45_000);
  expect((await write("C")).status).toBe(201);
});

it("refuses more than 900 points a minute and the 61st request without credentials", async () => {
  const { send } = bench();
  const statuses = new Set<number>();
  for (let index = 0; index < 61; index += 1)
    statuses.add((await send("GET", "/users/ada", { token: null })).status);
  expect([...statuses]).toEqual([200, 403]);
  let refusedAt = 0;
  for (let index = 1; refusedAt === 0 && index < 1000; index += 1)
    if ((await send("GET", "/user")).status === 403) refusedAt = index;
  expect(refusedAt).toBe(901);
});

it("refuses nothing when the limits are switched off", async () => {
  const { send } = bench({ rateLimits: NO_LIMITS });
  const statuses = new Set<number>();
  for (let index = 0; index < 1000; index += 1) statuses.add((await send("GET", "/user")).status);
  expect([...statuses]).toEqual([200]);
});

it("makes entity tags of Accept, Authorization and the body, and answers a known one with 304 free of charge", async () => {
  const { send, github } = bench();
  github.seedRepository({ owner: "acme", name: "shop", files: { a: "a" } });
  const accept = "application/vnd.github+json";
  const first = await send("GET", "/repos/acme/shop", { headers: { accept } });
  const expected = createHash("sha256").update(`${accept}:Bearer ${TOKEN}:`).update(first.text).digest("hex");
  expect(first.headers.get("etag")).toBe(`"${expected}"`);
  const again = await send("GET", "/repos/acme/shop", {
    headers: { accept, "if-none-match": `W/"${expected}"` },
  });
  expect([again.status, again.text, again.headers.get("x-ratelimit-used")]).toEqual([
    304,
    "",
    first.headers.get("x-ratelimit-used"),
  ]);
  github.addToken({ token: "rotated", owner: "acme", user: "ada" });
  const rotated = await send("GET", "/repos/acme/shop", {
    token: "rotated",
    headers: { accept, "if-none-match": `"${expected}"` },
  });
  expect(rotated.status).toBe(200);
  await send("PATCH", "/repos/acme/shop", { body: { description: "new" } });
  expect(
    (await send("GET", "/repos/acme/shop", { headers: { accept, "if-none-match": `"${expected}"` } })).status,
  ).toBe(200);
});

it("pages lists by Link: 30 unless asked, 100 at most, variables 10 and 30", async () => {
  const { send, github } = bench({ rateLimits: NO_LIMITS });
  for (let index = 0; index < 105; index += 1)
    github.seedRepository({ owner: "acme", name: `r${String(index).padStart(3, "0")}` });
  const seen: string[] = [];
  let path: string | undefined = "/orgs/acme/repos?per_page=500&sort=full_name";
  const sizes: number[] = [];
  while (path !== undefined) {
    const page = await send("GET", path);
    const items = page.json as unknown as { name: string }[];
    sizes.push(items.length);
    seen.push(...items.map((item) => item.name));
    path = /<http:\/\/github\.example\.test([^>]+)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1];
  }
  expect([sizes, new Set(seen).size]).toEqual([[100, 5], 105]);
  expect((await send("GET", "/user/repos")).json).toHaveLength(30);
  for (let index = 0; index < 35; index += 1)
    await send("POST", "/repos/acme/r000/actions/variables", { body: { name: `V${index}`, value: "v" } });
  const size = async (query: string): Promise<number> =>
    (
      (await send("GET", `/repos/acme/r000/actions/variables${query}`)).json as unknown as {
        variables: unknown[];
      }
    ).variables.length;
  expect([await size(""), await size("?per_page=100"), await size("?per_page=30&page=2")]).toEqual([
    10, 30, 5,
  ]);
  const past = await send("GET", "/repos/acme/r000/actions/variables?page=9");
  expect(past.json).toMatchObject({ total_count: 35, variables: [] });
});

it("shows reads the world as it was while a lag rule lasts, and still refuses duplicates", async () => {
  const { send, github, context, advance } = bench();
  github.seedRepository({ owner: "acme", name: "shop", files: { a: "a" } });
  advance(60_000);
  context.faults.setLag({ provider: "github", resource: "variable", milliseconds: 1000 });
  const base = "/repos/acme/shop/actions/variables";
  await send("POST", base, { body: { name: "A", value: "1" } });
  expect((await send("GET", `${base}/A`)).status).toBe(404);
  expect((await send("POST", base, { body: { name: "A", value: "1" } })).status).toBe(409);
  advance(1000);
  expect((await send("GET", `${base}/A`)).json).toMatchObject({ value: "1" });
  await send("PATCH", `${base}/A`, { body: { value: "2" } });
  expect((await send("GET", base)).json).toMatchObject({ variables: [{ name: "A", value: "1" }] });
  advance(1000);
  expect((await send("GET", `${base}/A`)).json).toMatchObject({ value: "2" });
  await send("DELETE", `${base}/A`);
  expect((await send("GET", `${base}/A`)).status).toBe(200);
  advance(1000);
  expect((await send("GET", `${base}/A`)).status).toBe(404);
});

it("indents bodies for programs that people read", async () => {
  const { send } = bench();
  expect((await send("GET", "/rate_limit", { headers: { "user-agent": "curl/8.5.0" } })).text).toMatch(
    /^\{\n  "resources"/,
  );
  expect((await send("GET", "/rate_limit")).text).toMatch(/^\{"resources"/);
});
