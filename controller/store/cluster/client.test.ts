import { expect, test } from "vitest";
import type { Fetch } from "../../runtime/clock.ts";
import { ApiError } from "../resource-client.ts";
import { ClusterClient } from "./client.ts";

const TYPE = {
  group: "flaresmith.dev",
  version: "v1alpha1",
  kind: "Project",
  plural: "projects",
  namespaced: true,
};
const KEY = { namespace: "default", name: "shop" };

interface Asked {
  url: string;
  init: RequestInit | undefined;
}

function clientOf(answer: () => Response, token?: () => string) {
  const asked: Asked[] = [];
  const fetch: Fetch = (input, init) => {
    asked.push({ url: input instanceof Request ? input.url : input.toString(), init });
    return Promise.resolve(answer());
  };
  return {
    asked,
    client: new ClusterClient({
      server: "https://example.com/",
      fetch,
      ...(token === undefined ? {} : { token }),
    }),
  };
}

async function refusal(attempt: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

test("a Status keeps its reason, causes and details", async () => {
  const causes = [{ reason: "FieldValueInvalid", message: "no", field: "spec.x" }];
  const status = {
    kind: "Status",
    code: 422,
    reason: "Invalid",
    message: "wrong",
    details: { name: "shop", kind: "Project", group: "flaresmith.dev", causes, retryAfterSeconds: 3 },
  };
  const error = await refusal(clientOf(() => Response.json(status, { status: 422 })).client.get(TYPE, KEY));
  expect(error).toMatchObject({ code: 422, reason: "Invalid", message: "wrong", causes });
  expect(error.details).toEqual({
    name: "shop",
    kind: "Project",
    group: "flaresmith.dev",
    retryAfterSeconds: 3,
  });
});

test("what a proxy answers in between is an error of its own, and a 404 of it names no object", async () => {
  const error = await refusal(
    clientOf(() => new Response("<html>bad gateway", { status: 502 })).client.get(TYPE, KEY),
  );
  expect(error).toMatchObject({
    code: 502,
    reason: "Unknown",
    message: "the API server answered 502: <html>bad gateway",
  });
});

test("an object without a name or namespace is refused before it becomes a list", async () => {
  const { client, asked } = clientOf(() => Response.json({ items: [] }));
  expect(
    (await refusal(Promise.resolve().then(() => client.get(TYPE, { namespace: "default", name: "" })))).code,
  ).toBe(400);
  expect((await refusal(client.delete(TYPE, { name: "shop" }))).message).toContain("an empty namespace");
  expect(asked).toEqual([]);
});

test("names are escaped, options go into the query, the token is asked for each time", async () => {
  let count = 0;
  const { client, asked } = clientOf(
    () => Response.json({ metadata: {} }),
    () => `token-${(count += 1)}`,
  );
  await client.patchStatus(
    TYPE,
    { namespace: "a/b", name: "c?d" },
    { type: "merge", body: {} },
    { fieldManager: "m", dryRun: true },
  );
  await client.apply(
    TYPE,
    { apiVersion: "v1", kind: "Project", metadata: KEY },
    { fieldManager: "m", force: true },
  );
  expect(asked.map((one) => one.url)).toEqual([
    "https://example.com/apis/flaresmith.dev/v1alpha1/namespaces/a%2Fb/projects/c%3Fd/status?fieldManager=m&dryRun=All",
    "https://example.com/apis/flaresmith.dev/v1alpha1/namespaces/default/projects/shop?fieldManager=m&force=true",
  ]);
  expect(asked.map((one) => new Headers(one.init?.headers).get("authorization"))).toEqual([
    "Bearer token-1",
    "Bearer token-2",
  ]);
  expect(asked.map((one) => new Headers(one.init?.headers).get("content-type"))).toEqual([
    "application/merge-patch+json",
    "application/apply-patch+yaml",
  ]);
});

test("an ERROR event ends the watch with its refusal, and events of unknown types are passed over", async () => {
  const lines = [
    { type: "FUTURE", object: { metadata: {} } },
    { type: "BOOKMARK", object: { metadata: { resourceVersion: "7" } } },
    {
      type: "ERROR",
      object: { kind: "Status", code: 410, reason: "Expired", message: "too old resource version: 1 (5)" },
    },
  ];
  const { client } = clientOf(() => new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
  const events = client.watch(TYPE, { resourceVersion: "1" }, new AbortController().signal);
  expect((await events.next()).value).toEqual({ type: "BOOKMARK", resourceVersion: "7" });
  expect(await refusal(events.next())).toMatchObject({ code: 410, reason: "Expired" });
});

test("an answer that removed the object names it", async () => {
  const { client } = clientOf(() =>
    Response.json({ kind: "Status", status: "Success", details: { uid: "u" } }),
  );
  expect(await client.delete(TYPE, KEY)).toEqual({
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Project",
    metadata: { ...KEY, uid: "u" },
  });
});
