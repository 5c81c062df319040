import { describe, expect, it } from "vitest";
import { expectedEtag } from "./etag-cache.ts";
import { FlaresmithError } from "./errors.ts";
import { json, outcome, setUp, url } from "./testing/transport-world.ts";
import type { Answer } from "./testing/transport-world.ts";
import { cacheHeader, unwrapTransportError } from "./transport.ts";
import type { TransportOptions } from "./transport.ts";

describe("a read", () => {
  it("is repeated through a short outage, at most 5 times, and then fails as transient", async () => {
    const flaky = setUp(() =>
      flaky.seen.length < 3 ? new Response("oops", { status: 502 }) : json({ id: 1 }),
    );
    const response = await outcome(flaky.clock, flaky.send(url));
    expect(response).toBeInstanceOf(Response);
    expect(flaky.seen).toHaveLength(3);

    const down = setUp(() => new Response("oops", { status: 503 }));
    expect(await outcome(down.clock, down.send(url))).toMatchObject({
      code: "INTEGRATION_UNAVAILABLE",
      class: "transient",
      message: "github answers 503 to GET /repos/acme/shop",
    });
    expect(down.seen).toHaveLength(5);
    expect((await down.tracker.exposition()).body).toContain(
      'flaresmith_provider_requests_total{provider="github",connection="team/gh",method="GET",route="/repos/acme/shop",code="503"} 5',
    );
  });

  it.each<[string, Answer]>([
    [
      "an HTML page with 200",
      () => new Response("<html>proxy</html>", { headers: { "content-type": "text/html" } }),
    ],
    [
      "an HTML page with 404",
      () => new Response("<html>", { status: 404, headers: { "content-type": "text/html" } }),
    ],
    [
      "truncated JSON",
      () => new Response('{"items":[1,2', { headers: { "content-type": "application/json" } }),
    ],
    ["no body at all", () => new Response("", { headers: { "content-type": "application/json" } })],
    ["more bytes than allowed", () => json("x".repeat(2000))],
  ])("answered with %s is transient, never absence", async (_name, answer) => {
    const { clock, send } = setUp(answer, { maxBytes: 1000 });
    expect(await outcome(clock, send(url))).toMatchObject({
      code: "INTEGRATION_RESPONSE_INVALID",
      class: "transient",
    });
  });

  it("of raw content may be anything", async () => {
    const { clock, send } = setUp(() => new Response("<html>", { headers: { "content-type": "text/html" } }));
    const response = await outcome(clock, send(url, { headers: { accept: "application/vnd.github.raw" } }));
    expect(await (response as Response).text()).toBe("<html>");
  });

  it("is not repeated before the moment that a failing provider names", async () => {
    const { clock, seen, send } = setUp(
      () => new Response("", { status: 503, headers: { "retry-after": "20" } }),
    );
    const until = clock.now() + 20_000;
    expect(await outcome(clock, send(url))).toMatchObject({ code: "INTEGRATION_UNAVAILABLE", until });
    expect(seen).toHaveLength(1);
  });

  it("that nobody answers ends at its deadline", async () => {
    const { clock, seen, send } = setUp(() => new Promise(() => undefined), { deadline: 15_000 });
    expect(await outcome(clock, send(url))).toMatchObject({
      code: "INTEGRATION_TIMEOUT",
      class: "transient",
    });
    expect(seen).toHaveLength(5);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(75_000);
  });

  it("whose caller gave up fails with the caller's reason and hurts nobody", async () => {
    const { clock, identity, send } = setUp(() => new Promise(() => undefined));
    const stop = new AbortController();
    const sent = send(url, { signal: stop.signal });
    await clock.advance(10);
    stop.abort(new Error("shutting down"));
    await expect(sent).rejects.toThrow("shutting down");
    expect(identity.breaker.state).toBe("closed");
  });

  it("answered with 401, 403, 404, 409 or 422 is the provider client's to judge", async () => {
    for (const status of [401, 403, 404, 409, 422]) {
      const { clock, seen, send } = setUp(() => json({ message: "no" }, { status }));
      expect(await outcome(clock, send(url))).toMatchObject({ status });
      expect(seen).toHaveLength(1);
    }
  });
});

describe("a write", () => {
  const write = { method: "POST", body: '{"name":"shop"}', headers: { "content-type": "application/json" } };

  it.each<[string, Answer, Partial<TransportOptions>]>([
    ["a 500", () => new Response("oops", { status: 500 }), {}],
    ["a closed connection", () => Promise.reject(new TypeError("fetch failed")), {}],
    ["silence", () => new Promise(() => undefined), {}],
    [
      "half of its answer",
      () => new Response("{", { status: 201, headers: { "content-type": "application/json" } }),
      {},
    ],
  ])("answered with %s is sent once, its outcome unknown", async (_name, answer, options) => {
    const { clock, seen, send } = setUp(answer, options);
    expect(await outcome(clock, send(url, write))).toMatchObject({
      code: "INTEGRATION_UNKNOWN_OUTCOME",
      class: "unknownOutcome",
    });
    expect(seen).toHaveLength(1);
  });

  it("that cannot have been sent is transient, not unknown", async () => {
    const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
    const { clock, seen, send } = setUp(() =>
      Promise.reject(new TypeError("fetch failed", { cause: refused })),
    );
    expect(await outcome(clock, send(url, write))).toMatchObject({
      code: "INTEGRATION_UNAVAILABLE",
      class: "transient",
    });
    expect(seen).toHaveLength(1);
  });

  it("is sent again, body and all, after a status at which the provider promises that nothing was applied", async () => {
    const bodies: string[] = [];
    const { clock, send } = setUp(
      async (request) => {
        bodies.push(await request.text());
        return bodies.length < 3 ? json({}, { status: 423 }) : json({ ok: true }, { status: 201 });
      },
      { safeStatuses: [423, 503] },
    );
    expect(await outcome(clock, send(url, write))).toMatchObject({ status: 201 });
    expect(bodies).toEqual([write.body, write.body, write.body]);

    const locked = setUp(() => json({}, { status: 423 }), { safeStatuses: [423] });
    expect(await outcome(locked.clock, locked.send(url, write))).toMatchObject({ code: "INTEGRATION_BUSY" });
    expect(locked.seen).toHaveLength(5);
  });

  it("that an outage refuses is sent again as long as nothing was applied, and then fails as an outage", async () => {
    const down = setUp(() => json({}, { status: 503 }), { safeStatuses: [423, 503] });
    expect(await outcome(down.clock, down.send(url, write))).toMatchObject({
      code: "INTEGRATION_UNAVAILABLE",
      class: "transient",
      message: "github answers 503 to POST /repos/acme/shop",
    });
    expect(down.seen).toHaveLength(5);
  });

  it("waits for the write before it under the same key; other keys and reads do not", async () => {
    const open: { path: string; answer: () => void }[] = [];
    const { clock, send } = setUp(
      (request) =>
        new Promise((resolve) =>
          open.push({ path: new URL(request.url).pathname, answer: () => resolve(json({})) }),
        ),
      { serialize: ({ url: to }) => to.pathname.split("/")[2] },
    );
    const origin = "https://api.example.com/projects";
    for (const path of ["one/a", "one/b", "two/a"]) void send(`${origin}/${path}`, { method: "POST" });
    void send(`${origin}/one`);
    await clock.settle();
    expect(open.map(({ path }) => path)).toEqual(["/projects/one/a", "/projects/two/a", "/projects/one"]);
    open.find(({ path }) => path === "/projects/one/a")?.answer();
    await clock.settle();
    expect(open.map(({ path }) => path)).toContain("/projects/one/b");
  });
});

describe("conditional reads", () => {
  /** Answers ETags as GitHub does: of Accept, Authorization and body. */
  const github =
    (world: { body: string }): Answer =>
    (request) => {
      if (request.method !== "GET") {
        return json({});
      }
      const accept = request.headers.get("accept") ?? "";
      const authorization = request.headers.get("authorization") ?? "";
      const etag = expectedEtag({ accept, authorization }, new TextEncoder().encode(world.body));
      const wanted = (request.headers.get("if-none-match") ?? "").split(", ");
      if (wanted.includes(etag)) return new Response(null, { status: 304, headers: { etag, "x-now": "2" } });
      return new Response(world.body, {
        headers: { etag, "content-type": "application/json", "x-now": "1" },
      });
    };
  const get = (token: string, more: Record<string, string> = {}): RequestInit => ({
    headers: { accept: "application/vnd.github+json", authorization: `Bearer ${token}`, ...more },
  });

  it("cost a 304 while nothing changed, also after the token was rotated, and look like a 200", async () => {
    const world = { body: '{"id":1}' };
    const { clock, send, journal } = setUp(github(world), { etags: { expected: expectedEtag } });
    const first = (await outcome(clock, send(url, get("one")))) as Response;
    expect(first.headers.get(cacheHeader)).toBeNull();
    const second = (await outcome(clock, send(url, get("two")))) as Response;
    expect(second.status).toBe(200);
    expect(second.url).toBe(url);
    expect(second.headers.get(cacheHeader)).toBe("hit");
    expect(second.headers.get("x-now")).toBe("2");
    expect(await second.json()).toEqual({ id: 1 });
    world.body = '{"id":2}';
    expect(await ((await outcome(clock, send(url, get("two")))) as Response).json()).toEqual({ id: 2 });
    expect(journal.since().map(({ code }) => code)).toEqual(["200", "cached", "200"]);
  });

  it("never confirm our own write: a write forgets what it touched, above and below", async () => {
    const { clock, send, journal, seen } = setUp(github({ body: "{}" }), { etags: {} });
    const paths = ["", "/topics", "/hooks"];
    for (const path of paths) await outcome(clock, send(url + path, get("one")));
    await outcome(clock, send(`${url}/topics`, { method: "PUT", body: "{}" }));
    const before = seen.length;
    for (const path of paths) await outcome(clock, send(url + path, get("one")));
    expect(seen.slice(before).map((request) => request.headers.has("if-none-match"))).toEqual([
      false,
      false,
      true,
    ]);
    expect(journal.since().at(-1)?.code).toBe("cached");
  });

  it("are plain when the caller asks for what is true now, and off unless asked for", async () => {
    const fresh = setUp(github({ body: "{}" }), { etags: {} });
    await outcome(fresh.clock, fresh.send(url, get("one")));
    await outcome(fresh.clock, fresh.send(url, get("one", { "cache-control": "no-cache" })));
    const off = setUp(github({ body: "{}" }));
    await outcome(off.clock, off.send(url, get("one")));
    await outcome(off.clock, off.send(url, get("one")));
    for (const { seen } of [fresh, off]) expect(seen[1]?.headers.has("if-none-match")).toBe(false);
  });
});

describe("redirects", () => {
  const redirecting =
    (location: string, status = 301): Answer =>
    (request) =>
      request.url === location ? json({ ok: true }) : new Response(null, { status, headers: { location } });

  it("within the origin keep credentials; elsewhere reads go on without them", async () => {
    for (const [to, kept] of [
      ["https://api.example.com/repositories/1", true],
      ["https://blobs.example.net/x", false],
    ] as const) {
      const { clock, seen, send } = setUp(redirecting(to));
      const response = await outcome(clock, send(url, { headers: { authorization: "Bearer t" } }));
      expect(response).toMatchObject({ status: 200, url: to });
      expect(seen[1]?.headers.has("authorization")).toBe(kept);
    }
  });

  it("of writes are followed only when method and origin stay", async () => {
    const same = setUp(redirecting("https://api.example.com/repositories/1", 307));
    expect(await outcome(same.clock, same.send(url, { method: "PATCH", body: "{}" }))).toMatchObject({
      status: 200,
    });
    for (const [to, status] of [
      ["https://evil.example.net/", 307],
      ["https://api.example.com/other", 302],
    ] as const) {
      const { clock, seen, send } = setUp(redirecting(to, status));
      expect(await outcome(clock, send(url, { method: "PATCH", body: "{}" }))).toBeInstanceOf(
        FlaresmithError,
      );
      expect(seen).toHaveLength(1);
    }
  });

  it("303 to a write, GitHub's word for a duplicate, is the answer itself; another origin's is none", async () => {
    const made = setUp(redirecting("https://api.example.com/policies/1", 303));
    expect(await outcome(made.clock, made.send(url, { method: "POST", body: "{}" }))).toMatchObject({
      status: 303,
      url,
    });
    expect(made.seen).toHaveLength(1);
    const portal = setUp(redirecting("https://login.example.net/", 303));
    expect(await outcome(portal.clock, portal.send(url, { method: "POST", body: "{}" }))).toMatchObject({
      code: "INTEGRATION_UNKNOWN_OUTCOME",
    });
  });

  it("are never followed in circles or out of TLS", async () => {
    for (const to of [url, "http://api.example.com/x"]) {
      const { clock, send } = setUp((request) =>
        request.url === to && to !== url
          ? json({})
          : new Response(null, { status: 302, headers: { location: to } }),
      );
      expect(await outcome(clock, send(url))).toMatchObject({ code: "INTEGRATION_RESPONSE_INVALID" });
    }
  });
});

it("takes requests in every form that SDKs make them", async () => {
  const bodies: string[] = [];
  const { clock, send } = setUp(async (request) => {
    bodies.push(`${request.headers.get("content-type")?.split(";")[0]} ${await request.text()}`);
    return json({});
  });
  const form = new FormData();
  form.set("a", "b");
  await outcome(
    clock,
    send(new Request(url, { method: "PUT", body: "text", headers: { "content-type": "text/x" } })),
  );
  await outcome(clock, send(new URL(url), { method: "PUT", body: form }));
  await outcome(clock, send(url, { method: "PUT", body: new Uint8Array([104, 105]) }));
  expect(bodies[0]).toBe("text/x text");
  expect(bodies[1]).toMatch(/^multipart\/form-data .*name="a"/s);
  expect(bodies[2]).toContain("hi");
});

it("an error of the transport is found inside what an SDK made of it", () => {
  const ours = new FlaresmithError({ code: "INTEGRATION_TIMEOUT", message: "m" });
  expect(unwrapTransportError(new Error("sdk", { cause: new Error("axios", { cause: ours }) }))).toBe(ours);
  expect(unwrapTransportError(new Error("else"))).toBeUndefined();
});
