import { expect, test } from "vitest";
import { account, testBench, token } from "../../sandbox/cloudflare/testing.ts";
import { schedules } from "./schedules.ts";
import { testClient, testSlot } from "./test-context.ts";

const path = `/accounts/${account}/workers/scripts/shop/schedules`;
const desired = (...crons: string[]) => ({ accountId: account, scriptName: "shop", crons });

async function setUp() {
  const bench = testBench();
  await bench.upload("shop");
  return {
    ...bench,
    slot: testSlot(schedules, { client: testClient(bench.cloudflare.fetch, { apiToken: token }) }),
  };
}

const cronsOf = async (call: Awaited<ReturnType<typeof setUp>>["call"]): Promise<string[]> =>
  (await call<{ schedules: { cron: string }[] }>("GET", path)).result.schedules.map(
    (schedule) => schedule.cron,
  );

test("schedules are written, and then nothing differs, however they are spaced and ordered", async () => {
  const { slot, call } = await setUp();
  expect(await slot.converge(desired("*/5 * * * *", "0 9 * * MON"))).toEqual({
    did: "updated",
    changes: ["crons"],
  });
  expect(await cronsOf(call)).toEqual(["*/5 * * * *", "0 9 * * MON"]);
  expect(await slot.differences(desired("0  9 * * mon", "*/5 * * * *"))).toEqual([]);
});

test("a schedule that somebody added or removed is corrected; a shallow look does not look", async () => {
  const { slot, call } = await setUp();
  await slot.converge(desired("*/5 * * * *"));
  await call("PUT", path, [{ cron: "0 0 * * *" }]);
  expect(await slot.differences(desired("*/5 * * * *"), { depth: "shallow" })).toEqual([]);
  expect(await slot.differences(desired("*/5 * * * *"))).toEqual(["crons"]);
  await slot.converge(desired("*/5 * * * *"));
  expect(await cronsOf(call)).toEqual(["*/5 * * * *"]);
});

test("an empty list removes all of them", async () => {
  const { slot, call } = await setUp();
  await slot.converge(desired("*/5 * * * *"));
  await slot.converge(desired());
  expect(await cronsOf(call)).toEqual([]);
});

test("an expression that Cloudflare refuses is named with its field", async () => {
  const { slot } = await setUp();
  await expect(slot.converge(desired("every day"))).rejects.toMatchObject({
    code: "INTEGRATION_REJECTED",
    field: "spec.cloudflare.workers[].crons",
    message: expect.stringContaining("every day") as string,
  });
});

test("removed means none left, also when the Worker is gone", async () => {
  const { slot, call } = await setUp();
  await slot.converge(desired("*/5 * * * *"));
  await slot.remove({ scope: account, name: "shop" });
  expect(await cronsOf(call)).toEqual([]);
  expect(await slot.observe(desired())).toEqual({ state: "absent" });
  await call("DELETE", `/accounts/${account}/workers/scripts/shop`);
  await slot.remove({ scope: account, name: "shop" });
  expect(await slot.observe(desired())).toEqual({ state: "absent" });
});
