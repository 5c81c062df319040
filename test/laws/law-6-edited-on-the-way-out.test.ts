/** Law 6: somebody writes to an object while what it stood for is being deleted; it goes all the same. */
import { expect, it } from "vitest";
import { seedTemplate } from "../support/shop.ts";
import { createWorld, typeOf } from "../support/world.ts";
import { fleetingShop, gone } from "./small-shop.ts";
import { connectedStore, mortal, names } from "./support.ts";

it("a Project is annotated between the deletion of its repository and the end of the pass", async () => {
  const base = await connectedStore();
  const project = { namespace: "default", name: "shop" };
  let edits = 0;
  const { sandbox, store } = mortal(base, (moment, request) => {
    if (moment !== "after" || request.method !== "DELETE" || !request.url.endsWith("/repos/acme/shop"))
      return undefined;
    edits++;
    const body = { metadata: { annotations: { note: `edit ${edits}` } } };
    void base.store.patch(typeOf("Project"), project, { type: "merge", body });
    return undefined;
  });
  const world = await createWorld({ sandbox, store, time: base.time, seed: 41 });
  seedTemplate(world);
  await world.apply(...fleetingShop());
  await world.settle();
  await world.delete("Project", "shop");
  await gone(world);
  expect(edits).toBe(1);
  expect(names(world.sandbox)).toEqual([]);
  await world.stop();
});
