/** Law 2: what is to be created stands in the status before the call, together with all that is ready, or the call is not made. */
import { describe, expect, it } from "vitest";
import { ApiError } from "../../controller/store/resource-client.ts";
import type { KubernetesObject } from "../../controller/store/resource-client.ts";
import type { InventoryEntry } from "../../reconcilers/engine/resource.ts";
import { createWorld } from "../support/world.ts";
import { createdTypes, inventoryOf, watchCreations } from "./intended.ts";
import { connectedStore, mortal, names, unready } from "./support.ts";
import { applySmallShop } from "./small-shop.ts";

describe("before something is created", () => {
  it("its intent with a nonce stands in the stored status, and everything ready shares one write", async () => {
    const base = await connectedStore();
    const stored = new Map<string, InventoryEntry[]>();
    const writes: string[][] = [];
    const seen: string[] = [];
    const creations = watchCreations(base);
    const { sandbox, store } = mortal(
      base,
      (moment, request) => {
        if (moment === "before" || request.method === "GET") return undefined;
        seen.push(...creations.look([...stored.values()].flat()));
        return undefined;
      },
      (moment, call, _kill, parameters) => {
        if (moment !== "after" || call !== "updateStatus") return;
        const object = parameters[1] as KubernetesObject;
        const name = `${object.kind} ${object.metadata.name}`;
        const earlier = new Set(
          (stored.get(name) ?? []).map((entry) => `${entry.slot} ${entry.nonce ?? ""}`),
        );
        const intents = inventoryOf(object).filter(
          (entry) => entry.state === "creating" && !earlier.has(`${entry.slot} ${entry.nonce ?? ""}`),
        );
        stored.set(name, inventoryOf(object));
        if (intents.length > 0) writes.push(intents.map((entry) => `${name} ${entry.slot}`).sort());
      },
    );
    const world = await createWorld({ sandbox, store, time: base.time });
    await applySmallShop(world);
    await world.settle();
    await world.stop();
    expect(creations.missing).toEqual([]);
    expect(new Set(seen)).toEqual(new Set(createdTypes));
    expect(writes.find((slots) => slots[0]?.startsWith("Project"))).toEqual([
      "Project shop cloudflareR2/files",
      "Project shop githubRepo",
      "Project shop neonProject",
    ]);
  });

  it("a store that refuses the intent stops the create; when it takes it, there is exactly one", async () => {
    const base = await connectedStore();
    let refusing = true;
    let refused = 0;
    const { sandbox, store } = mortal(base, undefined, (moment, call, _kill, parameters) => {
      if (!refusing || moment !== "before" || call !== "updateStatus") return;
      if (!inventoryOf(parameters[1]).some((entry) => entry.state === "creating")) return;
      refused += 1;
      throw new ApiError({ code: 409, reason: "Conflict", message: "the object has been modified" });
    });
    const world = await createWorld({ sandbox, store, time: base.time });
    await applySmallShop(world);
    const since = world.mark();
    await world.pass(120_000);
    expect(refused).toBeGreaterThan(1);
    expect(world.changes(since)).toEqual([]);
    const texts = (await world.list("Project")).map((object) => JSON.stringify(object["status"]));
    expect(texts.join()).not.toContain("has been modified");
    refusing = false;
    await world.settle(20 * 60_000);
    expect(await unready(world)).toEqual([]);
    const all = names(world.sandbox);
    expect(all).toEqual([...new Set(all)]);
    await world.stop();
  });

  it("two controllers at once, as after a lost lease, still make exactly one of everything", async () => {
    const base = await connectedStore();
    const one = await createWorld({ sandbox: base.sandbox, store: base.store, time: base.time, seed: 21 });
    const two = await createWorld({ sandbox: base.sandbox, store: base.store, time: base.time, seed: 22 });
    await applySmallShop(one);
    await one.settle(20 * 60_000);
    await one.stop();
    await two.settle(20 * 60_000);
    expect(await unready(two)).toEqual([]);
    const all = names(two.sandbox);
    expect(all).toEqual([...new Set(all)]);
    await two.stop();
  });
});
