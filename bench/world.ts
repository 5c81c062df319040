/**
 * What one world of the simulator costs: the whole controller over an in-process sandbox, made, converged, left alone for
 * ten minutes and stopped, over and over in one process.
 */
import { applySmallShop } from "../test/laws/small-shop.ts";
import { createWorld } from "../test/support/world.ts";
import type { World } from "../test/support/world.ts";

const MINUTE = 60_000;
const warmUp = 10;

interface Phase {
  /** Milliseconds of CPU, all threads of the process. */
  cpu: number;
  requests: number;
}

type Phases = Map<string, Phase>;

async function timed(phases: Phases, name: string, work: () => Promise<World>): Promise<World> {
  const before = process.cpuUsage();
  const world = await work();
  const { user, system } = process.cpuUsage(before);
  const phase = phases.get(name) ?? { cpu: 0, requests: 0 };
  const counted = [...phases.values()].reduce((sum, { requests }) => sum + requests, 0);
  phases.set(name, {
    cpu: phase.cpu + (user + system) / 1000,
    requests: phase.requests + world.mark() - counted,
  });
  return world;
}

/** One seed, as the simulator runs it. @returns what each phase cost */
async function oneWorld(seed: number): Promise<Phases> {
  const phases: Phases = new Map();
  const world = await timed(phases, "world", () => createWorld({ seed }));
  const phase = (name: string, work: () => Promise<void>): Promise<World> =>
    timed(phases, name, async () => {
      await work();
      return world;
    });
  await phase("connections", () => world.settle());
  await phase("shop to Ready", async () => {
    await applySmallShop(world);
    await world.settle();
  });
  await phase("ten quiet minutes", () => world.pass(10 * MINUTE));
  await phase("stop", () => world.stop());
  return phases;
}

/** @param argument how many worlds are measured after the warm-up; default 100 */
export async function worlds(argument = "100"): Promise<void> {
  const count = Number(argument);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`the number of worlds must be a whole number of at least 1, not "${argument}"`);
  for (let seed = 1; seed <= warmUp; seed += 1) await oneWorld(seed);
  const sums: Phases = new Map();
  for (let seed = 1; seed <= count; seed += 1) {
    for (const [name, { cpu, requests }] of await oneWorld(seed)) {
      const sum = sums.get(name) ?? { cpu: 0, requests: 0 };
      sums.set(name, { cpu: sum.cpu + cpu, requests: sum.requests + requests });
    }
  }
  const row = (name: string, { cpu, requests }: Phase): void =>
    console.log(
      `${name.padEnd(18)} ${(cpu / count).toFixed(2).padStart(8)} ms CPU ${(requests / count).toFixed(1).padStart(7)} requests` +
        (requests > 0 ? ` ${((cpu / requests) * 1000).toFixed(0).padStart(6)} us per request` : ""),
    );
  for (const [name, phase] of sums) row(name, phase);
  const all = [...sums.values()];
  row("a world", {
    cpu: all.reduce((sum, { cpu }) => sum + cpu, 0),
    requests: all.reduce((sum, { requests }) => sum + requests, 0),
  });
}
