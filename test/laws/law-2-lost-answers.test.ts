/** Law 2: whatever answer is lost, at the end there is exactly one of everything. */
import { describe, expect, it } from "vitest";
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { connectedStore, mortal, names, unready } from "./support.ts";
import { applySmallShop } from "./small-shop.ts";

/** Changing requests that the small shop takes; checked below, so that none is forgotten. */
const CHANGES = 45;

type Fate = (index: number, moment: "before" | "after") => Response | undefined;

/** Converges the small shop; the fate of each changing request is decided by its index. @throws what fate throws, at the caller of fetch */
async function converge(fate: Fate): Promise<{ world: World; changes: number }> {
  const base = await connectedStore();
  let changes = 0;
  const order = new WeakMap<Request, number>();
  const { sandbox, store } = mortal(base, (moment, request) => {
    if (request.method === "GET") return undefined;
    if (moment === "before") order.set(request, changes++);
    return fate(order.get(request) ?? 0, moment);
  });
  const world = await createWorld({ sandbox, store, time: base.time });
  await applySmallShop(world);
  await world.settle(20 * 60_000);
  return { world, changes };
}

describe("an answer is lost", async () => {
  const reference = await converge(() => undefined);
  const expected = names(reference.world.sandbox);
  await reference.world.stop();

  it("the small shop has one of everything, and is made with as many requests as are tried here", () => {
    expect(expected).toEqual([...new Set(expected)]);
    expect(expected.length).toBeGreaterThan(20);
    expect(reference.changes).toBeLessThanOrEqual(CHANGES);
  });

  const cases = Array.from({ length: reference.changes }, (_, index) => index);

  it.each(cases)(
    "the connection drops after request %i was applied: exactly one of everything",
    async (lost) => {
      const { world } = await converge((index, moment) => {
        if (index === lost && moment === "after") throw new TypeError("fetch failed");
        return undefined;
      });
      expect(await unready(world)).toEqual([]);
      expect(names(world.sandbox)).toEqual(expected);
      await world.stop();
    },
  );

  it.each(cases)(
    "a gateway answers 502 for request %i, which was applied: exactly one of everything",
    async (lost) => {
      const { world } = await converge((index, moment) =>
        index === lost && moment === "after"
          ? new Response("<html>Bad Gateway</html>", { status: 502 })
          : undefined,
      );
      expect(await unready(world)).toEqual([]);
      expect(names(world.sandbox)).toEqual(expected);
      await world.stop();
    },
  );
});
