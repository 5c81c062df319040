/**
 * Whether a text is a date-time as kube-openapi's `strfmt` takes it: RFC 3339 with seconds, optional fraction and zone,
 * lower-case letters allowed. Fields are range-checked, the 31st of a short month is not.
 */
export function isDateTime(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})t(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:z|[+-](\d{2}):(\d{2}))$/i.exec(text);
  if (match === null) return false;
  const [, , month, day, hour, minute, second] = match.map(Number);
  const within = (value: number | undefined, least: number, most: number): boolean =>
    value !== undefined && value >= least && value <= most;
  return within(month, 1, 12) && within(day, 1, 31) && within(hour, 0, 23) && within(minute, 0, 59) && within(second, 0, 59);
}
