/**
 * Whether a text is a date-time as kube-openapi's `strfmt` takes it: RFC 3339 with seconds, optional fraction and zone,
 * lower-case letters allowed. The day has to exist in its month.
 */
export function isDateTime(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})t(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:z|[+-](\d{2}):(\d{2}))$/i.exec(
    text,
  );
  if (match === null) return false;
  const [, year = 0, month, day, hour, minute, second] = match.map(Number);
  const within = (value: number | undefined, least: number, most: number): boolean =>
    value !== undefined && value >= least && value <= most;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][(month ?? 0) - 1] ?? 0;
  return within(day, 1, days) && within(hour, 0, 23) && within(minute, 0, 59) && within(second, 0, 59);
}
