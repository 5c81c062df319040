/** Bounds of fields that hold a Go duration, as CEL and as its twin. */
import type { CrossFieldRule } from "./kind.ts";

const units: Readonly<Record<string, number>> = Object.freeze({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 });

/** Nanoseconds in 63 bits, as milliseconds. */
const LONGEST = 2 ** 63 / 1e6;

/** Milliseconds of a Go duration. @throws RangeError where CEL cannot compute one either: it is none, or too long */
function milliseconds(text: string): number {
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)];
  let total = 0;
  for (const [, amount, unit] of parts) total += Number(amount) * (units[unit ?? ""] ?? 0);
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join("") === text;
  if (!isWhole || total > LONGEST) throw new RangeError(`${text} is no duration`);
  return total;
}

/** Whether a Go duration lies between two others, both included. @throws RangeError for what is none */
export function within(text: string, least: string, most: string): boolean {
  const value = milliseconds(text);
  return value >= milliseconds(least) && value <= milliseconds(most);
}

/** @param path of the duration's field, e.g. `spec.interval` */
function durationRange(path: string, least: string, most: string): CrossFieldRule {
  const name = path.split(".").at(-1) ?? path;
  return {
    path,
    cel: `duration(self) >= duration('${least}') && duration(self) <= duration('${most}')`,
    message: `${name} must be between ${least} and ${most}`,
    test: (value: string) => within(value, least, most),
  };
}

/** `spec.interval` of every kind: none would drop the resync, and timers do not reach further than weeks. */
export const intervalRange = durationRange("spec.interval", "30s", "24h");

/** `spec.deepInterval` of the kinds that have one. */
export const deepIntervalRange = durationRange("spec.deepInterval", "1m", "168h");
