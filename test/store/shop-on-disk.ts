/** The small shop's controller over a store whose disk can be broken, and what it made without a durable intent. */
import type { InventoryEntry } from "../../reconcilers/engine/resource.ts";
import { createSandbox } from "../../sandbox/sandbox.ts";
import { inventoryOf, watchCreations } from "../laws/intended.ts";
import { mortal, ownKinds } from "../laws/support.ts";
import { seedTemplate } from "../support/shop.ts";
import { createWorld, typeOf } from "../support/world.ts";
import type { World } from "../support/world.ts";
import { breakableStore } from "./breakable-store.ts";
import type { BreakableStore } from "./breakable-store.ts";

export interface Shop extends BreakableStore {
  world: World;
  log: string[];
  creations: ReturnType<typeof watchCreations>;
  end(): Promise<void>;
}

/** The inventories that the store holds at this moment. */
export function storedEntries({ store }: BreakableStore): InventoryEntry[] {
  const texts = ownKinds.flatMap((kind) => [...store.listText(typeOf(kind)).texts]);
  return texts.flatMap((text) => inventoryOf(JSON.parse(text)));
}

/** A controller with working Connections; recovery reaches it as it does in `flaresmith up`. */
export async function openShop(): Promise<Shop> {
  const running: { world?: World; creations?: ReturnType<typeof watchCreations> } = {};
  const disk = await breakableStore({
    onHealth: ({ writable }) => {
      if (writable) running.world?.manager.storeRecovered();
    },
  });
  const { store, time } = disk;
  const sandbox = createSandbox({ context: { clock: time.sandbox }, seed: 1 });
  const creations = watchCreations({ sandbox });
  const seen = mortal({ sandbox, store }, (moment, request) => {
    if (moment === "after" && request.method !== "GET") creations.look(storedEntries(disk));
    return undefined;
  });
  const log: string[] = [];
  const world = await createWorld({
    time,
    store,
    sandbox: seen.sandbox,
    connect: true,
    log: (line) => log.push(line),
  });
  running.world = world;
  seedTemplate(world);
  await world.settle();
  const end = async (): Promise<void> => {
    await world.stop();
    await disk.close();
  };
  return Object.assign(disk, { world, log, creations, end });
}
