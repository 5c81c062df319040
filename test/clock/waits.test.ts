/** Class 13: what waits, waits as long as it was told, whatever the wall clock does meanwhile. */
import { describe, expect, it } from "vitest";
import { smallShop } from "../laws/small-shop.ts";
import { connectedStore, heal, mortal, unready } from "../laws/support.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import type { FaultRule } from "../../sandbox/core/faults.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Call {
  /** Milliseconds since the trouble began, of true time. */
  at: number;
  what: string;
}

/** A converging shop whose provider begins to fail, while the wall clock jumps three times; then all is well again. */
async function troubled(jump: number, fault: FaultRule): Promise<{ calls: Call[]; world: World }> {
  const base = await connectedStore();
  const calls: Call[] = [];
  let began = 0;
  const { sandbox } = mortal(base, (moment, request) => {
    const { hostname, pathname } = new URL(request.url);
    const what = `${request.method} ${hostname}${pathname}`;
    if (moment === "before") calls.push({ at: base.time.now() - began, what });
    return undefined;
  });
  const world = await createWorld({ sandbox, store: base.store, time: base.time, seed: 71 });
  seedTemplate(world);
  await world.settle();
  // No resync falls into what is watched.
  await world.apply(
    ...smallShop().map((manifest) => ({ ...manifest, spec: { ...manifest.spec, interval: "6h" } })),
  );
  await world.settle();
  base.sandbox.context.faults.add(fault);
  began = base.time.now();
  calls.length = 0;
  for (const kind of ["Project", "Environment", "Preview"])
    for (const { metadata } of await world.list(kind)) await world.request(kind, metadata.name);
  for (const by of [jump, -2 * jump, jump]) {
    await world.pass(40 * SECOND);
    base.time.jumpWall(by);
  }
  await world.pass(3 * MINUTE);
  return { calls, world };
}

const faults: Readonly<Record<string, FaultRule>> = {
  "a rate limit with a Retry-After of two minutes": {
    provider: "neon",
    path: ".",
    status: 429,
    headers: { "retry-after": "120" },
    body: { message: "too many requests" },
  },
  "a secondary limit until a moment": {
    provider: "github",
    path: "^/repos",
    status: 403,
    headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "SOON", "x-ratelimit-limit": "5000" },
    body: { message: "API rate limit exceeded" },
  },
  "an outage that opens the breaker": { provider: "cloudflare", path: ".", status: 503, times: 0 },
  "an error that backs off": { provider: "neon", path: "/branches", status: 500, times: 6 },
};

/** True time when the trouble begins: runs are alike, so that one tells it of all. */
const at = await (async () => {
  const { world } = await troubled(0, { provider: "neon", path: "^nowhere$", status: 500 });
  await world.stop();
  return world.time.now() - 5 * MINUTE;
})();

describe.each(Object.entries(faults))("under %s", (_, rule) => {
  it.each([HOUR, -HOUR])(
    "a wall clock that jumps by %i ms and back changes no call and no moment of one",
    async (jump) => {
      const steady = await troubled(0, moment(rule, at));
      const jumping = await troubled(jump, moment(rule, at));
      expect(jumping.calls).toEqual(steady.calls);
      expect(steady.calls.length).toBeGreaterThan(3);
      for (const { world } of [steady, jumping]) {
        heal(world);
        await world.settle(30 * MINUTE);
        expect(await unready(world)).toEqual([]);
        await world.stop();
      }
    },
  );
});

/** Resets are epoch seconds by the provider's clock. */
function moment(rule: FaultRule, at: number): FaultRule {
  const headers = Object.entries(rule.headers ?? {}).map(([name, value]): [string, string] => [
    name,
    value === "SOON" ? String(Math.ceil(at / SECOND) + 120) : value,
  ]);
  return { ...rule, headers: Object.fromEntries(headers) };
}
