import { X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { systemClock, systemRandom } from "../runtime/adapters/system.ts";
import { virtualClock } from "../runtime/adapters/virtual.ts";
import { readKubeconfig } from "../store/cluster/kubeconfig.ts";
import { connectCluster } from "../store/cluster/connect.ts";
import { type ApiRequest, clusterTransport } from "../store/cluster/transport.ts";
import { builtinTypes, openEmbeddedStore, type EmbeddedStore } from "../store/embedded/index.ts";
import { serveApi, type ServedApi } from "./serve-api.ts";
import { servingCertificate } from "./tls.ts";

const namespaces = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
const DAY = 86_400_000;

interface Kubeconfig {
  clusters: { name: string; cluster: { server: string } }[];
  users: { name: string; user: { token: string } }[];
  contexts: { name: string; context: { cluster: string; user: string; namespace?: string } }[];
}

let directory: string;
/** Writes to the last store are never made. */
let stalled = false;
let store: EmbeddedStore;
const random = systemRandom();
const clock = systemClock();
const open: ServedApi[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flaresmith-serve-"));
  store = await openEmbeddedStore({ path: ":memory:", clock, random, types: builtinTypes });
});
afterEach(async () => {
  for (const api of open.splice(0)) await api.close();
  await store.close();
  await rm(directory, { recursive: true });
});

async function serve(options: { port?: number } = {}): Promise<ServedApi> {
  const api = await serveApi({ directory, store, clock, random, ...options });
  open.push(api);
  return api;
}

test("the kubeconfig alone is enough to talk to the server", async () => {
  const api = await serve();
  const { client, close } = connectCluster(await readKubeconfig(api.kubeconfig), { clock, random });
  expect((await client.list(namespaces)).items.map((item) => item.metadata.name)).toContain("default");
  await close();
});

test("every file in the data directory is its owner's alone", async () => {
  await serve();
  for (const name of await readdir(directory))
    expect((await stat(join(directory, name))).mode & 0o777, name).toBe(0o600);
});

test("token, port and certificate are the same after a restart", async () => {
  const first = await serve();
  const kubeconfig = await readFile(first.kubeconfig, "utf8");
  await first.close();
  open.length = 0;
  const second = await serve();
  expect(await readFile(second.kubeconfig, "utf8")).toBe(kubeconfig);
});

describe("what people put into the kubeconfig", () => {
  /** As `kubectl config set-context --current --namespace=shop` and `kind create cluster` leave it. */
  async function withMore(api: ServedApi): Promise<void> {
    const config = parse(await readFile(api.kubeconfig, "utf8")) as Kubeconfig;
    const [context] = config.contexts;
    if (context !== undefined) context.context.namespace = "shop";
    config.clusters.push({ name: "kind-dev", cluster: { server: "https://127.0.0.1:6443" } });
    config.users.push({ name: "kind-dev", user: { token: "kind-token" } });
    config.contexts.push({ name: "kind-dev", context: { cluster: "kind-dev", user: "kind-dev" } });
    await writeFile(api.kubeconfig, `# mine\n${stringify(config)}`);
  }
  async function restart(api: ServedApi): Promise<ServedApi> {
    await api.close();
    open.length = 0;
    return serve();
  }

  test("stays as it is when the server is where it was", async () => {
    const first = await serve();
    await withMore(first);
    const text = await readFile(first.kubeconfig, "utf8");
    const second = await restart(first);
    expect(await readFile(second.kubeconfig, "utf8")).toBe(text);
  });

  test("stays beside the server's new port", async () => {
    const first = await serve();
    await withMore(first);
    await first.close();
    open.length = 0;
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(first.port, "127.0.0.1", resolve));
    const second = await serve();
    await new Promise((resolve) => squatter.close(resolve));
    expect(second.port).not.toBe(first.port);
    expect(await readKubeconfig(second.kubeconfig)).toMatchObject({
      server: second.url,
      authority: second.authority,
      token: second.token,
      namespace: "shop",
    });
    expect(await readKubeconfig(second.kubeconfig, { context: "kind-dev" })).toMatchObject({
      server: "https://127.0.0.1:6443",
      token: "kind-token",
    });
    expect(await readFile(second.kubeconfig, "utf8")).toContain("# mine");
    expect((await stat(second.kubeconfig)).mode & 0o777).toBe(0o600);
  });

  test("current-context stays another cluster's, and the context that went is there again", async () => {
    const first = await serve();
    await withMore(first);
    const config = parse(await readFile(first.kubeconfig, "utf8")) as Kubeconfig;
    config.contexts.shift();
    await writeFile(first.kubeconfig, stringify({ ...config, "current-context": "kind-dev" }));
    const second = await restart(first);
    expect((await readKubeconfig(second.kubeconfig)).server).toBe("https://127.0.0.1:6443");
    const ours = await readKubeconfig(second.kubeconfig, { context: "flaresmith" });
    expect(ours).toMatchObject({ server: second.url, namespace: "default" });
  });

  test.each<[string, string]>([
    ["an empty file", ""],
    [
      "a file without entries",
      "apiVersion: v1\nkind: Config\nclusters: null\nusers: []\ncurrent-context: ''\n",
    ],
  ])("%s is filled in", async (_name, text) => {
    const first = await serve();
    await writeFile(first.kubeconfig, text);
    const second = await restart(first);
    expect(second.kubeconfigSetAside).toBeUndefined();
    expect((await readKubeconfig(second.kubeconfig)).server).toBe(second.url);
  });

  test.each<[string, string]>([
    ["torn", "clusters: [{name: flaresm"],
    ["no map", "- a list\n"],
    ["of other lists", "clusters: several\n"],
  ])("a file that is %s is set aside", async (_name, text) => {
    const first = await serve();
    await writeFile(first.kubeconfig, text);
    const second = await restart(first);
    expect((await readKubeconfig(second.kubeconfig)).server).toBe(second.url);
    expect(second.kubeconfigSetAside).toBe(`${first.kubeconfig}.old`);
    expect(await readFile(`${first.kubeconfig}.old`, "utf8")).toBe(text);
  });
});

test("when the remembered port is taken another one is used; a port asked for is insisted upon", async () => {
  const first = await serve();
  await first.close();
  open.length = 0;
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(first.port, "127.0.0.1", resolve));
  const second = await serve();
  expect(second.port).not.toBe(first.port);
  await expect(serve({ port: first.port })).rejects.toMatchObject({
    code: "REQUEST_INVALID",
    message: `port ${first.port} for the API is taken by another process`,
  });
  await new Promise((resolve) => squatter.close(resolve));
});

test("a request without the token gets 401, without the authority no connection", async () => {
  const api = await serve();
  const access = await readKubeconfig(api.kubeconfig);
  const transport = clusterTransport(access);
  const { signal } = new AbortController();
  const get = (path: string): ApiRequest => ({ method: "GET", url: `${api.url}${path}`, headers: {} });
  const answer = await transport.send(get("/api/v1/namespaces"), signal);
  expect(answer.status).toBe(401);
  expect(JSON.parse(await answer.body.text())).toMatchObject({
    kind: "Status",
    reason: "Unauthorized",
    code: 401,
  });
  expect((await transport.send(get("/readyz"), signal)).status).toBe(200);
  await transport.close();
  const stranger = clusterTransport({});
  await expect(stranger.send(get("/readyz"), signal)).rejects.toThrow();
  await stranger.close();
});

/** The certificate that a new connection is shown. */
function shownCertificate(api: ServedApi): Promise<X509Certificate | undefined> {
  return new Promise((resolve, reject) => {
    // The date is the injected clock's, and TLS goes by the real one.
    const socket = connect(
      { host: "127.0.0.1", port: api.port, servername: "localhost", rejectUnauthorized: false },
      () => {
        resolve(socket.getPeerX509Certificate());
        socket.destroy();
      },
    );
    socket.on("error", reject);
  });
}

test("the certificate is good for the loopback names and only for serving", async () => {
  const api = await serve();
  const peer = await shownCertificate(api);
  expect(peer?.verify(new X509Certificate(api.authority).publicKey)).toBe(true);
  expect(peer?.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(peer?.checkHost("localhost")).toBe("localhost");
  expect(peer?.ca).toBe(false);
});

describe("a server that runs for longer than its certificate is good", () => {
  async function serveForYears(onRenewalError: (error: unknown) => void = () => undefined) {
    const waiting = virtualClock();
    const api = await serveApi({ directory, store, clock: waiting, random, onRenewalError });
    open.push(api);
    const remainingDays = async (): Promise<number> => {
      const shown = await shownCertificate(api);
      expect(shown?.verify(new X509Certificate(api.authority).publicKey)).toBe(true);
      return (Date.parse(shown?.validTo ?? "") - waiting.now()) / DAY;
    };
    return { api, waiting, remainingDays };
  }

  test("shows another one a month before its end", async () => {
    const { api, waiting, remainingDays } = await serveForYears();
    expect(await remainingDays()).toBeCloseTo(365, 1);
    await waiting.advance(340 * DAY);
    await expect.poll(remainingDays).toBeGreaterThan(355);
    await api.close();
    open.length = 0;
    expect(waiting.pendingTimers).toBe(0);
  });

  test("writes the kubeconfig anew when the authority had to be replaced as well", async () => {
    const { api, waiting } = await serveForYears();
    const { authority } = api;
    await rm(join(directory, "ca.crt"));
    await waiting.advance(DAY);
    await expect.poll(() => api.authority).not.toBe(authority);
    const access = await readKubeconfig(api.kubeconfig);
    expect(access).toMatchObject({ server: api.url, authority: api.authority, token: api.token });
    const shown = await shownCertificate(api);
    expect(shown?.verify(new X509Certificate(api.authority).publicKey)).toBe(true);
  });

  test("says when it cannot keep another one, and tries again the next day", async () => {
    const errors: unknown[] = [];
    const { waiting, remainingDays } = await serveForYears((error) => errors.push(error));
    const inTheWay = join(directory, "server.key.partial");
    await mkdir(inTheWay);
    waiting.setWall(waiting.now() + 335 * DAY);
    await waiting.advance(DAY);
    await expect.poll(() => errors).toEqual([expect.objectContaining({ code: "EISDIR" })]);
    expect(await remainingDays()).toBeCloseTo(29, 1);
    await rmdir(inTheWay);
    await waiting.advance(DAY);
    await expect.poll(remainingDays).toBeGreaterThan(364);
  });
});

test("certificates are renewed a month before their end, and replaced when damaged; the authority stays", async () => {
  const at = (now: number) => servingCertificate({ directory, random, clock: { ...clock, now: () => now } });
  const start = Date.UTC(2026, 0, 1);
  const first = await at(start);
  expect((await at(start + 300 * DAY)).certificate).toBe(first.certificate);
  const renewed = await at(start + 340 * DAY);
  expect(renewed.certificate).not.toBe(first.certificate);
  expect(renewed.authority).toBe(first.authority);
  await writeFile(join(directory, "server.crt"), "torn");
  const repaired = await at(start + 340 * DAY);
  expect(
    new X509Certificate(repaired.certificate).verify(new X509Certificate(first.authority).publicKey),
  ).toBe(true);
});

test("closing ends open watches", async () => {
  const api = await serve();
  const { client, close } = connectCluster(await readKubeconfig(api.kubeconfig), { clock, random });
  const stop = new AbortController();
  const events = client.watch(namespaces, {}, stop.signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toMatchObject({ type: "ADDED" });
  await api.close();
  open.length = 0;
  const drained = (async () => {
    while ((await events.next()).done !== true);
  })();
  await drained.catch(() => undefined);
  expect(store.statistics.watches).toBe(0);
  await close();
});

test("a write that is being made when the server stops is answered, and a watch ends in order", async () => {
  const held: (() => void)[] = [];
  let holding = false;
  const slow = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: builtinTypes,
    defer: (callback) => (holding ? void held.push(callback) : queueMicrotask(callback)),
  });
  const api = await serveApi({ directory, store: slow, clock, random });
  const { client, close } = connectCluster(await readKubeconfig(api.kubeconfig), { clock, random });
  const watching = (async () => {
    const seen: string[] = [];
    for await (const event of client.watch(namespaces, {}, new AbortController().signal))
      if (event.type === "ADDED") seen.push(event.object.metadata.name);
    return seen;
  })();
  holding = true;
  const made = client.create(namespaces, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "made-meanwhile" },
  });
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const closing = api.close();
  expect(await watching, "ended by the server, not broken off").toContain("default");
  holding = false;
  for (const callback of held.splice(0)) callback();
  expect(await made).toMatchObject({ metadata: { name: "made-meanwhile" } });
  await closing;
  await close();
  await slow.close();
});

test("a request that does not end holds the stop no longer than its grace", async () => {
  const waiting = virtualClock();
  const stuck = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: builtinTypes,
    defer: (callback) => (stalled ? undefined : queueMicrotask(callback)),
  });
  stalled = true;
  const api = await serveApi({ directory, store: stuck, clock: waiting, random });
  const { client, close } = connectCluster(await readKubeconfig(api.kubeconfig), { clock, random });
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "never" } };
  const making = client.create(namespaces, object).catch((error: unknown) => error);
  while (api.requests === 0) await new Promise((resolve) => setImmediate(resolve));
  const closing = api.close();
  await waiting.advance(60_000);
  await closing;
  expect(await making).toMatchObject({ code: 503 });
  await close();
});
