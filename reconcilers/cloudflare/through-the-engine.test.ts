import { expect, test } from "vitest";
import { account, testBench, token } from "../../sandbox/cloudflare/testing.ts";
import { seededRandom, virtualClock } from "../../controller/runtime/adapters/virtual.ts";
import type { Fetch } from "../../controller/runtime/clock.ts";
import { createProviderIdentities } from "../../controller/runtime/provider-identity.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { createTracker } from "../../controller/runtime/tracker.ts";
import { createTransport } from "../../controller/runtime/transport.ts";
import { converge } from "../engine/converge.ts";
import { input, resource } from "../engine/graph.ts";
import type { ConnectionHandle, GraphNode } from "../engine/graph.ts";
import { createObjectMemory } from "../engine/memory.ts";
import { createObservationSource } from "../engine/observation-source.ts";
import { witnessKey } from "../engine/witness.ts";
import type { InventoryEntry } from "../engine/resource.ts";
import { removeEntries } from "../engine/remove.ts";
import {
  createCloudflareClient,
  domains,
  kvNamespace,
  preview,
  r2Bucket,
  routes,
  schedules,
  worker,
  workerName,
  workerSubdomain,
} from "./index.ts";
import type { CloudflareClient } from "./index.ts";
import { moduleBundle } from "./test-context.ts";
import type { WorkerBinding } from "./types.ts";

const definitions = [domains, kvNamespace, preview, r2Bucket, routes, schedules, worker, workerSubdomain];
const secret = secretValues("key");

/** Three environments of one project with everything that Cloudflare has for them, and a preview. */
function nodesOf(connection: ConnectionHandle<CloudflareClient>): GraphNode[] {
  const environments = ["dev", "staging", "prod"].flatMap((environment): GraphNode[] => {
    const scriptName = workerName("shop", "api", environment);
    const slot = (name: string): string => `${name}/${environment}`;
    const common = { connection, key: environment, removal: "Delete" as const };
    const parent = { slot: slot("worker") };
    return [
      resource({
        ...common,
        slot: slot("kv"),
        definition: kvNamespace,
        desired: () => ({ accountId: account, title: `shop-cache-${environment}` }),
      }),
      resource({
        ...common,
        slot: slot("r2"),
        definition: r2Bucket,
        desired: () => ({ accountId: account, name: `shop-media-${environment}` }),
      }),
      resource({
        ...common,
        slot: slot("worker"),
        definition: worker,
        needs: [slot("kv"), slot("r2")],
        desired: (inputs) => ({
          accountId: account,
          scriptName,
          bundle: moduleBundle(),
          vars: { ENVIRONMENT: environment },
          secrets: { KEY: secret("s3cret") },
          bindings: [
            { name: "CACHE", type: "kv_namespace", target: input<string>(inputs, slot("kv"), "id") },
            { name: "MEDIA", type: "r2_bucket", target: input<string>(inputs, slot("r2"), "name") },
          ] satisfies WorkerBinding[],
          bindingsPolicy: "Preserve" as const,
          revision: "a".repeat(40),
        }),
      }),
      resource({
        ...common,
        slot: slot("dev"),
        parent,
        definition: workerSubdomain,
        desired: () => ({ accountId: account, scriptName, enabled: true, previewsEnabled: true }),
      }),
      resource({
        ...common,
        slot: slot("crons"),
        parent,
        definition: schedules,
        desired: () => ({ accountId: account, scriptName, crons: ["0 * * * *"] }),
      }),
      resource({
        ...common,
        slot: slot("routes"),
        parent,
        definition: routes,
        desired: () => ({
          accountId: account,
          scriptName,
          routes: [{ pattern: `acme.example/${environment}/*`, zone: "acme.example" }],
        }),
      }),
      resource({
        ...common,
        slot: slot("domains"),
        parent,
        definition: domains,
        desired: () => ({
          accountId: account,
          scriptName,
          domains: [{ hostname: `${environment}.acme.example`, zone: "acme.example" }],
        }),
      }),
    ];
  });
  return [
    ...environments,
    resource({
      connection,
      key: "preview",
      removal: "Delete",
      slot: "preview",
      definition: preview,
      needs: ["worker/dev"],
      desired: (inputs) => ({
        accountId: account,
        workerName: input<string>(inputs, "worker/dev", "scriptName"),
        previewName: "feature-x",
        bundle: moduleBundle(),
        vars: {},
        secrets: {},
        bindings: [],
        revision: "b".repeat(40),
      }),
    }),
  ];
}

function setUp(options: Parameters<typeof testBench>[0] = {}) {
  const bench = testBench(options);
  const clock = virtualClock();
  const random = seededRandom();
  const tracker = createTracker({ clock });
  const identity = createProviderIdentities({ clock, tracker }).of({
    provider: "cloudflare",
    identity: "token",
    connection: "default/cf",
    share: 1,
  });
  const network: Fetch = (given, init) => bench.cloudflare.fetch(new Request(given, init));
  const fetch = createTransport({
    provider: "cloudflare",
    connection: "default/cf",
    identity,
    fetch: network,
    clock,
    random,
    tracker,
  });
  const client = createCloudflareClient({
    endpoint: "http://localhost/client/v4",
    apiToken: token,
    accountId: account,
    fetch,
    clock,
  });
  const connection: ConnectionHandle<CloudflareClient> = {
    key: "default/cf",
    provider: "cloudflare",
    account,
    client,
    source: createObservationSource(clock),
    witnessKey: witnessKey("credential"),
  };
  const state = { inventory: new Map<string, InventoryEntry>(), memory: createObjectMemory() };
  const marker = { installation: "test", namespace: "default", kind: "Project", name: "shop" };
  const consents = { adopt: new Set<string>(), confirm: new Set<string>(), gone: new Set<string>() };
  const engineTracker = { event: () => undefined, drift: () => undefined, state: () => undefined };
  const signal = new AbortController().signal;
  /** Lets time pass for as long as a pass waits for it, such as for intents that gather. */
  const driven = async <Result>(work: Promise<Result>): Promise<Result> => {
    let done = false;
    const watched = work.finally(() => {
      done = true;
    });
    watched.catch(() => undefined);
    for (let step = 0; step < 5000 && !done; step += 1) await clock.advance(10);
    return watched;
  };
  const pass = async (nodes: GraphNode[], freshness = 60_000) => {
    await clock.advance(20_000);
    bench.context.clock.advance(20_000);
    const before = bench.context.journal.since(0).length;
    const results = await driven(
      converge({
        nodes,
        ...state,
        marker,
        consents,
        drift: "Correct",
        freshness,
        deepInterval: 3_600_000,
        requested: false,
        trust: 0,
        persist: () => Promise.resolve(),
        confirm: () => Promise.resolve(),
        clock,
        random,
        tracker: engineTracker,
        signal,
      }),
    );
    const requests = bench.context.journal.since(0).slice(before);
    const errors = results.flatMap((result) =>
      result.status === "failed" ? [`${result.slot}: ${result.error.message}`] : [],
    );
    return { results, errors, requests, changes: requests.filter((request) => request.changed).length };
  };
  const settle = async (nodes: GraphNode[]) => {
    for (let round = 0; round < 12; round += 1) {
      const { errors, results } = await pass(nodes, 1);
      expect(errors).toEqual([]);
      if (results.every((result) => result.status === "ready")) return;
    }
    throw new Error("it does not settle");
  };
  const remove = async () => {
    await clock.advance(20_000);
    return driven(
      removeEntries({
        entries: [...state.inventory.values()],
        ...state,
        marker,
        consents,
        why: "test",
        definition: (entry) =>
          definitions.find((one) => one.type === entry.type) as GraphNode["definition"] as never,
        connect: () => Promise.resolve(connection),
        orphan: () => Promise.resolve(),
        ending: true,
        persist: () => Promise.resolve(),
        confirm: () => Promise.resolve(),
        clock,
        tracker: engineTracker,
        signal,
      }),
    );
  };
  return { ...bench, connection, state, pass, settle, remove };
}

test("everything converges through engine and transport; then a pass changes nothing and costs one list of each kind", async () => {
  const { connection, pass, settle } = setUp();
  const nodes = nodesOf(connection);
  await settle(nodes);
  const quiet = await pass(nodes, 1);
  expect(quiet.changes).toBe(0);
  expect(quiet.results.every((result) => result.status === "ready")).toBe(true);
  const paths = quiet.requests
    .map((request) => request.path.replace("/client/v4", "").replace(account, "ACCOUNT").replace(/\?.*/, ""))
    .toSorted();
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths).toEqual([
    "/accounts/ACCOUNT/r2/buckets",
    "/accounts/ACCOUNT/storage/kv/namespaces",
    "/accounts/ACCOUNT/workers/domains",
    "/accounts/ACCOUNT/workers/scripts",
    "/accounts/ACCOUNT/workers/workers/shop-api-dev/previews",
    expect.stringMatching(/^\/zones\/.*\/workers\/routes$/) as string,
  ]);
});

test("with memory and inventory lost, everything is recognised and nothing is written", async () => {
  const { connection, pass, settle, state } = setUp();
  const nodes = nodesOf(connection);
  await settle(nodes);
  state.inventory.clear();
  state.memory.slots.clear();
  const again = await pass(nodes, 1);
  expect(again.errors).toEqual([]);
  expect(again.changes).toBe(0);
});

test("every lost answer ends in exactly one of everything", async () => {
  const { connection, pass, settle, context, call } = setUp();
  const nodes = nodesOf(connection);
  context.faults.add({
    provider: "cloudflare",
    method: "POST",
    when: "after",
    drop: true,
    times: 0,
    probability: 0.5,
  });
  context.faults.add({
    provider: "cloudflare",
    method: "PUT",
    when: "after",
    drop: true,
    times: 0,
    probability: 0.5,
  });
  for (let round = 0; round < 6; round += 1) await pass(nodes, 1);
  context.faults.clear();
  await settle(nodes);
  expect((await call<unknown[]>("GET", `/accounts/${account}/workers/scripts`)).result).toHaveLength(3);
  expect((await call<unknown[]>("GET", `/accounts/${account}/storage/kv/namespaces`)).result).toHaveLength(3);
  expect(
    (await call<{ buckets: unknown[] }>("GET", `/accounts/${account}/r2/buckets`)).result.buckets,
  ).toHaveLength(3);
  expect((await call<unknown[]>("GET", `/accounts/${account}/workers/domains`)).result).toHaveLength(3);
});

test("deletion takes everything that is ours and ends", async () => {
  const { connection, settle, remove, state, cloudflare, upload } = setUp();
  await upload("theirs");
  await settle(nodesOf(connection));
  for (let round = 0; round < 60 && state.inventory.size > 0; round += 1) {
    const failed = (await remove()).flatMap((result) => (result.status === "failed" ? [result.message] : []));
    expect(failed).toEqual([]);
  }
  expect(state.inventory.size).toBe(0);
  expect(JSON.stringify(cloudflare.state())).not.toContain("shop-");
  expect(JSON.stringify(cloudflare.state())).toContain("theirs");
});
