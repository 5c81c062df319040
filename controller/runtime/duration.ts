/** Go durations (`time.ParseDuration`), in milliseconds. */
import { FlaresmithError } from "./errors.ts";

const units: Readonly<Record<string, number>> = Object.freeze({
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
});

/**
 * Reads a Go duration such as `1h30m`, `1.5s`, `-2m` or `0`.
 *
 * @param field path of the field it came from, named in the error
 * @returns milliseconds, possibly fractional for units below one
 * @throws FlaresmithError SPEC_INVALID when the text is no duration or its size is beyond 2^53 ms
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string, field?: string): number {
  const invalid = (why: string): FlaresmithError =>
    new FlaresmithError({
      code: "SPEC_INVALID",
      message: `${JSON.stringify(text)} is not a duration: ${why}`,
      hint: "Write a Go duration such as 90s, 10m or 1h30m.",
      ...(field === undefined ? {} : { field }),
    });
  const sign = text.startsWith("-") ? -1 : 1;
  const body = /^[-+]/.test(text) ? text.slice(1) : text;
  if (body === "0") return 0;
  if (body === "") throw invalid("it is empty");
  const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  let total = 0;
  while (part.lastIndex < body.length) {
    const start = part.lastIndex;
    const match = part.exec(body);
    const unit = units[match?.[2] ?? ""];
    if (match?.[1] === undefined || unit === undefined) {
      throw invalid(
        `${JSON.stringify(body.slice(start))} does not start with a number and a unit (ms, s, m, h)`,
      );
    }
    total += Number(match[1]) * unit;
  }
  if (total > Number.MAX_SAFE_INTEGER) throw invalid("it is too long");
  return total === 0 ? 0 : sign * total;
}

/**
 * Writes milliseconds as the shortest Go duration of hours, minutes, seconds and milliseconds: `1h30m`, `90s` as `1m30s`,
 * `0s`. Fractions of a millisecond are rounded. Reading it back gives the same number.
 */
export function formatDuration(milliseconds: number): string {
  let rest = Math.round(Math.abs(milliseconds));
  if (rest === 0) return "0s";
  const parts: string[] = [];
  for (const unit of ["h", "m", "s", "ms"]) {
    const size = units[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return `${milliseconds < 0 ? "-" : ""}${parts.join("")}`;
}
