/** Law 2: a controller that dies at any moment leaves nothing behind that the next one does not know. */
import { describe, expect, it } from "vitest";
import { crash } from "./crash.ts";
import { names, unready } from "./support.ts";

describe("a controller dies", async () => {
  const reference = await crash(Number.POSITIVE_INFINITY, "before");
  const expected = names(reference.world.sandbox);
  await reference.world.stop();
  const cases = Array.from({ length: reference.changes }, (_, index) => index);

  it.each(cases)(
    "just before its changing request %i: the next one ends with exactly one of everything",
    async (at) => {
      const { world } = await crash(at, "before");
      expect(await unready(world)).toEqual([]);
      expect(names(world.sandbox)).toEqual(expected);
      await world.stop();
    },
  );

  it.each(cases)(
    "just after its changing request %i: the next one ends with exactly one of everything",
    async (at) => {
      const { world } = await crash(at, "after");
      expect(await unready(world)).toEqual([]);
      expect(names(world.sandbox)).toEqual(expected);
      await world.stop();
    },
  );
});
