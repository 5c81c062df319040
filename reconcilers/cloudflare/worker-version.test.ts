/** Whether somebody else deployed is told by the version that serves. */
import { expect, test } from "vitest";
import { account, testBench, token } from "../../sandbox/cloudflare/testing.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { moduleBundle, testClient, testSlot } from "./test-context.ts";
import type { WorkerDesired } from "./types.ts";
import { worker } from "./worker.ts";

const path = `/accounts/${account}/workers/scripts/shop-api-dev`;
const secret = secretValues("key");

const desired = (value = "postgres://canary"): WorkerDesired => ({
  accountId: account,
  scriptName: "shop-api-dev",
  bundle: moduleBundle(),
  vars: { MODE: "dev" },
  secrets: { DATABASE_URL: secret(value) },
  bindings: [],
  bindingsPolicy: "Preserve",
  revision: "a".repeat(40),
});

function setUp() {
  const bench = testBench();
  const client = testClient(bench.cloudflare.fetch, { apiToken: token });
  const changes = (): number => bench.context.journal.since(0).filter((entry) => entry.changed).length;
  return { ...bench, changes, slot: testSlot(worker, { client }) };
}

test("a change that deploys nothing is no reason to write secrets again", async () => {
  const { slot, call, context, changes } = setUp();
  await slot.converge(desired());
  context.clock.advance(1000);
  await call("PATCH", `${path}/script-settings`, { logpush: true });
  const before = changes();
  expect(await slot.differences(desired(), { depth: "shallow" })).toEqual([]);
  expect(await slot.converge(desired())).toEqual({ did: "nothing", changes: [] });
  expect(await slot.differences(desired())).toEqual([]);
  expect(changes()).toBe(before);
});

/** Ids of the versions of the Worker, newest first. */
async function versions(call: ReturnType<typeof setUp>["call"]): Promise<string[]> {
  const { result } = await call<{ items: { id: string }[] }>("GET", `${path}/versions`);
  return result.items.map(({ id }) => id);
}

test.each<[string, (call: ReturnType<typeof setUp>["call"]) => Promise<object[]>]>([
  ["another version", async (call) => [{ version_id: (await versions(call))[1], percentage: 100 }]],
  [
    "two versions side by side",
    async (call) => (await versions(call)).slice(0, 2).map((id) => ({ version_id: id, percentage: 50 })),
  ],
])("%s that somebody else deployed is noticed", async (_what, shares) => {
  const { slot, call, context } = setUp();
  await slot.converge(desired());
  // The same in all that can be read; only the value of the secret was another.
  await slot.converge(desired("postgres://second"));
  context.clock.advance(1000);
  const body = { strategy: "percentage", versions: await shares(call) };
  expect((await call("POST", `${path}/deployments?force=true`, body)).status).toBe(200);
  const now = desired("postgres://second");
  expect(await slot.differences(now, { depth: "shallow" })).toEqual(["secrets.DATABASE_URL"]);
  await slot.converge(now);
  expect(await slot.differences(now)).toEqual([]);
});

test("what an earlier release remembered of the upload leads to no upload, and is learned anew", async () => {
  const { slot, call, context, changes } = setUp();
  await slot.converge(desired());
  const { version: _version, ...others } = slot.entry?.data ?? {};
  if (slot.entry)
    slot.entry = { ...slot.entry, data: { ...others, deployment: "f3b4c1d2-0000-4000-8000-000000000000" } };
  context.clock.advance(1000);
  await call("PATCH", `${path}/script-settings`, { logpush: true });
  const before = changes();
  expect(await slot.converge(desired())).toEqual({ did: "nothing", changes: [] });
  expect(await slot.converge(desired())).toEqual({ did: "nothing", changes: [] });
  expect(changes()).toBe(before);
  context.clock.advance(1000);
  await call("PUT", `${path}/secrets`, { name: "DATABASE_URL", type: "secret_text", text: "stolen" });
  expect(await slot.differences(desired())).toEqual(["secrets.DATABASE_URL"]);
});
