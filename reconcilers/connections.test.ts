/** Connections of one identity share what the provider counts together, and not what one of them may not see. */
import { describe, expect, it } from "vitest";
import type { ConnectionSpec } from "../crds/connection.ts";
import { createConnectionRegistry } from "./connections.ts";
import type { ConnectionRegistry } from "./connections.ts";
import type { ConnectionObject } from "./objects.ts";

const clock = {
  now: () => 0,
  monotonic: () => 0,
  setTimer: () => ({ cancel: () => undefined }),
  sleep: () => Promise.resolve(),
};
const connection = (name: string): ConnectionObject => ({
  apiVersion: "flaresmith.dev/v1alpha1",
  kind: "Connection",
  metadata: { name, namespace: "default" },
  spec: { provider: "GitHub", account: "acme", credentials: { secretRef: { name } } } as ConnectionSpec,
});

/** Every token belongs to one and the same user. */
function registry(secrets: Record<string, Record<string, string>>): ConnectionRegistry {
  const opener = {
    provider: "github",
    open: () =>
      Promise.resolve({
        client: {},
        credential: "token",
        identity: () => Promise.resolve({ key: "user:1", name: "ada", account: "acme" }),
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
    transport: () => ({
      fetch: () => Promise.reject(new Error("no network")),
      breaker: () => "Closed",
      throttledUntil: () => undefined,
    }),
    secret: () => undefined,
    clock,
    time: { now: () => clock.now(), isKnown: true, heard: () => undefined },
  });
}

describe("two Connections of one user", () => {
  const { signal } = new AbortController();

  it("with one token share transport and observations", async () => {
    const connections = registry({ one: { token: "wide" }, two: { token: "wide" } });
    const one = await connections.open(connection("one"), signal);
    const two = await connections.open(connection("two"), signal);
    expect(two.transport).toBe(one.transport);
    expect(two.handle.source).toBe(one.handle.source);
  });

  it("with a wide and a narrow token share the transport, and never a listing", async () => {
    const connections = registry({ one: { token: "wide" }, two: { token: "narrow" } });
    const one = await connections.open(connection("one"), signal);
    const two = await connections.open(connection("two"), signal);
    expect(two.transport).toBe(one.transport);
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
});
