/** The client over real TLS, against the embedded API server: connections, trust, proxies, cut connections. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serveApi, type ServedApi } from "../../apiserver/serve-api.ts";
import { systemClock, systemRandom } from "../../runtime/adapters/system.ts";
import { builtinTypes, openEmbeddedStore, type EmbeddedStore } from "../embedded/index.ts";
import type { ApiError } from "../resource-client.ts";
import type { ClusterAccess } from "./access.ts";
import { connectCluster, type ConnectedCluster, type ConnectOptions } from "./connect.ts";
import { readKubeconfig } from "./kubeconfig.ts";

const namespaces = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
const configMaps = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
const clock = systemClock();
const random = systemRandom();

let directory: string;
let store: EmbeddedStore;
let api: ServedApi;
const closing: (() => Promise<unknown> | void)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flaresmith-connect-"));
  store = await openEmbeddedStore({ path: ":memory:", clock, random, types: builtinTypes });
  api = await serveApi({ directory, store, clock, random });
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await api.close();
  await store.close();
  await rm(directory, { recursive: true });
});

function open(access: ClusterAccess, options: Partial<ConnectOptions> = {}): ConnectedCluster["client"] {
  const { client, close } = connectCluster(access, { clock, random, ...options });
  closing.push(close);
  return client;
}

interface Relay {
  port: number;
  /** Sockets that were opened through it. */
  opened: Socket[];
  /** First lines that clients sent, where it speaks HTTP. */
  lines: string[];
  /** Nothing passes any more, in either direction, on connections that are open now. */
  silence(): void;
}

/** Something between client and server that counts connections. @param greet reads a CONNECT first, as an HTTP proxy does */
async function relay(greet = false): Promise<Relay> {
  const opened: Socket[] = [];
  const lines: string[] = [];
  const mute = new Set<Socket>();
  const server: Server = createServer((near) => {
    opened.push(near);
    const far = connect(api.port, "127.0.0.1");
    const pass = (from: Socket, to: Socket): void => {
      from.on("data", (chunk: Buffer) => void (mute.has(near) || to.write(chunk)));
      from.on("close", () => to.destroy());
      from.on("error", () => to.destroy());
    };
    pass(far, near);
    if (!greet) pass(near, far);
    else {
      near.once("data", (chunk: Buffer) => {
        lines.push(chunk.toString().split("\r\n", 1)[0] ?? "");
        near.write("HTTP/1.1 200 Connection established\r\n\r\n");
        pass(near, far);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    for (const socket of opened) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    port: (server.address() as AddressInfo).port,
    opened,
    lines,
    silence: () => {
      for (const socket of opened) mute.add(socket);
    },
  };
}

test("500 reads in a row use one or two connections, 500 at once no more than the pool has", async () => {
  const between = await relay();
  const access = await readKubeconfig(api.kubeconfig);
  const client = open({ ...access, server: `https://127.0.0.1:${between.port}` });
  for (let count = 0; count < 500; count++) await client.get(namespaces, { name: "default" });
  // undici may find the connection not quite idle when the answer is read.
  expect(between.opened.length).toBeLessThanOrEqual(2);
  await Promise.all(Array.from({ length: 500 }, () => client.get(namespaces, { name: "default" })));
  expect(between.opened.length).toBeLessThanOrEqual(32);
});

test("a connection that silently died costs one deadline and is not used again", async () => {
  const between = await relay();
  const access = await readKubeconfig(api.kubeconfig);
  const client = open({ ...access, server: `https://127.0.0.1:${between.port}` }, { deadline: 200 });
  const read = (): Promise<number> =>
    client.get(namespaces, { name: "default" }).then(
      () => 200,
      (error: unknown) => (error as ApiError).code,
    );
  await read();
  await read();
  const dead = between.opened.length;
  between.silence();
  const codes: number[] = [];
  do codes.push(await read());
  while (codes.at(-1) !== 200 && codes.length <= dead);
  expect(codes.at(-1)).toBe(200);
  expect(new Set(codes.slice(0, -1)).difference(new Set([504]))).toEqual(new Set());
});

test("an http proxy is gone through, and the server's certificate still checked", async () => {
  const proxy = await relay(true);
  const access = await readKubeconfig(api.kubeconfig);
  const through = { ...access, proxy: `http://127.0.0.1:${proxy.port}` };
  expect((await open(through).get(namespaces, { name: "default" })).metadata.name).toBe("default");
  expect(proxy.lines).toEqual([`CONNECT 127.0.0.1:${api.port} HTTP/1.1`]);
  const { authority: _, ...strangers } = through;
  await expect(open(strangers).get(namespaces, { name: "default" })).rejects.toThrow(
    "no answer from the API server",
  );
});

test("trust: the named authority, another name, or none when told so", async () => {
  const { authority, ...access } = await readKubeconfig(api.kubeconfig);
  const read = (more: Partial<ClusterAccess>): Promise<unknown> =>
    open({ ...access, ...more }).get(namespaces, { name: "default" });
  await expect(read({})).rejects.toMatchObject({ code: 503, unsent: true });
  const known = { authority: authority ?? "" };
  await expect(read({ ...known, serverName: "api.example.com" })).rejects.toThrow(
    "ERR_TLS_CERT_ALTNAME_INVALID",
  );
  await read({ ...known, serverName: "localhost" });
  await read({ skipVerification: true });
});

test("an authority in a file that is rewritten is trusted by the next connection", async () => {
  const { authority = "", ...access } = await readKubeconfig(api.kubeconfig);
  const file = join(directory, "ca.crt");
  const [before = ""] = rootCertificates;
  await writeFile(file, before);
  const client = open({ ...access, authority: before, files: { authority: file } });
  const read = (): Promise<unknown> => client.get(namespaces, { name: "default" });
  await expect(read()).rejects.toMatchObject({ code: 503, unsent: true });
  await writeFile(file, "-----BEGIN CERTIFICATE-----\nhalf of");
  await expect(read()).rejects.toMatchObject({ code: 503 });
  await writeFile(file, authority);
  await read();
  await rm(file);
  await Promise.all(Array.from({ length: 10 }, read));
});

test("nobody there is said with the address, the cause, and whether anything was sent", async () => {
  const nobody = await relay();
  const access = { ...(await readKubeconfig(api.kubeconfig)), server: `https://127.0.0.1:${nobody.port}` };
  await closing.pop()?.();
  await expect(open(access).get(namespaces, { name: "default" })).rejects.toThrow(
    `no answer from the API server at ${access.server}: connect ECONNREFUSED 127.0.0.1:${nobody.port} (ECONNREFUSED)`,
  );
});

test("credentials do not leave over plain http, but for this machine", async () => {
  const access = { namespace: "default", token: "secret" };
  for (const server of ["http://10.0.0.1", "http://127.evil.com", "http://127.0.0.1.evil.com"]) {
    expect(() => connectCluster({ ...access, server }, { clock, random })).toThrow(
      `${server} is plain http: credentials are sent over https only`,
    );
  }
  for (const server of ["http://127.0.0.1:1", "http://127.8.8.8:1", "http://localhost:1", "http://[::1]:1"])
    open({ ...access, server });
});

test("a watch whose connection is cut ends with an error, so that nobody waits on it", async () => {
  const between = await relay();
  const access = await readKubeconfig(api.kubeconfig);
  const client = open({ ...access, server: `https://127.0.0.1:${between.port}` });
  const events = client.watch(namespaces, {}, new AbortController().signal);
  expect((await events.next()).value).toMatchObject({ type: "ADDED" });
  for (const socket of between.opened) socket.destroy();
  const rest = (async () => {
    while ((await events.next()).done !== true);
  })();
  await expect(rest).rejects.toMatchObject({ code: 503, reason: "ServiceUnavailable" });
});

test("events hold what objects hold: line separators of Unicode end no line", async () => {
  const client = open(await readKubeconfig(api.kubeconfig));
  const { resourceVersion } = await client.list(configMaps);
  const stop = new AbortController();
  const events = client.watch(configMaps, { resourceVersion }, stop.signal);
  const data = { text: "a\u2028b\u2029c\nd" };
  await client.create(configMaps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a", namespace: "default" },
    data,
  });
  expect((await events.next()).value).toMatchObject({ type: "ADDED", object: { data } });
  stop.abort();
  expect((await events.next()).done).toBe(true);
});
