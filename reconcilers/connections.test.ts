/** Connections of one identity share what the provider counts together, and not what one of them may not see. */
import { describe, expect, it } from "vitest";
import type { ConnectionSpec } from "../crds/connection.ts";
import { seededRandom, virtualClock } from "../controller/runtime/adapters/virtual.ts";
import { FlaresmithError } from "../controller/runtime/errors.ts";
import { createProviderTime } from "../controller/runtime/provider-time.ts";
import { createTracker } from "../controller/runtime/tracker.ts";
import { createConnectionRegistry } from "./connections.ts";
import type { ConnectionRegistry, ConnectionTransport, ResolvedConnection } from "./connections.ts";
import { transports } from "./controllers.ts";
import type { ConnectionObject } from "./objects.ts";

const clock = virtualClock(0);
const plainTransport = (): ConnectionTransport => ({
  fetch: () => Promise.reject(new Error("no network")),
  breaker: () => "Closed",
  throttledUntil: () => undefined,
  release: () => undefined,
});
const connection = (name: string, share?: number): ConnectionObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Connection",
  metadata: { name, namespace: "default" },
  spec: {
    provider: "GitHub",
    account: "acme",
    credentials: { secretRef: { name } },
    ...(share === undefined ? {} : { budget: { share } }),
  } as ConnectionSpec,
});

/** Every token belongs to one and the same user. @param transport makes what they send through @param identity what the provider says of a token */
function registry(
  secrets: Record<string, Record<string, string>>,
  transport: Parameters<typeof createConnectionRegistry>[0]["transport"] = plainTransport,
  identity = () => Promise.resolve({ key: "user:1", name: "ada", account: "acme" }),
): ConnectionRegistry {
  const opener = {
    provider: "github",
    open: () =>
      Promise.resolve({
        client: {},
        credential: "token",
        identity,
      }),
  };
  return createConnectionRegistry({
    reader: {
      get: () => undefined,
      ofProject: () => [],
      usingRepository: () => [],
      secret: ({ name }) => Promise.resolve(secrets[name]),
    },
    openers: { GitHub: opener, Neon: opener, Cloudflare: opener },
    transport,
    secret: () => undefined,
    clock,
    time: { now: () => clock.now(), isKnown: true, heard: () => undefined },
  });
}

describe("what is asked before it is known whose the credentials are", () => {
  const { signal } = new AbortController();
  const held = (identity: () => Promise<{ key: string; name: string; account: string }>) => {
    const probes = new Set<string>();
    const connections = registry(
      { one: { token: "wide" } },
      ({ connection: key, identity: known }) => {
        if (known !== undefined) return plainTransport();
        probes.add(key);
        return { ...plainTransport(), release: () => void probes.delete(key) };
      },
      identity,
    );
    return { connections, probes };
  };

  it("leaves nothing behind, whether the provider says it or not", async () => {
    const known = held(() => Promise.resolve({ key: "user:1", name: "ada", account: "acme" }));
    await known.connections.open(connection("one"), signal);
    expect([...known.probes]).toEqual([]);
    const refused = held(() => Promise.reject(new Error("no answer")));
    await refused.connections.open(connection("one"), signal).catch(() => undefined);
    expect([...refused.probes]).toEqual([]);
  });
});

describe("a Connection that somebody wants looked at", () => {
  const { signal } = new AbortController();
  const ada = { key: "user:1", name: "ada", account: "acme" };
  const answering = (...answers: (() => Promise<typeof ada>)[]) => {
    let asked = 0;
    const identity = (): Promise<typeof ada> => {
      asked += 1;
      return (answers[asked - 1] ?? (() => Promise.resolve(ada)))();
    };
    return {
      connections: registry({ one: { token: "wide" } }, plainTransport, identity),
      asked: () => asked,
    };
  };
  const refusal = () =>
    Promise.reject(new FlaresmithError({ code: "INTEGRATION_CREDENTIALS_INVALID", message: "no" }));
  const outage = () =>
    Promise.reject(new FlaresmithError({ code: "INTEGRATION_UNAVAILABLE", message: "down" }));

  it("is asked about again, also right after a refusal", async () => {
    const { asked, connections } = answering(refusal);
    await expect(connections.open(connection("one"), signal)).rejects.toThrow("no");
    await expect(connections.open(connection("one"), signal)).rejects.toThrow("no");
    expect(asked()).toBe(1);
    expect((await connections.openAnew(connection("one"), signal)).identity).toEqual(ada);
    await connections.open(connection("one"), signal);
    expect(asked()).toBe(2);
  });

  it("serves others as before while the provider does not answer", async () => {
    const { connections } = answering(() => Promise.resolve(ada), outage);
    const before = await connections.open(connection("one"), signal);
    await expect(connections.openAnew(connection("one"), signal)).rejects.toThrow("down");
    expect(await connections.open(connection("one"), signal)).toBe(before);
  });
});

describe("two Connections of one user", () => {
  const { signal } = new AbortController();

  it("with one token share observations", async () => {
    const connections = registry({ one: { token: "wide" }, two: { token: "wide" } });
    const one = await connections.open(connection("one"), signal);
    const two = await connections.open(connection("two"), signal);
    expect(two.handle.source).toBe(one.handle.source);
  });

  it("with a wide and a narrow token never share a listing", async () => {
    const connections = registry({ one: { token: "wide" }, two: { token: "narrow" } });
    const one = await connections.open(connection("one"), signal);
    const two = await connections.open(connection("two"), signal);
    expect(two.handle.source).not.toBe(one.handle.source);
  });

  it("forget what was observed with a token once it was replaced by a narrower one", async () => {
    const secrets = { one: { token: "wide" } };
    const connections = registry(secrets);
    const before = await connections.open(connection("one"), signal);
    secrets.one = { token: "narrow" };
    const after = await connections.open(connection("one"), signal);
    expect(after.handle.source).not.toBe(before.handle.source);
    secrets.one = { token: "wide" };
    const again = await connections.open(connection("one"), signal);
    expect(again.handle.source).not.toBe(before.handle.source);
  });

  it("leave others what the more modest one says, as long as there is one that says so", async () => {
    // Of 100 requests an hour 60 are left: enough for a share of a half, not for one of a twentieth.
    const fetch = (): Promise<Response> =>
      Promise.resolve(
        new Response("{}", {
          headers: {
            "content-type": "application/json",
            "x-ratelimit-limit": "100",
            "x-ratelimit-remaining": "60",
            "x-ratelimit-reset": "3600",
            "x-ratelimit-resource": "core",
          },
        }),
      );
    const isHeldBack = async (...shares: [string, number][]): Promise<boolean> => {
      const tracker = createTracker({ clock });
      const time = createProviderTime(clock);
      const connections = registry(
        { one: { token: "wide" }, two: { token: "wide" } },
        transports({ clock, fetch, random: seededRandom(), time, tracker }),
      );
      let last: ResolvedConnection | undefined;
      for (const [name, share] of shares) {
        if (share === 0) connections.forget(`default/${name}`);
        else last = await connections.open(connection(name, share), signal);
      }
      await last?.transport.fetch("https://api.github.com/user");
      return last?.transport.throttledUntil() !== undefined;
    };
    expect(await isHeldBack(["one", 0.5])).toBe(false);
    expect(await isHeldBack(["one", 0.05])).toBe(true);
    expect(await isHeldBack(["one", 0.5], ["one", 0.05])).toBe(true);
    expect(await isHeldBack(["two", 0.05], ["one", 0.5])).toBe(true);
    expect(await isHeldBack(["two", 0.05], ["two", 0], ["one", 0.5])).toBe(false);
  });
});
