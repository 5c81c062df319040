/** A JSON object whose fields are not known yet. */
export type Fields = Record<string, unknown>;

/** Whether a value is an object with fields: not null, not an array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
