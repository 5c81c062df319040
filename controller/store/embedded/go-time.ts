/** Times as a Go API server reads and writes them (apimachinery `meta/v1.Time` and `MicroTime`). */

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?<fraction>\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
/** A point and six digits. */
const MICRO_FRACTION = 7;

function read(text: string): { seconds: string; fraction: string } | undefined {
  const found = TIME.exec(text);
  const milliseconds = Date.parse(text);
  if (found === null || Number.isNaN(milliseconds)) return undefined;
  const seconds = new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().slice(0, 19);
  return { seconds, fraction: found.groups?.["fraction"] ?? "" };
}

/** RFC 3339, in UTC and to the second; undefined for what is none. */
export function readTime(text: string): string | undefined {
  const time = read(text);
  return time === undefined ? undefined : `${time.seconds}Z`;
}

/** RFC 3339 with exactly six digits after the second, in UTC; undefined for what is none. */
export function readMicroTime(text: string): string | undefined {
  const time = read(text);
  return time?.fraction.length === MICRO_FRACTION ? `${time.seconds}${time.fraction}Z` : undefined;
}
