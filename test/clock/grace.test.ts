/** Class 13: the wall clock jumps while something that was asked for cannot be seen yet. */
import { describe, expect, it } from "vitest";
import { fleetingShop, gone, smallShop } from "../laws/small-shop.ts";
import { connectedStore, mortal, names, providers, unready } from "../laws/support.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Milliseconds for which reads show the world before a write. */
const LAG = 20_000;

/** A controller whose wall clock jumps as soon as the answer to its nth change has arrived. */
async function jumping(jump: number, at: number): Promise<{ world: World; changes: () => number }> {
  const base = await connectedStore();
  let changes = 0;
  const { sandbox } = mortal(base, (moment, request) => {
    if (request.method === "GET" || moment === "before") return undefined;
    if (changes === at) base.time.jumpWall(jump);
    changes += 1;
    return undefined;
  });
  const world = await createWorld({ sandbox, store: base.store, time: base.time, seed: 41 });
  for (const provider of providers)
    world.sandbox.context.faults.setLag({ provider, resource: "*", milliseconds: LAG });
  seedTemplate(world);
  await world.pass(LAG);
  return { world, changes: () => changes };
}

describe("a wall clock that jumps", async () => {
  const reference = await jumping(0, -1);
  await reference.world.apply(...smallShop());
  const began = reference.world.time.now();
  await reference.world.settle(30 * MINUTE);
  const took = reference.world.time.now() - began;
  const expected = names(reference.world.sandbox);
  const moments = Array.from({ length: Math.ceil(reference.changes() / 6) }, (_, index) => index * 6);
  await reference.world.stop();

  it.each(moments.flatMap((moment) => [HOUR, -HOUR].map((jump) => [jump, moment] as const)))(
    "by %i ms after change %i, while nothing that was made shows yet: nothing is made twice, nothing takes longer",
    async (jump, moment) => {
      const { world } = await jumping(jump, moment);
      await world.apply(...smallShop());
      await world.settle(took + 2 * MINUTE);
      expect(await unready(world)).toEqual([]);
      expect(names(world.sandbox)).toEqual(expected);
      await world.stop();
    },
  );

  it.each([HOUR, -HOUR])(
    "by %i ms between a lost answer and the deletion: nothing is leaked",
    async (jump) => {
      const { world } = await jumping(0, -1);
      world.sandbox.context.faults.add({
        provider: "neon",
        method: "POST",
        path: "/api/v2/projects$",
        when: "after",
        drop: true,
      });
      await world.apply(...fleetingShop());
      await world.pass(500);
      world.time.jumpWall(jump);
      await world.delete("Project", "shop");
      await gone(world);
      await world.pass(2 * MINUTE);
      expect(names(world.sandbox)).toEqual([]);
      await world.stop();
    },
  );

  it.each([HOUR, -HOUR])(
    "by %i ms over a restart with an intent pending: nothing is made twice",
    async (jump) => {
      const base = await connectedStore();
      for (const provider of providers)
        base.sandbox.context.faults.setLag({ provider, resource: "*", milliseconds: LAG });
      const first = mortal(base, (moment, request, kill) => {
        if (moment === "after" && request.method === "POST" && request.url.endsWith("/api/v2/projects"))
          kill();
        return undefined;
      });
      const dying = await createWorld({
        sandbox: first.sandbox,
        store: first.store,
        time: base.time,
        seed: 42,
      });
      seedTemplate(dying);
      await dying.pass(LAG);
      await dying.apply(...smallShop());
      await dying.until(() => first.dead, 5 * MINUTE);
      base.time.jumpWall(jump);
      const next = await createWorld({ sandbox: base.sandbox, store: base.store, time: base.time, seed: 43 });
      await next.settle(30 * MINUTE);
      expect(await unready(next)).toEqual([]);
      expect(names(next.sandbox)).toEqual(expected);
      await next.stop();
    },
  );
});
