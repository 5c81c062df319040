/** The webhook listener against people who are not GitHub: nothing they send is parsed, kept, or waited for. */
import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { rawClient } from "../../test/support/raw-client.ts";
import type { RawClient } from "../../test/support/raw-client.ts";
import { seededRandom, virtualClock } from "../runtime/adapters/virtual.ts";
import { createTracker } from "../runtime/tracker.ts";
import { listen } from "./listen.ts";
import type { Listener } from "./listen.ts";
import { createWebhookApp } from "./webhook-app.ts";
import type { WebhookHint } from "./webhook-app.ts";

const SECRET = "first-secret";
const push = JSON.stringify({ ref: "refs/heads/main", repository: { id: 42, full_name: "acme/shop" } });
const signature = (body: string | Uint8Array, secret = SECRET): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

let listener: Listener;
let hints: WebhookHint[];
let clients: RawClient[];
const MEBIBYTE = 1024 * 1024;

beforeEach(async () => {
  hints = [];
  clients = [];
  const clock = virtualClock();
  const app = createWebhookApp({
    clock,
    random: seededRandom(),
    tracker: createTracker({ clock }),
    secrets: () => [SECRET],
    onHint: (hint) => void hints.push(hint),
    maxBytesAtOnce: 3 * MEBIBYTE,
  });
  listener = await listen({
    name: "webhooks",
    host: "127.0.0.1",
    port: 0,
    fetch: (request) => app.fetch(request),
    limits: { request: 400, headers: 200, check: 50, connections: 20 },
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const client of clients) client.end();
  await listener.close(AbortSignal.abort());
});

const connect = async (): Promise<RawClient> => {
  const client = await rawClient({ port: listener.port });
  clients.push(client);
  return client;
};

const head = (headers: Record<string, string | number>): string =>
  [
    "POST /webhooks/github HTTP/1.1",
    "host: localhost",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "\r\n",
  ].join("\r\n");

/** Sends a delivery and gives the status it is answered with. */
async function deliver(body: string | Uint8Array, headers: Record<string, string> = {}): Promise<number> {
  const client = await connect();
  const all = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-github-event": "push",
    "x-github-delivery": "d-1",
    ...headers,
  };
  await client.send(head(all));
  await client.send(body);
  const answer = await client.until(/^HTTP\/1\.1 \d{3}[^]*\r\n\r\n/);
  client.end();
  return Number(answer.slice(9, 12));
}
/** Somebody who does everything right is served meanwhile. */
const serves = async (delivery: string): Promise<void> => {
  const headers = { "x-hub-signature-256": signature(push), "x-github-delivery": delivery };
  expect(await deliver(push, headers)).toBe(202);
  expect(hints.at(-1)?.delivery).toBe(delivery);
};

describe("a signature that is none", () => {
  const hex = signature(push).slice("sha256=".length);
  const sha1 = createHmac("sha1", SECRET).update(push).digest("hex");
  test.each<[string, Record<string, string>]>([
    ["is missing", {}],
    ["is empty", { "x-hub-signature-256": "" }],
    ["has no name", { "x-hub-signature-256": hex }],
    ["is one digit short", { "x-hub-signature-256": `sha256=${hex.slice(1)}` }],
    ["is one digit long", { "x-hub-signature-256": `sha256=${hex}0` }],
    ["is of another secret", { "x-hub-signature-256": signature(push, "guess") }],
    ["is of an empty secret", { "x-hub-signature-256": signature(push, "") }],
    [
      "differs in the last digit",
      { "x-hub-signature-256": `sha256=${hex.slice(0, -1)}${hex.endsWith("0") ? "1" : "0"}` },
    ],
    ["is no hexadecimal", { "x-hub-signature-256": `sha256=${"z".repeat(64)}` }],
    ["comes twice", { "x-hub-signature-256": `sha256=${hex}, sha256=${hex}` }],
    ["is SHA-1 alone, and right", { "x-hub-signature": `sha1=${sha1}` }],
    ["is SHA-1 under the other name", { "x-hub-signature-256": `sha1=${sha1}` }],
    ["is SHA-1, in the length of SHA-256", { "x-hub-signature-256": `sha256=${sha1}${"0".repeat(24)}` }],
  ])("%s: 401, nothing is parsed", async (_name, headers) => {
    const parse = vi.spyOn(JSON, "parse");
    expect(await deliver(push, headers)).toBe(401);
    expect(parse).not.toHaveBeenCalled();
    expect(hints).toEqual([]);
  });

  test("that fits another body: 401, nothing is parsed", async () => {
    const parse = vi.spyOn(JSON, "parse");
    const signed = { "x-hub-signature-256": signature(push) };
    expect(await deliver(`${push} `, signed)).toBe(401);
    expect(await deliver(push.slice(0, -1), signed)).toBe(401);
    expect(await deliver(push.replace("main", "evil"), signed)).toBe(401);
    expect(parse).not.toHaveBeenCalled();
    expect(hints).toEqual([]);
  });
});

describe("a body", () => {
  test("that is compressed stays so: a bomb does not go off", async () => {
    const bomb = gzipSync(Buffer.alloc(200 * MEBIBYTE));
    expect(bomb.byteLength).toBeLessThan(MEBIBYTE);
    const encoded = { "content-encoding": "gzip" };
    const before = process.memoryUsage().arrayBuffers;
    expect(await deliver(bomb, encoded)).toBe(401);
    expect(await deliver(bomb, { ...encoded, "x-hub-signature-256": signature(bomb) })).toBe(400);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * MEBIBYTE);
    expect(hints).toEqual([]);
  });

  test("of 25 MB is refused when it is announced, before any of it is sent", async () => {
    const client = await connect();
    await client.send(head({ "content-length": 25 * MEBIBYTE, "x-hub-signature-256": signature(push) }));
    await client.until(/^HTTP\/1\.1 413 /);
    await client.closed;
    await serves("after");
  });

  test("without end is cut off, whatever it announces", async () => {
    const client = await connect();
    await client.send(head({ "transfer-encoding": "chunked" }));
    const piece = Buffer.alloc(256 * 1024, "x");
    const chunk = Buffer.concat([
      Buffer.from(`${piece.byteLength.toString(16)}\r\n`),
      piece,
      Buffer.from("\r\n"),
    ]);
    let over = false;
    void client.closed.then(() => (over = true));
    while (!over) await client.send(chunk);
    expect(client.received()).toMatch(/^(HTTP\/1\.1 413 |$)/);
    await serves("after");
  });

  test("that is shorter than announced waits for nobody: it ends with the time for a request", async () => {
    const client = await connect();
    await client.send(head({ "content-length": push.length + 10, "x-hub-signature-256": signature(push) }));
    await client.send(push);
    await serves("meanwhile");
    await client.closed;
    expect(client.received()).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(hints).toHaveLength(1);
  });

  test("in many hands at once costs no more than one budget; what is beyond is told to come later", async () => {
    const slow = await Promise.all(Array.from({ length: 8 }, () => connect()));
    const half = Buffer.alloc(MEBIBYTE / 2, "x");
    for (const client of slow) {
      await client.send(head({ "content-length": MEBIBYTE }));
      await client.send(half);
    }
    const refused = await Promise.any(slow.map((client) => client.until(/^HTTP\/1\.1 503 /)));
    expect(refused).toContain("503");
    for (const client of slow) client.end();
    await vi.waitFor(() => serves("after"));
  });
});

describe("a client", () => {
  test("that never finishes its headers is cut off, and others are served meanwhile", async () => {
    const client = await connect();
    await client.send("POST /webhooks/github HTTP/1.1\r\nhost: localhost\r\nx-a: ");
    await serves("meanwhile");
    await client.closed;
    expect(client.received()).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  test("that says nothing at all is cut off", async () => {
    const client = await connect();
    await client.closed;
    expect(client.received()).toMatch(/^(HTTP\/1\.1 408 |$)/);
  });

  test("with more connections than there may be gets no more, and is served when it lets go", async () => {
    const many = await Promise.all(Array.from({ length: 20 }, () => connect()));
    const beyond = await connect();
    await beyond.closed;
    expect(beyond.received()).toBe("");
    for (const client of many) client.end();
    await vi.waitFor(() => serves("after"));
  });

  test.each([
    ["two lengths", "content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"],
    ["a length and chunks", "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["a length that is no number", "content-length: 0x10\r\n\r\n"],
    ["a header without a name", ": x\r\n\r\n"],
    ["a header line that goes on in the next", "x-a: b\r\n c: d\r\n\r\n"],
    ["headers of 20 KiB", `x-a: ${"y".repeat(20_000)}\r\n\r\n`],
    ["two thousand headers", `${"x-a: y\r\n".repeat(2500)}\r\n`],
  ])("with %s is refused, and its connection ends", async (_name, rest) => {
    const client = await connect();
    await client.send(`POST /webhooks/github HTTP/1.1\r\nhost: localhost\r\n${rest}`);
    await client.closed;
    expect(client.received()).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    expect(client.received()).not.toMatch(/ 2\d\d /);
    expect(hints).toEqual([]);
  });

  test("that asks for anything else finds nothing", async () => {
    for (const target of [
      "/",
      "/metrics",
      "/webhooks/github/",
      "/webhooks/../metrics",
      "//webhooks/github",
      "/%77ebhooks/github",
      "http://169.254.169.254/webhooks/github?x",
      "*",
    ]) {
      const client = await connect();
      await client.send(`GET ${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
      await client.closed;
      expect(client.received(), target).toMatch(/^HTTP\/1\.1 40[04] /);
    }
  });
});

test("a delivery that is sent again under other ids is a hint each time, and no more", async () => {
  for (let index = 0; index < 20; index += 1) {
    const headers = { "x-hub-signature-256": signature(push), "x-github-delivery": `replay-${index}` };
    expect(await deliver(push, headers)).toBe(202);
  }
  expect(hints).toHaveLength(20);
  expect(new Set(hints.map(({ repositoryId }) => repositoryId))).toEqual(new Set([42]));
});
