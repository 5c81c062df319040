/** `flaresmith controller`, started as a cluster starts it, over the Kubernetes-shaped API and the local providers. */
import { createHmac } from "node:crypto";
import { EventEmitter } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { kinds, resourceType } from "../../../crds/index.ts";
import { systemClock as sandboxClock } from "../../../sandbox/core/adapters/system.ts";
import { createSandbox } from "../../../sandbox/sandbox.ts";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { serveApi } from "../../apiserver/serve-api.ts";
import type { ServedApi } from "../../apiserver/serve-api.ts";
import { keepAlive } from "../../runtime/adapters/keep-alive.ts";
import { systemClock, systemRandom } from "../../runtime/adapters/system.ts";
import { leaseType } from "../../runtime/leader-election.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../../store/embedded/index.ts";
import type { EmbeddedStore } from "../../store/embedded/index.ts";
import type { KubernetesObject } from "../../store/resource-client.ts";
import type { CommandEnvironment } from "../environment.ts";
import { runCommandLine } from "../program.ts";
import { configMapType, secretType } from "../types.ts";

const clock = systemClock();
const random = systemRandom();
const release = keepAlive();
const NAMESPACE = "flaresmith-system";

let directory: string;
let store: EmbeddedStore;
let api: ServedApi;
let sandbox: Sandbox;
/** `list secrets` and so on, as they reach the store. */
let reads: string[];
const started: Process[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flaresmith-controller-"));
  store = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: [...builtinTypes, ...kinds.map((kind) => kindType(kind))],
  });
  reads = [];
  const listened: Record<string, string> = { listText: "list", watchText: "watch" };
  const observed = new Proxy(store, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function") return value;
      return (...parameters: unknown[]): unknown => {
        const verb = listened[String(property)];
        if (verb !== undefined) reads.push(`${verb} ${(parameters[0] as { plural: string }).plural}`);
        return Reflect.apply(value as (...all: unknown[]) => unknown, target, parameters);
      };
    },
  });
  api = await serveApi({ directory, store: observed, clock, random });
  sandbox = createSandbox({ context: { clock: sandboxClock() } });
});
afterEach(async () => {
  for (const one of started.splice(0)) await one.stop();
  await api.close();
  await store.close();
  await rm(directory, { recursive: true });
});

interface Process {
  /** Answers of the ops listener. */
  get(path: string, headers?: Record<string, string>): Promise<{ status: number; body: string }>;
  webhooks: string;
  /** Standard error: log lines, and what the command failed with. */
  readonly log: string;
  ended: Promise<number>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number>;
}

/** Starts the command; resolves when it says that it runs. */
async function start(
  args: readonly string[] = ["--installation", "acme"],
  env: Record<string, string> = {},
): Promise<Process> {
  const signals = new EventEmitter();
  const written = { out: "", err: "" };
  const running = Promise.withResolvers<{ ops: string; webhooks: string }>();
  const environment: CommandEnvironment = {
    terminal: {
      line: (text) => {
        written.out += `${text}\n`;
        running.resolve(JSON.parse(text) as { ops: string; webhooks: string });
      },
      error: (text) => void (written.err += `${text}\n`),
      raw: (text) => void (written.out += text),
      interactive: false,
      columns: 120,
    },
    clock,
    random,
    // Providers are the sandbox; other replicas are on this machine.
    fetch: (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      return url.startsWith("http://127.0.0.1") ? fetch(input, init) : sandbox.fetch(input, init);
    },
    env: { KUBECONFIG: api.kubeconfig, ...env },
    signals,
    ask: undefined,
    exit: () => undefined,
    version: "0.0.0-test",
  };
  const ended = runCommandLine(
    [
      "controller",
      "-o",
      "json",
      "--ops-address",
      "127.0.0.1:0",
      "--webhooks-address",
      "127.0.0.1:0",
      ...args,
    ],
    environment,
  );
  void ended.then(() => running.reject(new Error(written.err)));
  const { ops, webhooks } = await running.promise;
  const process: Process = {
    get: async (path, headers = {}) => {
      const response = await fetch(`${ops}${path}`, { headers });
      return { status: response.status, body: await response.text() };
    },
    webhooks,
    get log() {
      return written.err;
    },
    ended,
    stop: async () => {
      signals.emit("SIGTERM", "SIGTERM");
      return ended;
    },
  };
  started.push(process);
  return process;
}

const until = (check: () => Promise<void> | void, timeout = 20_000): Promise<void> =>
  vi.waitFor(check, { timeout, interval: 50 });
const typeOf = (name: string) => {
  const kind = kinds.find((one) => one.kind === name);
  if (kind === undefined) throw new Error(name);
  return resourceType(kind);
};
const make = (kind: string, name: string, spec: Record<string, unknown>): Promise<KubernetesObject> =>
  store.create(typeOf(kind), {
    apiVersion: "flaresmith.dev/v1alpha1",
    kind,
    metadata: { name, namespace: "default" },
    spec,
  });
const ready = async (
  kind: string,
  name: string,
): Promise<{ status: string; reason: string; message: string }> => {
  const object = await store.get(typeOf(kind), { namespace: "default", name });
  const { conditions = [] } = (object["status"] ?? {}) as {
    conditions?: { type: string; status: string; reason: string; message: string }[];
  };
  return conditions.find(({ type }) => type === "Ready") ?? { status: "", reason: "", message: "" };
};

async function connectGitHub(): Promise<void> {
  await store.create<KubernetesObject>(secretType, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "github", namespace: "default" },
    stringData: { token: sandbox.seed.github.token, webhookSecret: "hook-secret" },
  });
  await make("Connection", "github", {
    provider: "GitHub",
    endpoint: sandbox.urls.github,
    account: sandbox.seed.github.owner,
    credentials: { secretRef: { name: "github" } },
  });
}

test("it reconciles, says who it is, keeps Secrets out of listings and ends in order", async () => {
  await connectGitHub();
  await make("Project", "shop", { github: { connectionRef: { name: "github" }, repository: "shop" } });
  await make("Source", "platform", { git: { url: "https://git.example/platform.git" }, suspend: true });
  const one = await start();
  await until(async () => expect(await ready("Project", "shop")).toMatchObject({ status: "True" }));
  const { repositories } = sandbox.github.state() as {
    repositories: { name: string; description: string | null }[];
  };
  expect(repositories.filter(({ name }) => name === "shop")).toHaveLength(1);
  expect(await one.get("/readyz")).toEqual({
    status: 200,
    body: "[+]caches ok\n[+]definitions ok\nreadyz check passed\n",
  });
  const metrics = (await one.get("/metrics")).body;
  expect(metrics).toContain('leader_election_master_status{name="flaresmith-controller"} 1');
  const calls = metrics.split("\n").filter((line) => line.startsWith("rest_client_requests_total{"));
  expect(calls.some((line) => line.includes('code="200"') && line.includes('method="GET"'))).toBe(true);
  const counted = metrics.split("\n").filter((line) => line.startsWith("flaresmith_resource_info{"));
  for (const kind of ["Connection", "Source", "Project"])
    expect(
      counted.some((line) => line.includes(`kind="${kind}"`)),
      kind,
    ).toBe(true);
  expect(metrics, "the store is the cluster's").not.toContain("flaresmith_store_writable");
  const installation = { namespace: NAMESPACE, name: "flaresmith-installation" };
  expect((await store.get(configMapType, installation))["data"]).toEqual({ id: "acme", world: "providers" });
  expect(reads.filter((read) => read.endsWith("secrets"))).toEqual([]);
  expect(await one.stop()).toBe(0);
  const lease = await store.get(leaseType, { namespace: NAMESPACE, name: "flaresmith-controller" });
  expect(lease["spec"]).toMatchObject({ holderIdentity: "", leaseTransitions: 0 });
  expect(one.log).not.toContain(api.token);
  expect(one.log).not.toContain("hook-secret");
});

test("of two one leads, and a webhook that reaches the other is acted upon all the same", async () => {
  await connectGitHub();
  await make("Project", "shop", { github: { connectionRef: { name: "github" }, repository: "shop" } });
  const leader = await start(["--installation", "acme"], { POD_IP: "127.0.0.1", POD_NAME: "one" });
  await until(async () => expect(await ready("Project", "shop")).toMatchObject({ status: "True" }));
  const standby = await start([], { POD_IP: "127.0.0.1", POD_NAME: "two" });
  await until(async () => {
    expect((await standby.get("/readyz")).status).toBe(200);
    expect(standby.log).toContain("another process leads");
  });
  expect((await standby.get("/metrics")).body).toContain(
    'leader_election_master_status{name="flaresmith-controller"} 0',
  );
  const reconciled = async (of: Process): Promise<number> =>
    Number(
      /reconcile_total\{controller="project",result="success"\} (\d+)/.exec(
        (await of.get("/metrics")).body,
      )?.[1] ?? 0,
    );
  const before = await reconciled(leader);
  const body = JSON.stringify({ repository: { id: 0, full_name: "acme/shop" } });
  const response = await fetch(`${standby.webhooks}/webhooks/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-event": "push",
      "x-github-delivery": "d-1",
      "x-hub-signature-256": `sha256=${createHmac("sha256", "hook-secret").update(body).digest("hex")}`,
    },
    body,
  });
  expect(response.status).toBe(202);
  await until(async () => expect(await reconciled(leader)).toBeGreaterThan(before));
  expect(await reconciled(standby)).toBe(0);
  // The standby has been ready all the time: what is made now is made by it.
  expect(await leader.stop()).toBe(0);
  await make("Project", "blog", { github: { connectionRef: { name: "github" }, repository: "blog" } });
  await until(async () => expect(await ready("Project", "blog")).toMatchObject({ status: "True" }));
  expect(await reconciled(standby)).toBeGreaterThan(0);
}, 40_000);

test("when the lease is taken away it stops at once and ends with 1, saying why", async () => {
  const one = await start();
  const key = { namespace: NAMESPACE, name: "flaresmith-controller" };
  await until(async () => expect((await store.get(leaseType, key))["spec"]).toBeDefined());
  await store.patch(leaseType, key, { type: "merge", body: { spec: { holderIdentity: "somebody" } } });
  expect(await one.ended).toBe(1);
  expect(one.log).toContain(`the lease ${NAMESPACE}/flaresmith-controller is lost: another process leads`);
  expect((await store.get(leaseType, key))["spec"]).toMatchObject({ holderIdentity: "somebody" });
});

describe("Sources", () => {
  test("a directory and file:// are refused: what lies on a node is nobody's desired state", async () => {
    await make("Source", "directory", { directory: "/etc" });
    await make("Source", "file", { git: { url: "file:///srv/platform.git" } });
    await start();
    for (const name of ["directory", "file"]) {
      await until(async () => expect(await ready("Source", name)).toMatchObject({ status: "False" }));
      expect((await ready("Source", name)).message).toContain("--allow-directory");
    }
  });
});

describe("what it refuses to start with", () => {
  const failing = async (args: readonly string[], env: Record<string, string> = {}): Promise<string> => {
    const error: unknown = await start(args, env).catch((thrown: unknown) => thrown);
    return error instanceof Error ? error.message : "it started";
  };

  test("a new cluster without an installation id", async () => {
    expect(await failing([])).toMatch(
      /namespace flaresmith-system of https:\/\/127\.0\.0\.1:\d+ is new and has no installation id/,
    );
  });

  test("another installation's namespace", async () => {
    const first = await start();
    await first.stop();
    expect(await failing(["--installation", "other"])).toContain(
      "belongs to installation acme, not to other",
    );
    const beside = await start(["--installation", "other", "--controller-namespace", "other-system"]);
    expect((await beside.get("/healthz")).status).toBe(200);
  });

  test("no cluster at all", async () => {
    expect(await failing([], { KUBECONFIG: "", HOME: directory })).toContain(
      "there is no cluster: this process runs in no pod, and no kubeconfig was found",
    );
    expect(await failing([], { KUBECONFIG: join(directory, "missing") })).toContain(
      "cannot be read as a kubeconfig",
    );
  });
});

test("the namespace restriction leaves the others' objects alone", async () => {
  const namespaces = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };
  await store.create(namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } });
  await connectGitHub();
  await start(["--installation", "acme", "--namespace", "team"]);
  await until(() => expect(reads.filter((read) => read === "watch connections").length).toBeGreaterThan(0));
  expect(await ready("Connection", "github")).toMatchObject({ status: "" });
});

release();
