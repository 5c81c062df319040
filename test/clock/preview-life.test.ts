/** Class 13: the wall clock is wrong or jumps while a preview lives; it ends when its time has come, and not before. */
import { afterEach, expect, it } from "vitest";
import type { FaultRule } from "../../sandbox/core/faults.ts";
import { names } from "../laws/support.ts";
import { seedTemplate, shopEnvironment, shopPreview, shopProject } from "../support/shop.ts";
import { conditionOf, createWorld, statusOf } from "../support/world.ts";
import type { World } from "../support/world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Days go by: the world is compared every six hours only. */
const interval = "6h";

let world: World;
afterEach(() => world.stop());

/** A preview with 24 hours to live, `age` old. */
async function preview(age: number): Promise<void> {
  world = await createWorld();
  seedTemplate(world);
  await world.apply(
    shopProject({ interval }),
    shopEnvironment("staging", { interval }),
    shopPreview({ interval, branch: "staging", ttl: "24h" }),
  );
  await world.settle();
  const created = Date.parse((await world.get("Preview", "shop-pr-1")).metadata.creationTimestamp ?? "");
  await world.pass(created + age - world.time.now());
}

const alive = (): boolean => names(world.sandbox).some((name) => name.includes("preview"));
const state = async (): Promise<unknown> => statusOf(await world.get("Preview", "shop-pr-1"))["state"];

it.each([HOUR, -HOUR, 40 * HOUR])(
  "the wall clock jumps by %i ms when an hour and a half is left: it lives that long, and not longer",
  async (jump) => {
    await preview(22.5 * HOUR);
    world.time.jumpWall(jump);
    await world.request("Preview", "shop-pr-1");
    await world.pass(80 * MINUTE);
    expect(alive()).toBe(true);
    expect(await state()).toBe("active");
    await world.pass(20 * MINUTE);
    expect(alive()).toBe(false);
    expect(await state()).toBe("archived");
  },
);

it.each<[string, FaultRule]>([
  ["one refusal", { status: 403, body: { message: "Resource not accessible by integration" } }],
  ["an outage", { status: 503, body: { message: "service unavailable" }, times: 20 }],
  ["a proxy's pages", { status: 200, body: "<html>proxy</html>", times: 20 }],
])("%s, dated two days ahead and the last that is heard for long, ends no preview", async (_name, answer) => {
  await preview(HOUR);
  const date = new Date(world.time.sandbox.now() + 48 * HOUR).toUTCString();
  const type = typeof answer.body === "string" ? "text/html" : "application/json";
  const { faults } = world.sandbox.context;
  faults.add({ ...answer, headers: { date, "content-type": type } });
  faults.add({ path: ".", drop: true, times: 0 });
  await world.request("Preview", "shop-pr-1");
  await world.pass(20 * MINUTE);
  expect(await state()).not.toBe("archived");
  faults.clear();
  await world.request("Preview", "shop-pr-1");
  await world.pass(10 * MINUTE);
  expect(alive()).toBe(true);
  expect(await state()).toBe("active");
});

it.each([HOUR, -HOUR])(
  "the process starts anew with a wall clock that is %i ms wrong: nothing goes before a provider has said the time",
  async (jump) => {
    await preview(23.5 * HOUR);
    await world.stop();
    const { sandbox, store, time } = world;
    time.jumpWall(jump);
    sandbox.context.faults.add({ path: ".", drop: true, times: 0 });
    world = await createWorld({ sandbox, store, time, seed: 51 });
    await world.pass(MINUTE);
    expect(alive()).toBe(true);
    const ready = conditionOf(await world.get("Preview", "shop-pr-1"), "Ready");
    if (jump > 0) expect(ready?.message).toContain("has expired by the clock of this machine");
    sandbox.context.faults.clear();
    await world.request("Preview", "shop-pr-1");
    await world.pass(20 * MINUTE);
    expect(alive()).toBe(true);
    expect(await state()).toBe("active");
    await world.pass(20 * MINUTE);
    expect(alive()).toBe(false);
  },
);
