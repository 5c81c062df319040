/** The small shop, begun by a controller that dies and ended by another. */
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { connectedStore, mortal, providers, runUntil } from "./support.ts";
import { applySmallShop } from "./small-shop.ts";

type Moment = "before" | "after";

/**
 * Converges the small shop with a controller that dies around its nth changing request, then with another.
 * @param at index from 0; infinity for a life without accident
 * @param lag milliseconds for which reads show the world before a write
 */
export async function crash(at: number, when: Moment, lag = 0): Promise<{ world: World; changes: number }> {
  const base = await connectedStore();
  let changes = 0;
  const order = new WeakMap<Request, number>();
  const first = mortal(base, (moment, request, kill) => {
    if (request.method === "GET") return undefined;
    if (moment === "before") order.set(request, changes++);
    if (order.get(request) === at && moment === when) kill();
    return undefined;
  });
  const dying = await createWorld({ sandbox: first.sandbox, store: first.store, time: base.time });
  if (lag > 0) {
    for (const provider of providers)
      base.sandbox.context.faults.setLag({ provider, resource: "*", milliseconds: lag });
  }
  await applySmallShop(dying);
  if (at === Number.POSITIVE_INFINITY) {
    await dying.settle();
    await dying.stop();
  } else {
    await runUntil(base, () => first.dead);
  }
  const world = await createWorld({
    sandbox: base.sandbox,
    store: base.store,
    time: base.time,
    seed: 1000 + (Number.isFinite(at) ? at : 0),
  });
  await world.settle(30 * 60_000);
  return { world, changes };
}
