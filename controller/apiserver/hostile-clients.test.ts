/** The API over its real listener, against clients that keep no rule of HTTP, or none of its time. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { rawClient, type RawClient } from "../../test/support/raw-client.ts";
import { systemClock, systemRandom } from "../runtime/adapters/system.ts";
import { builtinTypes, openEmbeddedStore, type EmbeddedStore } from "../store/embedded/index.ts";
import { serveApi, type ServedApi } from "./serve-api.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const configMapType = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
const MEBIBYTE = 1024 * 1024;

let directory: string;
let store: EmbeddedStore;
let api: ServedApi;
const errors: unknown[] = [];
const clients: RawClient[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flaresmith-hostile-"));
  const [clock, random] = [systemClock(), systemRandom()];
  store = await openEmbeddedStore({ path: ":memory:", clock, random, types: builtinTypes });
  const limits = { headers: 1500, request: 2500, check: 100 };
  api = await serveApi({ directory, store, clock, random, limits, onError: (error) => errors.push(error) });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.end();
  expect(errors).toEqual([]);
});
afterAll(async () => {
  await api.close();
  await store.close();
  await rm(directory, { recursive: true });
});

const connect = async (): Promise<RawClient> => {
  const client = await rawClient({ port: api.port, authority: api.authority });
  clients.push(client);
  return client;
};
const head = (line: string, headers: Record<string, string | number> = {}, token = api.token): string =>
  [
    line,
    "host: 127.0.0.1",
    ...(token === "" ? [] : [`authorization: Bearer ${token}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "\r\n",
  ].join("\r\n");
/** Asks on a connection of its own, and gives status and body. */
async function ask(
  line: string,
  options: { body?: string; token?: string; headers?: Record<string, string> } = {},
) {
  const { body = "", token, headers = {} } = options;
  const client = await connect();
  const length: Record<string, number> = body === "" ? {} : { "content-length": Buffer.byteLength(body) };
  await client.send(head(line, { connection: "close", ...length, ...headers }, token) + body);
  await client.closed;
  return { code: Number(client.received().slice(9, 12)), text: client.received() };
}
/** Somebody who does everything right is served meanwhile. */
const serves = async (): Promise<void> => expect((await ask(`GET ${CONFIG_MAPS} HTTP/1.1`)).code).toBe(200);

describe("a request that two readers would read differently", () => {
  test.each([
    ["two lengths", "content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"],
    ["two equal lengths", "content-length: 5\r\ncontent-length: 5\r\n\r\nhello"],
    ["a length and chunks", "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["chunks and something else", "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"],
    ["an unknown encoding", "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"],
    ["a length with a sign", "content-length: +5\r\n\r\nhello"],
    ["a length in hexadecimal", "content-length: 0x5\r\n\r\nhello"],
    ["a negative length", "content-length: -1\r\n\r\n"],
    ["a header line that goes on in the next", "x-a: b\r\n c: d\r\n\r\n"],
    ["a header name that ends with a space", "content-length : 5\r\n\r\nhello"],
    ["a carriage return alone", "x-a: b\rx-c: d\r\n\r\n"],
    ["a NUL in a header", "x-a: b\0c\r\n\r\n"],
    ["a chunk length that is none", "transfer-encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n"],
    ["headers of 20 KiB", `x-a: ${"y".repeat(20_000)}\r\n\r\n`],
    ["thousands of headers", `${"x-a: y\r\n".repeat(2500)}\r\n`],
  ])("%s: refused, and the connection ends", async (_name, rest) => {
    const client = await connect();
    const request = `POST ${CONFIG_MAPS} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${api.token}\r\ncontent-type: application/json\r\n${rest}`;
    await client.send(request);
    await client.closed;
    expect(client.received()).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    expect(store.listText(configMapType, {}).texts).toEqual([]);
  });

  test("the second of two in one packet needs a token of its own", async () => {
    const client = await connect();
    await client.send(head(`GET ${CONFIG_MAPS} HTTP/1.1`) + head(`GET ${CONFIG_MAPS} HTTP/1.1`, {}, ""));
    const text = await client.until(/HTTP\/1\.1 401/);
    expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 401"]);
  });

  test("a body of one request is no request of its own", async () => {
    const inner = head(`DELETE ${CONFIG_MAPS} HTTP/1.1`);
    const { code, text } = await ask(`POST ${CONFIG_MAPS} HTTP/1.1`, {
      body: inner,
      headers: { "content-type": "application/json" },
    });
    expect(code).toBe(400);
    expect(text.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(1);
  });

  test("a whole URL in the request line reaches this server and no other", async () => {
    const { code, text } = await ask(`GET http://169.254.169.254${CONFIG_MAPS} HTTP/1.1`);
    expect(code).toBe(200);
    expect(text).toContain("ConfigMapList");
    expect((await ask("GET http://169.254.169.254/latest/meta-data/ HTTP/1.1")).code).toBe(404);
    expect((await ask("CONNECT 169.254.169.254:80 HTTP/1.1")).code).not.toBe(200);
  });
});

describe("a path", () => {
  test.each([
    "/readyz/../api/v1/secrets",
    "/livez/%2e%2e/api/v1/secrets",
    "/version/..%2fapi/v1/secrets",
    "//api/v1/secrets",
    "/api//v1///secrets",
    "/./api/v1/secrets",
    "/api/v1/secrets/",
    "/api/v1/secrets?watch=false",
    "/api/v1/secrets;/readyz",
    "/api/v1/secrets#/readyz",
    "/%61pi/v1/secrets",
    "/readyz%00/../api/v1/secrets",
    "/API/v1/secrets",
  ])("%s does not get around the token", async (path) => {
    const { code, text } = await ask(`GET ${path} HTTP/1.1`, { token: "" });
    expect([400, 401]).toContain(code);
    expect(text).not.toContain("SecretList");
  });

  test.each([
    `${CONFIG_MAPS}/..%2f..%2fkube-system%2fconfigmaps%2fx`,
    `${CONFIG_MAPS}/%2e%2e%2fx`,
    `${CONFIG_MAPS}/a%00b`,
    `${CONFIG_MAPS}/a%2fb`,
    `/api/v1/namespaces/default%2fconfigmaps/x`,
    `/api/v1/namespaces/%2e%2e/configmaps/x`,
    `${CONFIG_MAPS}/%ff`,
    `${CONFIG_MAPS}/%`,
    `${CONFIG_MAPS}/${"x".repeat(8000)}`,
    `${CONFIG_MAPS}/constructor`,
    `/apis/__proto__/v1/configmaps`,
    `/apis/constructor/prototype/configmaps`,
    `/openapi/v3/__proto__`,
    `/openapi/v3/../../etc/passwd`,
    `/openapi/v3/constructor`,
  ])("%.80s names nothing", async (path) => {
    const { code } = await ask(`GET ${path} HTTP/1.1`);
    expect([400, 404]).toContain(code);
  });
});

describe("a token", () => {
  test.each([
    ["none", ""],
    ["half of the right one", "half"],
    ["the right one twice", "twice"],
    ["8 KiB of another", "x".repeat(8000)],
    ["the right one in another case", "upper"],
  ])("that is %s opens nothing", async (_name, which) => {
    const tokens: Record<string, string> = {
      half: api.token.slice(0, 32),
      twice: `${api.token}${api.token}`,
      upper: api.token.toUpperCase(),
    };
    const { code, text } = await ask(`GET ${CONFIG_MAPS} HTTP/1.1`, { token: tokens[which] ?? which });
    expect(code).toBe(401);
    expect(text).not.toContain(api.token.slice(0, 16));
  });

  test("in the URL, in a cookie or as a password opens nothing", async () => {
    for (const [line, headers] of [
      [`GET ${CONFIG_MAPS}?access_token=${api.token} HTTP/1.1`, {}],
      [`GET ${CONFIG_MAPS} HTTP/1.1`, { cookie: `token=${api.token}` }],
      [
        `GET ${CONFIG_MAPS} HTTP/1.1`,
        { authorization: `Basic ${Buffer.from(`x:${api.token}`).toString("base64")}` },
      ],
      [`GET ${CONFIG_MAPS} HTTP/1.1`, { "x-remote-user": "admin", "impersonate-user": "admin" }],
    ] as const) {
      expect((await ask(line, { token: "", headers })).code, line).toBe(401);
    }
  });
});

describe("a body", () => {
  const json = { "content-type": "application/json" };

  test("above 3 MiB is refused when it is announced, and the connection ends", async () => {
    const client = await connect();
    await client.send(head(`POST ${CONFIG_MAPS} HTTP/1.1`, { ...json, "content-length": 25 * MEBIBYTE }));
    await client.until(/^HTTP\/1\.1 413 /);
    await client.closed;
    await serves();
  });

  test("without end is cut off, whatever it announces", async () => {
    const client = await connect();
    await client.send(head(`POST ${CONFIG_MAPS} HTTP/1.1`, { ...json, "transfer-encoding": "chunked" }));
    const piece = Buffer.alloc(256 * 1024, " ");
    const chunk = Buffer.concat([
      Buffer.from(`${piece.byteLength.toString(16)}\r\n`),
      piece,
      Buffer.from("\r\n"),
    ]);
    let over = false;
    void client.closed.then(() => (over = true));
    while (!over) await client.send(chunk);
    expect(client.received()).toMatch(/^(HTTP\/1\.1 413 |$)/);
    await serves();
  });

  test("of a caller without a token is not waited for", async () => {
    const client = await connect();
    await client.send(head(`POST ${CONFIG_MAPS} HTTP/1.1`, { ...json, "content-length": MEBIBYTE }, ""));
    await client.until(/^HTTP\/1\.1 401 /);
    await client.closed;
  });
});

describe("a slow client", () => {
  test("that never finishes its headers is cut off, and others are served meanwhile", async () => {
    const client = await connect();
    await client.send(`GET ${CONFIG_MAPS} HTTP/1.1\r\nhost: 127.0.0.1\r\nx-a: `);
    await serves();
    await client.closed;
    expect(client.received()).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  test("that never finishes its body is cut off, and others are served meanwhile", async () => {
    const client = await connect();
    const headers = { "content-type": "application/json", "content-length": 100 };
    await client.send(`${head(`POST ${CONFIG_MAPS} HTTP/1.1`, headers)}{"a`);
    await serves();
    await client.closed;
    expect(client.received()).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  test("that opens many connections and says nothing keeps nobody from being served", async () => {
    const many = await Promise.all(Array.from({ length: 50 }, () => connect()));
    await serves();
    await Promise.all(many.map((client) => client.closed));
  });

  test("that watches and never reads costs no memory, and other watches go on", async () => {
    const stuck = await connect();
    await stuck.send(head(`GET ${CONFIG_MAPS}?watch=true HTTP/1.1`));
    await stuck.until(/^HTTP\/1\.1 200 /);
    stuck.socket.pause();
    const reading = await connect();
    await reading.send(head(`GET ${CONFIG_MAPS}?watch=true HTTP/1.1`));
    await reading.until(/^HTTP\/1\.1 200 /);
    const text = "x".repeat(200_000);
    const before = process.memoryUsage();
    for (let index = 0; index < 100; index += 1) {
      const metadata = { name: "changing", namespace: "default" };
      const object = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { text, z: String(index) } };
      await store.apply(configMapType, object, { fieldManager: "test", force: true });
    }
    await reading.until(/"z":"99"/);
    // 20 MB went by; what waits for the one that does not read is a few buffers of the system and of TLS.
    const { arrayBuffers, external } = process.memoryUsage();
    expect(arrayBuffers + external - before.arrayBuffers - before.external).toBeLessThan(20 * MEBIBYTE);
    expect(store.statistics.watches).toBe(2);
    stuck.end();
    reading.end();
    await store.delete(configMapType, { namespace: "default", name: "changing" });
  });
});
