import { expect, test } from "vitest";
import { seededRandom, virtualClock } from "../runtime/adapters/virtual.ts";
import { builtinTypes, openEmbeddedStore } from "../store/embedded/index.ts";
import { createApiServer } from "./api-server.ts";

const MAPS = "https://127.0.0.1/api/v1/namespaces/default/configmaps";

test("what is being written is bounded together: who comes too much is asked to come again, and loses nothing", async () => {
  const clock = virtualClock();
  const random = seededRandom();
  const held: (() => void)[] = [];
  let holding = false;
  const store = await openEmbeddedStore({
    path: ":memory:",
    clock,
    random,
    types: builtinTypes,
    defer: (callback) => (holding ? void held.push(callback) : queueMicrotask(callback)),
  });
  const app = createApiServer({
    store,
    clock,
    random,
    tokens: [{ token: "right", username: "u", groups: [] }],
  });
  const post = async (name: string): Promise<Response> => {
    const body = JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name },
      data: { text: "x".repeat(1_000_000) },
    });
    const headers = {
      authorization: "Bearer right",
      "content-type": "application/json",
      "content-length": String(body.length),
    };
    return app.request(MAPS, { method: "POST", headers, body });
  };
  holding = true;
  const answers = Array.from({ length: 60 }, (_, index) => post(`map-${index}`));
  const settled = new Set<Promise<Response>>();
  for (const answer of answers) void answer.then(() => settled.add(answer));
  while (held.length === 0 || settled.size < 20) await new Promise((resolve) => setImmediate(resolve));
  // Reading goes on meanwhile.
  const list = await app.request(MAPS, { headers: { authorization: "Bearer right" } });
  expect(list.status).toBe(200);
  holding = false;
  for (const callback of held.splice(0)) callback();
  const all = await Promise.all(answers);
  const made = all.filter(({ status }) => status === 201);
  const refused = all.filter(({ status }) => status === 429);
  expect(made.length + refused.length).toBe(60);
  expect(made.length).toBeGreaterThan(30);
  expect(refused.length).toBeGreaterThan(15);
  expect(refused[0]?.headers.get("retry-after")).toBe("1");
  expect(await refused[0]?.json()).toMatchObject({ reason: "TooManyRequests", code: 429 });
  for (const [index, response] of all.entries())
    if (response.status === 429) expect((await post(`map-${index}`)).status).toBe(201);
  expect(
    (
      await store.list(
        store.definition({
          group: "",
          version: "v1",
          kind: "ConfigMap",
          plural: "configmaps",
          namespaced: true,
        }).type,
      )
    ).items,
  ).toHaveLength(60);
});
