/** Events are stored once and written through two APIs, each with its own names and rules. */
import { expect, test } from "vitest";
import { ApiError, type KubernetesObject, type Patch } from "../resource-client.ts";
import { eventType, newEventType } from "./builtin/event.ts";
import { fieldValidation } from "./field-validation.ts";
import { openTestStore } from "./testing.ts";

const key = { namespace: "default", name: "e" };
const seen: KubernetesObject = {
  apiVersion: "events.k8s.io/v1",
  kind: "Event",
  metadata: { ...key },
  eventTime: "2026-01-01T00:00:00.000000Z",
  reportingController: "probe.dev/c",
  reportingInstance: "i",
  action: "Do",
  reason: "Made",
  note: "first",
  regarding: { kind: "Project", name: "shop", namespace: "default" },
};
const series = { count: 2, lastObservedTime: "2026-01-01T00:00:01.000000Z" };

async function storeWithEvent() {
  const store = await openTestStore();
  await store.create(newEventType.type, seen);
  const patch = (type: Patch["type"], body: unknown) =>
    store.patch<KubernetesObject>(newEventType.type, key, { type, body } as Patch);
  return { store, patch };
}
const refusalOf = async (answer: Promise<unknown>): Promise<ApiError> => {
  const error = await answer.catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

test("a patch through the newer API reads and writes the newer names", async () => {
  const { patch, store } = await storeWithEvent();
  expect(await patch("merge", { series })).toMatchObject({ note: "first", series });
  const body = [
    { op: "test", path: "/note", value: "first" },
    { op: "test", path: "/apiVersion", value: "events.k8s.io/v1" },
    { op: "replace", path: "/series/count", value: 3 },
  ];
  expect(await patch("json", body)).toMatchObject({ note: "first", series: { count: 3 } });
  const warned: string[] = [];
  const answer = await store.write(
    newEventType.type,
    { verb: "patch", key, patch: { type: "strategic", body: { metadata: { labels: { a: "b" } } } } },
    {
      onDecoded: fieldValidation({
        type: newEventType.type,
        mode: "Warn",
        warn: (text) => warned.push(text),
      }),
    },
  );
  expect(answer.object).toMatchObject({ note: "first", metadata: { labels: { a: "b" } } });
  expect(warned).toEqual([]);
  expect(await store.get(eventType.type, key)).toMatchObject({
    apiVersion: "v1",
    message: "first",
    series: { count: 3 },
  });
});

test("what the newer API says of an event stands: nothing is taken without a word", async () => {
  const { patch, store } = await storeWithEvent();
  // The words are those of kube-apiserver 1.36.3, which names the core fields.
  expect(await refusalOf(patch("merge", { note: "second" }))).toMatchObject({
    code: 422,
    message: 'Event "e" is invalid: message: Invalid value: "second": field is immutable',
  });
  expect(
    await refusalOf(patch("merge", { deprecatedCount: 3, reportingController: "probe.dev/d" })),
  ).toMatchObject({
    code: 422,
    message:
      'Event "e" is invalid: [count: Invalid value: 3: field is immutable, reportingController: Invalid value: "probe.dev/d": field is immutable]',
  });
  expect(await refusalOf(store.update(newEventType.type, { ...seen, reason: "Other" }))).toMatchObject({
    code: 422,
    message: 'Event "e" is invalid: reason: Invalid value: "Other": field is immutable',
  });
  expect(await store.get(newEventType.type, key)).toMatchObject({ note: "first", reason: "Made" });
  await store.patch(eventType.type, key, { type: "merge", body: { message: "second", count: 3 } });
  expect(await store.get(newEventType.type, key)).toMatchObject({ note: "second", deprecatedCount: 3 });
});

test("a name of the other API is an unknown field", async () => {
  const { patch, store } = await storeWithEvent();
  const unknown = /unknown field "message"/;
  expect((await refusalOf(patch("merge", { message: "second" }))).message).toMatch(unknown);
  expect((await refusalOf(store.update(newEventType.type, { ...seen, message: "x" }))).message).toMatch(
    unknown,
  );
  const other = { ...seen, metadata: { ...key, name: "f" }, message: "x" };
  expect((await refusalOf(store.create(newEventType.type, other))).message).toMatch(unknown);
  expect((await refusalOf(patch("merge", { note: 5 }))).message).toContain("Event.note of type string");
});
