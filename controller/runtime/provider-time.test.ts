import { expect, it } from "vitest";
import { virtualClock } from "./adapters/virtual.ts";
import { createProviderTime } from "./provider-time.ts";

const HOUR = 3_600_000;

it("goes by the last answer and the monotonic clock, whatever the wall clock does", async () => {
  const clock = virtualClock(Date.UTC(2026, 0, 1));
  const time = createProviderTime(clock);
  expect(time.isKnown).toBe(false);
  expect(time.now()).toBe(clock.now());
  time.heard("Thu, 01 Jan 2026 00:00:10 GMT");
  clock.setWall(clock.now() + HOUR);
  await clock.advance(5_000);
  expect(time.now()).toBe(Date.UTC(2026, 0, 1, 0, 0, 15));
  clock.setWall(0);
  await clock.advance(5_000);
  expect(time.now()).toBe(Date.UTC(2026, 0, 1, 0, 0, 20));
  expect(time.isKnown).toBe(true);
});

it("an answer without a date, or with a broken one, changes nothing that is known and else stands for the wall clock", async () => {
  const clock = virtualClock(Date.UTC(2026, 0, 1));
  const time = createProviderTime(clock);
  time.heard(null);
  expect(time.isKnown).toBe(true);
  clock.setWall(clock.now() + HOUR);
  expect(time.now()).toBe(Date.UTC(2026, 0, 1));
  time.heard("Thu, 01 Jan 2026 00:01:00 GMT");
  time.heard("yesterday");
  expect(time.now()).toBe(Date.UTC(2026, 0, 1, 0, 1));
});
