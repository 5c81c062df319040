/** A store whose loss leaves behind what its controller made. */
import { createWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

let seeds = 500;

/**
 * Another store, with its own controller, converges manifests against the same providers, and is never seen again.
 * @param installation default: the same as the world's
 */
export async function lostStore(
  { sandbox, time }: Pick<World, "sandbox" | "time">,
  manifests: Parameters<World["apply"]>,
  installation = "test",
): Promise<void> {
  seeds += 1;
  const other = await createWorld({ sandbox, time, seed: seeds, installation });
  await other.apply(...manifests);
  await other.settle();
  await other.stop();
}
