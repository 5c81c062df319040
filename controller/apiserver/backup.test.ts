import { expect, test } from "vitest";
import { seededRandom, virtualClock } from "../runtime/adapters/virtual.ts";
import { builtinTypes, openEmbeddedStore } from "../store/embedded/index.ts";
import { configMapType } from "../store/embedded/builtin/config-map.ts";
import { createApiServer } from "./api-server.ts";

async function server(objects: number) {
  const clock = virtualClock();
  const random = seededRandom();
  const store = await openEmbeddedStore({ path: ":memory:", clock, random, types: builtinTypes });
  for (let index = 0; index < objects; index += 1) {
    await store.create(configMapType.type, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `map-${index}`, namespace: "default" },
      data: { text: "ü\u2028\n".repeat(1_000) },
    });
  }
  const pauses = { count: 0 };
  const app = createApiServer({
    store,
    clock,
    random,
    tokens: [{ token: "right", username: "u", groups: [] }],
    yieldToLoop: () => {
      pauses.count += 1;
      return Promise.resolve();
    },
  });
  const ask = (token: string): Response | Promise<Response> =>
    app.request("https://127.0.0.1/backup", { headers: { authorization: `Bearer ${token}` } });
  return { ask, pauses, store };
}

test("the content of the store is for those with the token alone", async () => {
  const { ask } = await server(1);
  expect((await ask("wrong")).status).toBe(401);
  expect((await ask("right")).status).toBe(200);
});

test("it is of one moment, whole, and leaves others their turn", async () => {
  const { ask, pauses, store } = await server(100);
  const response = await ask("right");
  // What changes while it is being read does not show.
  await store.delete(configMapType.type, { namespace: "default", name: "map-99" });
  const [header, ...rows] = (await response.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(header).toEqual({ revision: Number(store.revision) - 1, rows: rows.length });
  const maps = rows.filter(({ typeKey }) => typeKey === "/configmaps");
  expect(maps).toHaveLength(100);
  expect(JSON.parse(String(maps[99]?.["text"]))).toMatchObject({
    data: { text: expect.stringContaining("ü\u2028\n") },
  });
  expect(pauses.count).toBeGreaterThan(3);
});
