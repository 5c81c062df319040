/** A Connection of which somebody asks whether its credentials work: it asks the provider, and tells what changed. */
import { afterEach, expect, it } from "vitest";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";

const MINUTE = 60_000;

let world: World;
afterEach(() => world.stop());

const ready = async () => conditionOf(await world.get("Connection", "github"), "Ready");
const events = async () =>
  (await world.list("Event"))
    .filter((event) => (event["involvedObject"] as { name: string }).name === "github")
    .map((event) => `${String(event["type"])} ${String(event["reason"])}`);

async function start(): Promise<void> {
  world = await createWorld();
  await world.settle();
  await world.pass(MINUTE);
}

it("credentials that were revoked are found out when somebody asks", async () => {
  await start();
  expect(await ready()).toMatchObject({ status: "True" });
  world.sandbox.github.changeToken(world.sandbox.seed.github.token, { expiresAt: 1 });
  await world.request("Connection", "github");
  await world.settle();
  expect(await ready()).toMatchObject({ status: "False", reason: "CredentialsInvalid" });
});

it("credentials that work again are found out when somebody asks, however short ago they were refused", async () => {
  await start();
  const { token } = world.sandbox.seed.github;
  world.sandbox.github.changeToken(token, { expiresAt: 1 });
  await world.request("Connection", "github");
  await world.settle();
  world.sandbox.github.changeToken(token, { expiresAt: Number.MAX_SAFE_INTEGER });
  await world.request("Connection", "github");
  await world.settle();
  expect(await ready()).toMatchObject({ status: "True" });
});

it("a request is answered once the provider answered", async () => {
  await start();
  world.sandbox.context.faults.add({ provider: "github", path: "/", status: 502, times: 0 });
  await world.request("Connection", "github");
  await world.pass(MINUTE);
  const answer = async () => {
    const { metadata, ...object } = await world.get("Connection", "github");
    const asked = metadata.annotations?.["flaresmith.dev/reconcile-requested-at"];
    return statusOf({ metadata, ...object })["lastHandledReconcileAt"] === asked;
  };
  expect(await answer()).toBe(false);
  world.sandbox.context.faults.clear();
  await world.pass(10 * MINUTE);
  expect(await answer()).toBe(true);
  expect(await ready()).toMatchObject({ status: "True" });
});

it("Events tell when it begins to work, when it stops, and when it works again", async () => {
  await start();
  const { token } = world.sandbox.seed.github;
  expect(await events()).toEqual(["Normal Connected"]);
  world.sandbox.github.changeToken(token, { expiresAt: 1 });
  await world.request("Connection", "github");
  await world.pass(30 * MINUTE);
  expect(await events()).toEqual(["Normal Connected", "Warning CredentialsInvalid"]);
  world.sandbox.github.changeToken(token, { expiresAt: Number.MAX_SAFE_INTEGER });
  await world.request("Connection", "github");
  await world.pass(30 * MINUTE);
  const told = (await world.list("Event")).filter((event) => event["reason"] === "Connected");
  expect(told.reduce((sum, event) => sum + Number(event["count"] ?? 1), 0)).toBeGreaterThan(1);
});
