/** Law 2: what a dead controller made counts also while nobody can see it yet. */
import { describe, expect, it } from "vitest";
import { crash } from "./crash.ts";
import { names, unready } from "./support.ts";

describe("a controller dies while reads lag five seconds behind writes", async () => {
  const reference = await crash(Number.POSITIVE_INFINITY, "before", 5_000);
  const expected = names(reference.world.sandbox);
  await reference.world.stop();
  const cases = Array.from({ length: reference.changes }, (_, index) => index);

  it.each(cases)("just after its changing request %i: exactly one of everything", async (at) => {
    const { world } = await crash(at, "after", 5_000);
    expect(await unready(world)).toEqual([]);
    expect(names(world.sandbox)).toEqual(expected);
    await world.stop();
  });
});
