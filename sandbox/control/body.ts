import type { z } from "zod";

/** A request to the control port that cannot be done as asked: answered with 400 and the message. */
export class ControlError extends Error {}

/**
 * Reads and checks a JSON body.
 * @throws ControlError naming the field that is wrong
 */
export async function readBody<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
): Promise<z.output<Schema>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await request.text());
  } catch {
    throw new ControlError("the body is not JSON");
  }
  const result = schema.safeParse(parsed);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ControlError(`${issue?.path.join(".") || "body"}: ${issue?.message ?? "invalid"}`);
}

/** Leaves out what is undefined, so that exact optional properties stay absent. */
export function compact<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [Key in keyof Value]: Exclude<Value[Key], undefined>;
  };
}
