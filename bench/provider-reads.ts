/** Counts what a converged project costs at the providers: requests, and those that count against a limit, at both depths. */
import type { JournalEntry } from "../sandbox/core/journal.ts";
import { settledShop } from "../test/support/shop.ts";
import { createWorld } from "../test/support/world.ts";
import type { World } from "../test/support/world.ts";

const MINUTE = 60_000;

function row(what: string, requests: readonly JournalEntry[]): string {
  const counts = ["github", "neon", "cloudflare"].map((provider) => {
    const own = requests.filter((entry) => entry.provider === provider);
    const billable = own.filter((entry) => entry.status !== 304).length;
    return `${provider} ${billable} of ${own.length}`;
  });
  const billable = requests.filter((entry) => entry.status !== 304).length;
  const changes = requests.filter((entry) => entry.changed).length;
  return `${what.padEnd(42)} ${String(billable).padStart(4)} billable of ${requests.length} requests, ${changes} changes (${counts.join(", ")})`;
}

async function during(world: World, work: () => Promise<void>): Promise<readonly JournalEntry[]> {
  const since = world.mark();
  await work();
  return world.requests(since);
}

/** One project with three environments and a preview, in virtual time: the counts do not depend on the machine. */
export async function providerReads(): Promise<void> {
  const world = await createWorld();
  console.log(row("from nothing to Ready", await during(world, () => settledShop(world))));
  await world.pass(12 * MINUTE);
  console.log(row("a shallow resync (interval 10m)", await during(world, () => world.pass(11 * MINUTE))));
  console.log(row("an hour of them (six)", await during(world, () => world.pass(60 * MINUTE))));
  const deep = await during(world, async () => {
    for (const [kind, name] of [
      ["Project", "shop"],
      ["Environment", "shop-dev"],
      ["Environment", "shop-staging"],
      ["Environment", "shop-production"],
      ["Preview", "shop-pr-1"],
    ] as const)
      await world.request(kind, name);
    await world.settle();
  });
  console.log(row("asked for by annotation: past every cache", deep));
  await world.stop();
  const { sandbox, store, time } = world;
  const restarted = await createWorld({ sandbox, store, time });
  console.log(
    row("a restart: everything deeply, once", await during(restarted, () => restarted.pass(5_000))),
  );
  await restarted.stop();
}
