import { describe, expect, it } from "vitest";
import { virtualClock } from "./adapters/virtual.ts";
import { createProviderTime } from "./provider-time.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 0, 1);
const header = (milliseconds: number): string => new Date(milliseconds).toUTCString();

it("goes by the last answer and the monotonic clock, whatever the wall clock does", async () => {
  const clock = virtualClock(START);
  const time = createProviderTime(clock);
  expect(time.isKnown).toBe(false);
  expect(time.now()).toBe(clock.now());
  time.heard(header(START + 10_000));
  clock.setWall(clock.now() + HOUR);
  await clock.advance(5_000);
  expect(time.now()).toBe(START + 15_000);
  clock.setWall(0);
  await clock.advance(5_000);
  expect(time.now()).toBe(START + 20_000);
});

it("an answer without a date, or with a broken one, changes nothing that is known and else stands for the wall clock", async () => {
  const clock = virtualClock(START);
  const time = createProviderTime(clock);
  time.heard(null);
  expect(time.isKnown).toBe(true);
  clock.setWall(clock.now() + HOUR);
  expect(time.now()).toBe(START);
  time.heard(header(START + MINUTE));
  time.heard("yesterday");
  expect(time.now()).toBe(START + MINUTE);
});

describe("one answer alone", () => {
  it("tells the time of a process that has just started, but nothing ends by it before a second one agrees", async () => {
    const clock = virtualClock(START);
    const time = createProviderTime(clock);
    time.heard(header(START + 50 * HOUR));
    expect(time.now()).toBe(START + 50 * HOUR);
    expect(time.isKnown).toBe(false);
    await clock.advance(5_000);
    for (let answer = 0; answer < 2; answer++) time.heard(header(START + 5_000));
    expect(time.isKnown).toBe(true);
    expect(time.now()).toBe(START + 5_000);
  });

  it.each([50 * HOUR, -50 * HOUR])(
    "that is %i ms off moves nothing, however often such answers come between others",
    async (off) => {
      const clock = virtualClock(START);
      const time = createProviderTime(clock);
      for (let answer = 0; answer < 2; answer++) time.heard(header(START));
      for (let round = 1; round <= 10; round++) {
        await clock.advance(1_000);
        time.heard(header(clock.now() + off));
        expect(time.now()).toBe(clock.now());
        time.heard(header(clock.now()));
        expect(time.now()).toBe(clock.now());
      }
    },
  );

  it("that is less than a minute off is followed at once", () => {
    const time = createProviderTime(virtualClock(START));
    for (const moment of [START, START + 50_000, START + 100_000, START + 45_000]) {
      time.heard(header(moment));
      expect(time.now()).toBe(moment);
    }
    expect(time.isKnown).toBe(true);
  });
});

it("two answers in a row that agree are followed: the machine slept, or its first answers were wrong", async () => {
  const clock = virtualClock(START);
  const time = createProviderTime(clock);
  for (let answer = 0; answer < 2; answer++) time.heard(header(START));
  time.heard(header(START + 8 * HOUR));
  await clock.advance(30_000);
  time.heard(header(START + 8 * HOUR + 30_000));
  expect(time.now()).toBe(START + 8 * HOUR + 30_000);
  expect(time.isKnown).toBe(true);
});
