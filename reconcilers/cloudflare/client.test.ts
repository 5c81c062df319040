import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { account, otherAccount, testBench, token } from "../../sandbox/cloudflare/testing.ts";
import { virtualClock } from "../../controller/runtime/adapters/virtual.ts";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { createCloudflareClient, loadCloudflareSdk } from "./client.ts";
import type { CloudflareClient } from "./client.ts";
import { readMarker, withMarker } from "./marker-tags.ts";
import { multipart } from "./multipart.ts";
import { testClient } from "./test-context.ts";

const signal = new AbortController().signal;
const purpose = { what: "listing things", permission: "Things: Read" };

function answering(respond: (request: Request) => Response | Promise<Response>): {
  client: CloudflareClient;
  requests: Request[];
} {
  const requests: Request[] = [];
  const client = testClient(
    (request) => {
      requests.push(request);
      return Promise.resolve(respond(request));
    },
    { apiToken: "t" },
  );
  return { client, requests };
}

const get = (client: CloudflareClient): Promise<unknown> =>
  client.call({ method: "GET", path: "/things", result: z.unknown(), purpose, signal });
const post = (client: CloudflareClient): Promise<unknown> =>
  client.call({ method: "POST", path: "/things", json: {}, result: z.unknown(), purpose, signal });
const json = (status: number, body: unknown, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

test("a token that is unknown as a user's may be an account's: the remedy without spec.account says so", async () => {
  const bench = testBench();
  // Cloudflare says of an account's token there what it says of any that it does not know.
  bench.context.faults.add({
    path: "/user/tokens/verify$",
    status: 401,
    body: {
      success: false,
      errors: [{ code: 1000, message: "Invalid API Token" }],
      messages: [],
      result: null,
    },
  });
  const fetch = bench.cloudflare.fetch;
  await expect(testClient(fetch, { apiToken: token }).identity(signal)).rejects.toMatchObject({
    code: "INTEGRATION_CREDENTIALS_INVALID",
    hint: expect.stringMatching(/Put a valid .* belongs to an account .*spec\.account/) as string,
  });
  const named = await testClient(fetch, { apiToken: token, accountId: account }).identity(signal);
  expect(named.accounts.map(({ id }) => id)).toEqual([account]);
});

test("who the token is and what it reaches is told", async () => {
  const bench = testBench();
  const identity = await testClient(bench.cloudflare.fetch, { apiToken: token, accountId: account }).identity(
    signal,
  );
  expect(identity).toMatchObject({ status: "active", accounts: [{ id: account, name: "Acme" }] });
  expect(identity.tokenId).toMatch(/^[0-9a-f]{32}$/);
});

test("an unknown token, and an account that the token does not reach, are told with the remedy", async () => {
  const bench = testBench();
  await expect(
    testClient(bench.cloudflare.fetch, { apiToken: "wrong" }).identity(signal),
  ).rejects.toMatchObject({
    code: "INTEGRATION_CREDENTIALS_INVALID",
    class: "auth",
    hint: expect.stringContaining("apiToken") as string,
  });
  await expect(
    testClient(bench.cloudflare.fetch, { apiToken: token, accountId: otherAccount }).identity(signal),
  ).rejects.toMatchObject({
    code: "INTEGRATION_PERMISSION_MISSING",
    message: expect.stringContaining(otherAccount) as string,
  });
});

test("a token that may not list accounts is believed about the account that the Connection names", async () => {
  const verified = { success: true, result: { id: "1", status: "active" } };
  const pages = [
    json(200, { success: true, result: [], result_info: { total_count: 0 } }),
    json(403, { success: false, errors: [{ code: 10000, message: "Authentication error" }] }),
  ];
  for (const page of pages) {
    const client = testClient(
      (request) => Promise.resolve(request.url.includes("/accounts") ? page : json(200, verified)),
      { apiToken: "t", accountId: account },
    );
    expect((await client.identity(signal)).accounts).toEqual([{ id: account, name: "" }]);
  }
});

test("a token that is disabled is told", async () => {
  const { client } = answering(() => json(200, { success: true, result: { id: "1", status: "disabled" } }));
  await expect(client.identity(signal)).rejects.toMatchObject({
    code: "INTEGRATION_CREDENTIALS_INVALID",
    message: expect.stringContaining("disabled") as string,
  });
});

test("every call carries the token and a pinned API version, whatever the environment says, and is sent once", async () => {
  const { client, requests } = answering(() => json(500, { success: false, errors: [] }));
  process.env["CLOUDFLARE_API_KEY"] = "stray";
  process.env["CLOUDFLARE_EMAIL"] = "stray@example.com";
  process.env["CLOUDFLARE_API_TOKEN"] = "stray";
  process.env["CLOUDFLARE_BASE_URL"] = "http://stray.example";
  try {
    await expect(get(client)).rejects.toMatchObject({ code: "INTEGRATION_UNAVAILABLE" });
  } finally {
    for (const name of [
      "CLOUDFLARE_API_KEY",
      "CLOUDFLARE_EMAIL",
      "CLOUDFLARE_API_TOKEN",
      "CLOUDFLARE_BASE_URL",
    ])
      delete process.env[name];
  }
  expect(requests).toHaveLength(1);
  expect(requests[0]?.url).toBe("http://localhost/client/v4/things");
  expect(requests[0]?.headers.get("authorization")).toBe("Bearer t");
  expect(requests[0]?.headers.get("api-version")).toBe("2026-01-01");
  expect(requests[0]?.headers.get("x-auth-key")).toBeNull();
  expect(requests[0]?.headers.get("x-auth-email")).toBeNull();
});

test.each<[string, () => Response, string, string]>([
  [
    "500",
    () => json(500, { success: false, errors: [{ code: 1, message: "x" }] }),
    "INTEGRATION_UNAVAILABLE",
    "INTEGRATION_UNKNOWN_OUTCOME",
  ],
  [
    "an HTML page with 502",
    () => new Response("<html>", { status: 502 }),
    "INTEGRATION_UNAVAILABLE",
    "INTEGRATION_UNKNOWN_OUTCOME",
  ],
  [
    "an HTML page with 200",
    () => new Response("<html>"),
    "INTEGRATION_RESPONSE_INVALID",
    "INTEGRATION_UNKNOWN_OUTCOME",
  ],
  [
    "truncated JSON",
    () => new Response('{"success": true, "resul'),
    "INTEGRATION_RESPONSE_INVALID",
    "INTEGRATION_UNKNOWN_OUTCOME",
  ],
  [
    "JSON that is no envelope",
    () => json(200, []),
    "INTEGRATION_RESPONSE_INVALID",
    "INTEGRATION_UNKNOWN_OUTCOME",
  ],
  [
    "404 in the envelope",
    () => json(404, { success: false, errors: [{ code: 10007, message: "x" }] }),
    "INTEGRATION_NOT_FOUND",
    "INTEGRATION_NOT_FOUND",
  ],
  [
    "409",
    () => json(409, { success: false, errors: [{ code: 1, message: "x" }] }),
    "INTEGRATION_CONFLICT",
    "INTEGRATION_CONFLICT",
  ],
  [
    "412",
    () => json(412, { success: false, errors: [{ code: 1016, message: "x" }] }),
    "INTEGRATION_CONFLICT",
    "INTEGRATION_CONFLICT",
  ],
  ["423", () => json(423, { success: false, errors: [] }), "INTEGRATION_BUSY", "INTEGRATION_BUSY"],
  [
    "400",
    () => json(400, { success: false, errors: [{ code: 10021, message: "x" }] }),
    "INTEGRATION_REJECTED",
    "INTEGRATION_REJECTED",
  ],
  [
    "422",
    () => json(422, { success: false, errors: [{ code: 1, message: "x" }] }),
    "INTEGRATION_REJECTED",
    "INTEGRATION_REJECTED",
  ],
  [
    "401",
    () => json(401, { success: false, errors: [{ code: 10000, message: "Authentication error" }] }),
    "INTEGRATION_CREDENTIALS_INVALID",
    "INTEGRATION_CREDENTIALS_INVALID",
  ],
  [
    "a malformed token",
    () => json(400, { success: false, errors: [{ code: 6003, message: "Invalid request headers" }] }),
    "INTEGRATION_CREDENTIALS_INVALID",
    "INTEGRATION_CREDENTIALS_INVALID",
  ],
  [
    "403",
    () => json(403, { success: false, errors: [{ code: 10000, message: "Authentication error" }] }),
    "INTEGRATION_PERMISSION_MISSING",
    "INTEGRATION_PERMISSION_MISSING",
  ],
])(
  "%s means the same everywhere, and what it means for a write is said",
  async (_what, respond, read, write) => {
    const { client } = answering(respond);
    await expect(get(client)).rejects.toMatchObject({ code: read, context: { provider: "cloudflare" } });
    await expect(post(client)).rejects.toMatchObject({ code: write });
  },
);

test("a lost connection is transient for a read and unknown for a write", async () => {
  const { client } = answering(() => Promise.reject(new TypeError("fetch failed")));
  await expect(get(client)).rejects.toMatchObject({ code: "INTEGRATION_UNAVAILABLE" });
  await expect(post(client)).rejects.toMatchObject({ code: "INTEGRATION_UNKNOWN_OUTCOME" });
});

test("the transport's own errors pass as they are", async () => {
  const own = new FlaresmithError({ code: "INTEGRATION_BREAKER_OPEN", message: "held back" });
  const { client } = answering(() => Promise.reject(own));
  await expect(post(client)).rejects.toBe(own);
});

test("a rate limit says until when: by Retry-After, else the five minutes that Cloudflare blocks", async () => {
  const limited = { success: false, errors: [{ code: 971, message: "Please wait" }] };
  const now = virtualClock().now();
  await expect(
    get(answering(() => json(429, limited, { "retry-after": "42" })).client),
  ).rejects.toMatchObject({ code: "INTEGRATION_RATE_LIMITED", until: now + 42_000 });
  await expect(get(answering(() => json(429, limited)).client)).rejects.toMatchObject({
    until: now + 300_000,
  });
});

test("an aborted call is not sent, and one that is aborted under way ends", async () => {
  const { client, requests } = answering(() => json(200, { success: true, result: null }));
  await expect(
    client.call({
      method: "GET",
      path: "/things",
      result: z.unknown(),
      purpose,
      signal: AbortSignal.abort(new Error("stop")),
    }),
  ).rejects.toThrow("stop");
  expect(requests).toHaveLength(0);
  const controller = new AbortController();
  const waiting = answering(
    (request) =>
      new Promise<Response>((_resolve, reject) => {
        request.signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
        controller.abort();
      }),
  );
  await expect(
    waiting.client.call({
      method: "POST",
      path: "/things",
      json: {},
      result: z.unknown(),
      purpose,
      signal: controller.signal,
    }),
  ).rejects.toMatchObject({ code: "INTEGRATION_UNKNOWN_OUTCOME" });
});

test("calls leave nothing behind on the signal that they are given", async () => {
  const { client } = answering(() => json(200, { success: true, result: null }));
  const controller = new AbortController();
  let listeners = 0;
  const add = controller.signal.addEventListener.bind(controller.signal);
  const remove = controller.signal.removeEventListener.bind(controller.signal);
  controller.signal.addEventListener = (...given: Parameters<typeof add>) => {
    listeners += 1;
    add(...given);
  };
  controller.signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...given);
  };
  for (let times = 0; times < 5; times += 1) {
    await client.call({
      method: "GET",
      path: "/things",
      result: z.unknown(),
      purpose,
      signal: controller.signal,
    });
  }
  expect(listeners).toBe(0);
});

test.each([401, 403, 404, 407])(
  "a proxy's page with %i is not taken for Cloudflare's word",
  async (status) => {
    const { client } = answering(() => new Response("<html>blocked</html>", { status }));
    await expect(get(client)).rejects.toMatchObject({
      code: "INTEGRATION_RESPONSE_INVALID",
      class: "transient",
    });
  },
);

test("the SDK can be loaded before the first call", async () => {
  await loadCloudflareSdk();
  const client = createCloudflareClient({
    apiToken: "t",
    fetch: () => Promise.resolve(json(200, { success: true, result: 1 })),
    clock: virtualClock(),
  });
  expect(client.endpoint).toBe("https://api.cloudflare.com/client/v4");
  expect((await client.call({ method: "GET", path: "/x", result: z.number(), purpose, signal })).result).toBe(
    1,
  );
});

test("a form of ours is read by the platform as it was meant, and equal forms are equal bytes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(
        fc.record({
          name: fc.stringMatching(/^[a-zA-Z0-9_./-]{1,20}$/),
          content: fc.uint8Array({ maxLength: 200 }),
        }),
        { selector: (part) => part.name, maxLength: 5 },
      ),
      async (parts) => {
        const given = parts.map((part) => ({
          ...part,
          filename: part.name,
          contentType: "application/octet-stream",
        }));
        const { body, contentType } = multipart(given);
        expect(multipart(given).body).toEqual(body);
        const form = await new Response(new Uint8Array(body), {
          headers: { "content-type": contentType },
        }).formData();
        const read = await Promise.all(
          [...form.entries()].map(async ([name, value]) => ({
            name,
            content: value instanceof File ? new Uint8Array(await value.arrayBuffer()) : undefined,
          })),
        );
        expect(read).toEqual(parts);
      },
    ),
    { numRuns: 50 },
  );
});

test("markers survive tags, whatever they hold and however long they are", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-z0-9/#,&% -]{1,700}$/),
      fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { maxLength: 2 }),
      (marker, others) => {
        fc.pre(marker.trim() === marker);
        const tags = withMarker({ what: "x", existing: others, marker, specHash: "abc" });
        expect(tags.every((tag) => !/[,&]/.test(tag))).toBe(true);
        expect(tags.slice(0, others.length)).toEqual(others);
        expect(readMarker(tags)).toEqual({ marker, specHash: "abc" });
        expect(withMarker({ what: "x", existing: tags, marker: "other", specHash: "def" })).toEqual([
          ...others,
          "flaresmith:other",
          "flaresmith-hash:def",
        ]);
      },
    ),
  );
});

test("more tags than fit are told with the name of what has them", () => {
  expect(() =>
    withMarker({
      what: "the Worker shop",
      existing: ["a", "b", "c", "d", "e", "f", "g"],
      marker: "m",
      specHash: "h",
    }),
  ).toThrow(/the Worker shop has 7 tags/);
});
