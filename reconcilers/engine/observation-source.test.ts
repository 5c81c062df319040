/** Shared observations serve who may use them, and are not kept for ever. */
import { describe, expect, it } from "vitest";
import { virtualTime } from "../../test/support/virtual-time.ts";
import { createObservationSource } from "./observation-source.ts";

const HOUR = 3_600_000;

describe("a shared observation", () => {
  const time = virtualTime();
  const source = createObservationSource(time.controller);
  let loads = 0;
  const load = (): Promise<number> => Promise.resolve((loads += 1));

  it("serves everybody within the age they take, and is read anew beyond it", async () => {
    expect(await source.shared("key", HOUR, load)).toBe(1);
    expect(await source.shared("key", HOUR, load)).toBe(1);
    time.sandbox.advance(HOUR);
    expect(await source.shared("key", HOUR, load)).toBe(2);
  });

  it("that failed serves nobody", async () => {
    const failing = (): Promise<number> => Promise.reject(new Error("broke off"));
    await expect(source.shared("failing", HOUR, failing)).rejects.toThrow("broke off");
    expect(await source.shared("failing", HOUR, load)).toBe(3);
  });

  it("is dropped after a day, also for those who would take any age", async () => {
    expect(await source.shared("old", Number.POSITIVE_INFINITY, load)).toBe(4);
    time.sandbox.advance(25 * HOUR);
    await source.shared("other", HOUR, load);
    expect(await source.shared("old", Number.POSITIVE_INFINITY, load)).toBe(6);
  });

  it("from before a removal serves nobody, be it still under way", async () => {
    const held = Promise.withResolvers<number>();
    const early = source.shared("removed", HOUR, () => held.promise);
    source.removed();
    expect(await source.shared("removed", HOUR, load)).toBe(7);
    held.resolve(0);
    expect(await early).toBe(0);
    expect(await source.shared("removed", HOUR, load)).toBe(7);
  });
});
