import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";
import { FlaresmithError } from "./errors.ts";

describe("durations are read as Go reads them", () => {
  it.each([
    ["0", 0],
    ["90s", 90_000],
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    [".5m", 30_000],
    ["1.s", 1000],
    ["-2m", -120_000],
    ["+2ms", 2],
    ["1000us", 1],
    ["1000µs", 1],
    ["1000000ns", 1],
    ["72h", 259_200_000],
  ])("%s", (text, milliseconds) => {
    expect(parseDuration(text)).toBeCloseTo(milliseconds, 6);
  });

  it.each(["", "-", "10", "m", "10 m", "1d", "1h30", "1..5s", "10m ", "Infinitys", "1e3s"])(
    "refuses %j",
    (text) => {
      expect(() => parseDuration(text, "spec.interval")).toThrow(FlaresmithError);
    },
  );

  it("names the field and the remedy", () => {
    try {
      parseDuration("1 day", "spec.interval");
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: "SPEC_INVALID",
        field: "spec.interval",
        hint: expect.stringContaining("10m"),
      });
    }
  });

  it("writes what reads back as the same number", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
    expect(formatDuration(5_400_000)).toBe("1h30m");
    expect(formatDuration(0)).toBe("0s");
  });
});
