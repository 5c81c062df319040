import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { kinds } from "../../crds/index.ts";
import { seededRandom, virtualClock } from "../runtime/adapters/virtual.ts";
import { readLines } from "../store/cluster/lines.ts";
import { builtinTypes, kindType, openEmbeddedStore } from "../store/embedded/index.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { createApiServer } from "./api-server.ts";

const TYPE = {
  group: "flaresmith.dev",
  version: "v1alpha1",
  kind: "Project",
  plural: "projects",
  namespaced: true,
};
const PATH = "https://127.0.0.1/apis/flaresmith.dev/v1alpha1/namespaces/default/projects";
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

interface Event {
  type: string;
  object: Record<string, unknown> & {
    metadata: Record<string, unknown>;
    columnDefinitions?: unknown;
    rows?: { cells: unknown[] }[];
  };
}

async function setUp(options: { logCapacity?: number } = {}) {
  const failures: { error: unknown; path: string }[] = [];
  const clock = virtualClock();
  const random = seededRandom();
  const store = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: [...builtinTypes, ...kinds.map(kindType)],
    ...options,
  });
  const ending = new AbortController();
  const app = createApiServer({
    store,
    clock,
    random,
    tokens: [{ token: "t", username: "u", groups: [] }],
    ending: ending.signal,
    onError: (error, { path }) => failures.push({ error, path }),
  });
  const open = async (query: string, accept = "application/json") => {
    const stop = new AbortController();
    const response = await app.request(`${PATH}?watch=true&${query}`, {
      headers: { authorization: "Bearer t", accept },
      signal: stop.signal,
    });
    const lines = readLines(response.body as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    const next = async (): Promise<Event | undefined> => {
      const line = await lines.next();
      return line.done === true ? undefined : (JSON.parse(line.value) as Event);
    };
    return { response, next, stop };
  };
  const project = (name: string, description = ""): KubernetesObject => ({
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Project",
    metadata: { name, namespace: "default" },
    spec: { github: { connectionRef: { name: "github" }, repository: name, description } },
  });
  const create = (name: string, description?: string) => store.create(TYPE, project(name, description));
  return { clock, store, ending, open, create, failures };
}

test("a watch without a revision starts with what exists and goes on with what changes", async () => {
  const { open, create, store } = await setUp();
  await create("a");
  const { next, stop } = await open("");
  expect(await next()).toMatchObject({ type: "ADDED", object: { kind: "Project", metadata: { name: "a" } } });
  await create("b");
  expect(await next()).toMatchObject({ type: "ADDED", object: { metadata: { name: "b" } } });
  await store.delete(TYPE, { namespace: "default", name: "a" });
  expect(await next()).toMatchObject({ type: "DELETED", object: { metadata: { name: "a" } } });
  stop.abort();
  expect(await next()).toBeUndefined();
});

test("sendInitialEvents ends the list with a marked bookmark", async () => {
  const { open, create } = await setUp();
  await create("a");
  const { next } = await open(
    "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
  );
  expect((await next())?.type).toBe("ADDED");
  expect(await next()).toMatchObject({
    type: "BOOKMARK",
    object: { kind: "Project", metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
  });
});

test("a table names its columns in the first event only", async () => {
  const { open, create } = await setUp();
  await create("a");
  const { next } = await open("", TABLE);
  const first = await next();
  expect(first?.object.columnDefinitions).toBeInstanceOf(Array);
  expect(first?.object.rows?.[0]?.cells[0]).toBe("a");
  await create("b");
  expect((await next())?.object.columnDefinitions).toBeNull();
});

test("a revision that is forgotten is an ERROR event with 410, then the end", async () => {
  const { open, create } = await setUp({ logCapacity: 4 });
  const first = await create("a");
  for (let index = 0; index < 8; index += 1) await create(`b${index}`);
  const { response, next } = await open(`resourceVersion=${first.metadata.resourceVersion ?? ""}`);
  expect(response.status).toBe(200);
  expect(await next()).toMatchObject({
    type: "ERROR",
    object: {
      kind: "Status",
      code: 410,
      reason: "Expired",
      message: expect.stringMatching(/^too old resource version: \d+ \(\d+\)$/),
    },
  });
  expect(await next()).toBeUndefined();
});

test("a client that falls behind the log is dropped with 410 and costs no memory meanwhile", async () => {
  const { open, create, store } = await setUp({ logCapacity: 4 });
  const { next } = await open(`resourceVersion=${store.revision}`);
  for (let index = 0; index < 32; index += 1) await create(`b${index}`);
  let event = await next();
  while (event?.type === "ADDED") event = await next();
  expect(event).toMatchObject({ type: "ERROR", object: { code: 410 } });
  expect(await next()).toBeUndefined();
  expect(store.statistics.watches).toBe(0);
});

test("a client that never reads is disconnected", async () => {
  const clock = virtualClock();
  const random = seededRandom();
  const store = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: [...builtinTypes, ...kinds.map(kindType)],
  });
  const app = createApiServer({ store, clock, random, tokens: [{ token: "t", username: "u", groups: [] }] });
  let isDestroyed = false;
  const namespaces = `https://127.0.0.1/api/v1/namespaces?watch=true`;
  const response = await app.fetch(new Request(namespaces, { headers: { authorization: "Bearer t" } }), {
    outgoing: { destroy: () => (isDestroyed = true) },
  });
  const reader = response.body?.getReader();
  await reader?.read();
  await clock.advance(61_000);
  expect(isDestroyed).toBe(true);
});

test("timeoutSeconds ends the watch", async () => {
  const { clock, open, store } = await setUp();
  const { next } = await open("timeoutSeconds=5");
  const end = next();
  await clock.advance(5000);
  expect(await end).toBeUndefined();
  expect(store.statistics.watches).toBe(0);
});

test("timeoutSeconds=0 is as if it were not given", async () => {
  const { clock, open, create } = await setUp();
  const { next } = await open("timeoutSeconds=0");
  const first = next();
  await clock.advance(29 * 60_000);
  await create("a");
  expect(await first).toMatchObject({ type: "ADDED", object: { metadata: { name: "a" } } });
  const end = next();
  await clock.advance(31 * 60_000);
  expect(await end).toBeUndefined();
});

test("line separators inside of an object do not break the line", async () => {
  const { open, create } = await setUp();
  await create("a", "one\u2028two");
  const { response } = await open("");
  const reader = response.body?.getReader();
  const chunk = await reader?.read();
  const text = new TextDecoder().decode(chunk?.value as Uint8Array);
  expect(text).toContain("one\\u2028two");
  expect(text).not.toContain("\u2028");
});

test("a selector that cannot be parsed is refused at once", async () => {
  const { open } = await setUp();
  const { response } = await open("labelSelector=a%20b");
  expect(response.status).toBe(400);
});

test("watches that are refused leave nothing behind: no timer, and nothing that waits for the server's end", async () => {
  const { clock, ending, open } = await setUp();
  const timers = clock.pendingTimers;
  for (let index = 0; index < 10; index += 1)
    expect((await open("labelSelector=a%20b")).response.status).toBe(400);
  expect(clock.pendingTimers).toBe(timers);
  expect(getEventListeners(ending.signal, "abort")).toEqual([]);
});

test("a client that goes away while an event is unread leaves no watch behind, nor a timer, nor a listener", async () => {
  const { clock, create, ending, open, store } = await setUp();
  const timers = clock.pendingTimers;
  for (const name of ["a", "b", "c"]) await create(name);
  for (let index = 0; index < 5; index += 1) {
    const { response } = await open("");
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    const { next, stop } = await open("");
    await next();
    stop.abort();
    // Nobody reads on, so nothing asks for the end.
    await (await open("")).response.body?.cancel();
    const waiting = await open(`resourceVersion=${store.revision}`);
    const last = waiting.next();
    waiting.stop.abort();
    expect(await last).toBeUndefined();
  }
  expect(store.statistics.watches).toBe(0);
  expect(clock.pendingTimers).toBe(timers);
  expect(getEventListeners(ending.signal, "abort")).toEqual([]);
});

test("a client that stops reading is let go of by the store as well", async () => {
  const { clock, create, open, store } = await setUp();
  for (const name of ["a", "b", "c"]) await create(name);
  const { next } = await open("");
  await next();
  expect(store.statistics.watches).toBe(1);
  await clock.advance(61_000);
  expect(store.statistics.watches).toBe(0);
});

test("what breaks a running watch is an ERROR event without its cause, which goes to the log", async () => {
  const { create, failures, open, store } = await setUp();
  await create("a");
  const cause = new Error("the index is inconsistent");
  const watchText = store.watchText.bind(store);
  store.watchText = async function* (...args) {
    for await (const event of watchText(...args)) {
      yield event;
      throw cause;
    }
  };
  const { next } = await open("");
  expect(await next()).toMatchObject({ type: "ADDED" });
  const event = await next();
  expect(event).toMatchObject({ type: "ERROR", object: { code: 500, reason: "InternalError" } });
  expect(JSON.stringify(event)).not.toContain("inconsistent");
  expect(await next()).toBeUndefined();
  expect(failures).toEqual([{ error: cause, path: new URL(PATH).pathname }]);
});

test("a watch that falls behind is no failure for the log", async () => {
  const { create, failures, open, store } = await setUp({ logCapacity: 4 });
  const { next } = await open(`resourceVersion=${store.revision}`);
  for (let index = 0; index < 32; index += 1) await create(`b${index}`);
  while ((await next()) !== undefined);
  expect(failures).toEqual([]);
});
