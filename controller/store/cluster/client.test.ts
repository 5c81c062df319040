import { expect, test } from "vitest";
import { ApiError } from "../resource-client.ts";
import { scripted } from "./testing/scripted-server.ts";

const TYPE = {
  group: "flaresmith.dev",
  version: "v1alpha1",
  kind: "Project",
  plural: "projects",
  namespaced: true,
};
const KEY = { namespace: "default", name: "shop" };

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
  const error = await refusal(scripted([{ status: 422, body: status }]).client.get(TYPE, KEY));
  expect(error).toMatchObject({ code: 422, reason: "Invalid", message: "wrong", causes });
  expect(error.details).toEqual({
    name: "shop",
    kind: "Project",
    group: "flaresmith.dev",
    retryAfterSeconds: 3,
  });
});

test("what a proxy answers in between is an error that quotes it", async () => {
  const error = await refusal(scripted([{ status: 403, body: "<html>not here" }]).client.get(TYPE, KEY));
  expect(error).toMatchObject({
    code: 403,
    reason: "Forbidden",
    message: "the API server answered 403: <html>not here",
    details: {},
  });
});

test("an object without a name or namespace is refused before it becomes a list", async () => {
  const { client, asked } = scripted([{ body: { items: [] } }]);
  expect(
    (await refusal(Promise.resolve().then(() => client.get(TYPE, { namespace: "default", name: "" })))).code,
  ).toBe(400);
  expect((await refusal(client.delete(TYPE, { name: "shop" }))).message).toContain("an empty namespace");
  expect(asked).toEqual([]);
});

test("names are escaped, options go into the query, unknown fields are refused by the server", async () => {
  const { client, asked } = scripted([{ body: { metadata: {} } }]);
  await client.patchStatus(
    TYPE,
    { namespace: "a/b", name: "c?d" },
    { type: "merge", body: {} },
    { fieldManager: "m", dryRun: true },
  );
  const object = { apiVersion: "v1", kind: "Project", metadata: KEY };
  await client.apply(TYPE, object, { fieldManager: "m", force: true });
  await client.apply(TYPE, object, { fieldManager: "m", subresource: "status" });
  const root = "https://example.com/apis/flaresmith.dev/v1alpha1/namespaces";
  expect(asked.map((one) => one.url)).toEqual([
    `${root}/a%2Fb/projects/c%3Fd/status?fieldManager=m&fieldValidation=Strict&dryRun=All`,
    `${root}/default/projects/shop?fieldManager=m&fieldValidation=Strict&force=true`,
    `${root}/default/projects/shop/status?fieldManager=m&fieldValidation=Strict`,
  ]);
  expect(asked.map((one) => one.headers["content-type"])).toEqual([
    "application/merge-patch+json",
    "application/apply-patch+yaml",
    "application/apply-patch+yaml",
  ]);
});

test("pages after the first do not name a revision: they have that of the first", async () => {
  const { client, asked } = scripted([{ body: { items: null, metadata: { resourceVersion: "9" } } }]);
  const page = { namespace: "a", limit: 500, resourceVersion: "7" };
  expect(await client.list(TYPE, page)).toEqual({ items: [], resourceVersion: "9" });
  await client.list(TYPE, { ...page, continue: "token" });
  expect(asked.map(({ url }) => url.split("?")[1])).toEqual([
    "limit=500&resourceVersion=7&resourceVersionMatch=NotOlderThan",
    "limit=500&continue=token",
  ]);
});

test("items of built-in types come without apiVersion and kind, and get them", async () => {
  const type = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };
  const { client } = scripted([{ body: { items: [{ metadata: { name: "a" } }], metadata: {} } }]);
  expect((await client.list(type)).items).toEqual([
    { apiVersion: "v1", kind: "Secret", metadata: { name: "a" } },
  ]);
});

test("a watch that begins with what exists asks for it, and knows where it ends", async () => {
  const end = { metadata: { resourceVersion: "7", annotations: { "k8s.io/initial-events-end": "true" } } };
  const lines = [
    { type: "ADDED", object: { metadata: { name: "a\u2028b" } } },
    { type: "BOOKMARK", object: end },
    { type: "BOOKMARK", object: { metadata: { resourceVersion: "8" } } },
  ];
  const { client, asked } = scripted([{ body: lines.map((line) => `${JSON.stringify(line)}\n`).join("") }]);
  const options = {
    sendInitialEvents: true,
    allowBookmarks: true,
    timeoutSeconds: 300,
    resourceVersion: "5",
  };
  const seen: unknown[] = [];
  for await (const event of client.watch(TYPE, options, new AbortController().signal)) seen.push(event);
  expect(seen).toEqual([
    { type: "ADDED", object: { metadata: { name: "a\u2028b" } } },
    { type: "BOOKMARK", resourceVersion: "7", initialEventsEnd: true },
    { type: "BOOKMARK", resourceVersion: "8" },
  ]);
  expect(asked[0]?.url.split("?")[1]).toBe(
    "watch=true&timeoutSeconds=300&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
  );
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
  const { client } = scripted([{ body: lines.map((line) => `${JSON.stringify(line)}\n`).join("") }]);
  const events = client.watch(TYPE, { resourceVersion: "1" }, new AbortController().signal);
  expect((await events.next()).value).toEqual({ type: "BOOKMARK", resourceVersion: "7" });
  expect(await refusal(events.next())).toMatchObject({ code: 410, reason: "Expired" });
});

test("an answer that removed the object names it", async () => {
  const { client } = scripted([{ body: { kind: "Status", status: "Success", details: { uid: "u" } } }]);
  expect(await client.delete(TYPE, KEY)).toEqual({
    apiVersion: "flaresmith.dev/v1alpha1",
    kind: "Project",
    metadata: { ...KEY, uid: "u" },
  });
});
