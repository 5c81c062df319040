/** How a call to the API server fares: what is repeated and what is not, how long it may take, what is counted and told. */
import { describe, expect, test } from "vitest";
import { virtualClock } from "../../runtime/adapters/virtual.ts";
import { ApiError, type KubernetesObject } from "../resource-client.ts";
import { ApiUnreachableError } from "./api-error.ts";
import type { ApiAttempt } from "./connection.ts";
import { tokenFromFile } from "./credentials.ts";
import type { Credentials } from "./credentials.ts";
import { scripted } from "./testing/scripted-server.ts";
import type { Answer, ScriptedServer } from "./testing/scripted-server.ts";

const TYPE = {
  group: "flaresmith.dev",
  version: "v1alpha1",
  kind: "Project",
  plural: "projects",
  namespaced: true,
};
const KEY = { namespace: "default", name: "shop" };
const OBJECT: KubernetesObject = { apiVersion: "flaresmith.dev/v1alpha1", kind: "Project", metadata: KEY };
const FOUND: Answer = { body: OBJECT };
const refused = (code: string): Error => Object.assign(new Error("socket"), { code });
const status = (code: number, headers: Record<string, string> = {}): Answer => ({
  status: code,
  headers,
  body: { kind: "Status", code, message: `answer ${code}` },
});

/** Lets virtual time pass until the call has ended. @returns its error, if any, and how long it took */
async function outcome(
  { clock }: ScriptedServer,
  call: Promise<unknown>,
): Promise<{ error: unknown; took: number }> {
  const began = clock.monotonic();
  let end: { error: unknown; took: number } | undefined;
  void call.then(
    () => (end = { error: undefined, took: clock.monotonic() - began }),
    (error: unknown) => (end = { error, took: clock.monotonic() - began }),
  );
  for (let waited = 0; end === undefined && waited < 600; waited++) await clock.advance(250);
  if (end === undefined) throw new Error("the call did not end");
  return end;
}

const read = ({ client }: ScriptedServer): Promise<unknown> => client.get(TYPE, KEY);
const write = ({ client }: ScriptedServer): Promise<unknown> => client.create(TYPE, OBJECT);

describe("what is repeated", () => {
  for (const [what, first, isRead, attempts] of [
    ["a read that the server broke off", refused("ECONNRESET"), true, 2],
    ["a write that the server broke off: it may have been done", refused("ECONNRESET"), false, 1],
    ["a read that was refused a connection", refused("ECONNREFUSED"), true, 2],
    ["a write that was refused a connection: it never left", refused("ECONNREFUSED"), false, 2],
    ["a read that meets a server that starts", status(503), true, 2],
    ["a write that meets a server that starts", status(503), false, 1],
    ["a read that fails inside the server", status(500), true, 2],
    ["a write that fails inside the server", status(500), false, 1],
    ["a read in the queue of priority and fairness", status(429, { "retry-after": "1" }), true, 2],
    ["a write there: 429 comes before anything is done", status(429, { "retry-after": "1" }), false, 2],
    ["a refusal", status(403), true, 1],
    ["a conflict", status(409), false, 1],
  ] as const) {
    test(`${what}: ${attempts === 1 ? "no" : "yes"}`, async () => {
      const server = scripted([first, FOUND]);
      const { error } = await outcome(server, isRead ? read(server) : write(server));
      expect(server.asked).toHaveLength(attempts);
      expect(error === undefined).toBe(attempts === 2);
    });
  }

  test("three attempts in all, within a few seconds: the queue's back-off is longer", async () => {
    const server = scripted([refused("ECONNREFUSED")]);
    const { error, took } = await outcome(server, read(server));
    expect(server.asked).toHaveLength(3);
    expect(error).toBeInstanceOf(ApiUnreachableError);
    expect(error).toMatchObject({ code: 503, reason: "ServiceUnavailable", unsent: true });
    expect((error as Error).message).toBe(
      "no answer from the API server at https://example.com: socket (ECONNREFUSED)",
    );
    expect(took).toBeLessThan(4_000);
  });

  test("Retry-After is waited for when it is short", async () => {
    const server = scripted([status(429, { "retry-after": "2" }), FOUND]);
    const { error, took } = await outcome(server, write(server));
    expect(error).toBeUndefined();
    expect(took).toBeGreaterThanOrEqual(2_000);
  });

  test("a longer one is handed to whoever asked, so that no worker sleeps over it", async () => {
    const server = scripted([status(429, { "retry-after": "30" }), FOUND]);
    const { error, took } = await outcome(server, write(server));
    expect(error).toMatchObject({ code: 429, details: { retryAfterSeconds: 30 } });
    expect(took).toBeLessThan(1_000);
    expect(server.asked).toHaveLength(1);
  });
});

describe("how long a call may take", () => {
  test("a read that is never answered ends at its deadline, once", async () => {
    const server = scripted([undefined], { deadline: 5_000 });
    const { error, took } = await outcome(server, read(server));
    expect(error).toMatchObject({ code: 504, reason: "Timeout", unsent: false });
    expect(took).toBe(5_000);
    expect(server.asked).toHaveLength(1);
  });

  test("the caller's signal ends it with the caller's reason", async () => {
    const server = scripted([undefined]);
    const stop = new AbortController();
    const call = server.client.get(TYPE, KEY, stop.signal);
    await server.clock.settle();
    stop.abort(new Error("enough"));
    expect((await outcome(server, call)).error).toMatchObject({ message: "enough" });
    expect(server.clock.pendingTimers).toBe(0);
  });

  test("a watch has a deadline for the beginning of its answer, and none for its length", async () => {
    const silent = scripted([undefined], { deadline: 5_000 });
    const stop = new AbortController();
    const opening = silent.client.watch(TYPE, {}, stop.signal).next();
    expect((await outcome(silent, opening)).error).toMatchObject({ code: 504 });
    const open = scripted([{ body: `{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n` }]);
    const events = open.client.watch(TYPE, {}, stop.signal);
    expect((await events.next()).value).toMatchObject({ type: "ADDED" });
    expect(open.clock.pendingTimers).toBe(0);
  });
});

describe("who asks", () => {
  const fromFile = (read: () => Promise<string>): Credentials =>
    tokenFromFile({ path: "/there/token", clock: virtualClock(), read });
  const bearers = ({ asked }: ScriptedServer): unknown[] =>
    asked.map(({ headers }) => headers["authorization"]);

  test("a token that the server refuses is read again at once, and the call with it", async () => {
    let text = "old";
    const credentials = fromFile(() => Promise.resolve(text));
    const server = scripted([FOUND, status(401), FOUND], { credentials });
    await read(server);
    text = "new";
    await write(server);
    expect(bearers(server)).toEqual(["Bearer old", "Bearer old", "Bearer new"]);
  });

  test("a token that is refused and has no successor is refused to the caller", async () => {
    const server = scripted([status(401)], { credentials: fromFile(() => Promise.resolve("old")) });
    expect((await outcome(server, read(server))).error).toMatchObject({ code: 401 });
    expect(server.asked).toHaveLength(1);
  });

  test("credentials that cannot be read are an Unauthorized that says why", async () => {
    const credentials = fromFile(() => Promise.reject(new Error("ENOENT: /there/token")));
    const server = scripted([FOUND], { credentials });
    const { error } = await outcome(server, read(server));
    expect(error).toBeInstanceOf(ApiError);
    expect((error as Error).message).toBe(
      "there are no credentials for https://example.com: ENOENT: /there/token",
    );
    expect(server.asked).toEqual([]);
  });
});

test("every attempt is counted by method, code and host", async () => {
  const attempts: ApiAttempt[] = [];
  const server = scripted([refused("ECONNRESET"), status(503), FOUND], {
    onAttempt: (attempt) => void attempts.push(attempt),
  });
  await outcome(server, read(server));
  expect(attempts).toEqual([
    { method: "GET", code: "<error>", host: "example.com" },
    { method: "GET", code: "503", host: "example.com" },
    { method: "GET", code: "200", host: "example.com" },
  ]);
});

test("what the server warns of is told once", async () => {
  const told: string[] = [];
  const warning = ['299 - "v1beta1 is \\"old\\"", 299 - "unknown field"', '299 - "third"'];
  const server = scripted([{ ...FOUND, headers: { warning } }], {
    onWarning: (text) => void told.push(text),
  });
  await read(server);
  await read(server);
  expect(told).toEqual(['v1beta1 is "old"', "unknown field", "third"]);
});

describe("a 404", () => {
  test("in the API's own words is about the object", async () => {
    const body = { kind: "Status", code: 404, reason: "NotFound", message: 'projects "shop" not found' };
    const server = scripted([{ status: 404, body }]);
    const { error } = await outcome(server, read(server));
    expect(error).toMatchObject({ code: 404, reason: "NotFound", message: 'projects "shop" not found' });
    expect(server.asked).toHaveLength(1);
  });

  for (const [who, body] of [
    ["a load balancer whose backends are away", "default backend - 404"],
    ["an API server that does not serve the kind yet", "404 page not found\n"],
    ["a gateway that speaks JSON", { error: "no route" }],
  ] as const) {
    test(`of ${who} says nothing about the object`, async () => {
      const server = scripted([{ status: 404, body }]);
      const { error } = await outcome(server, read(server));
      expect(error).toMatchObject({ code: 503, reason: "ServiceUnavailable" });
      const quoted = typeof body === "string" ? body.trim() : JSON.stringify(body);
      expect((error as Error).message).toBe(
        `what answered is no Kubernetes API, or one that does not serve this kind: 404: ${quoted}`,
      );
    });
  }
});

test("nobody waits longer than a minute because Retry-After says so", async () => {
  const named = { kind: "Status", code: 429, message: "later", details: { retryAfterSeconds: 86_400 } };
  for (const answer of [
    status(503, { "retry-after": "86400" }),
    { status: 503, headers: { "retry-after": "86400" }, body: "<html>" },
    { status: 429, body: named },
  ]) {
    const server = scripted([answer]);
    const { error } = await outcome(server, write(server));
    expect(error).toMatchObject({ details: { retryAfterSeconds: 60 } });
  }
});

test("an answer that is no JSON is a refusal that quotes it", async () => {
  const server = scripted([{ body: "<html>Sign in to the proxy</html>" }]);
  expect((await outcome(server, write(server))).error).toMatchObject({
    code: 502,
    message: "the API server answered 502: <html>Sign in to the proxy</html>",
  });
});
