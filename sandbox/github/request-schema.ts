import { invalidRequest } from "./failure.ts";
import schemas from "./request-schemas.json" with { type: "json" };

/** The part of JSON Schema that GitHub's request bodies use, references resolved. */
interface Schema {
  type?: string | string[];
  nullable?: boolean;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  minimum?: number;
  maximum?: number;
  maxItems?: number;
  maxLength?: number;
  pattern?: string;
}

const BODIES = schemas as unknown as Record<string, Schema>;
/** Endpoints seen refusing fields they do not know (integrations/terraform-provider-github #185). */
const CLOSED = new Set(["POST /orgs/{org}/repos", "POST /user/repos"]);

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function fits(schema: Schema, value: unknown): boolean {
  const types = schema.type === undefined ? [] : [schema.type].flat();
  const actual = typeOf(value);
  if (value === null)
    return schema.nullable === true || types.includes("null") || (types.length === 0 && !schema.enum);
  return types.length === 0 || types.includes(actual) || (actual === "integer" && types.includes("number"));
}

const SPOKEN: Record<string, string> = {
  array: "an array",
  object: "an object",
  integer: "an integer",
  boolean: "a boolean",
};

/** What is wrong with a value, in GitHub's words; undefined when it fits. */
function flaw(schema: Schema, value: unknown, place: string): string | undefined {
  const at = place === "" ? "" : `For '${place}', `;
  const shown = value === null ? "nil" : JSON.stringify(value);
  if (!fits(schema, value)) {
    const wanted = [schema.type ?? "object"].flat()[0] ?? "object";
    return `${at}${shown} is not ${SPOKEN[wanted] ?? `a ${wanted}`}.`;
  }
  if (value === null) return undefined;
  if (schema.enum && !schema.enum.includes(value))
    return `${at}${shown} is not a member of ${JSON.stringify(schema.enum)}.`;
  if (typeof value === "number") {
    if (schema.minimum !== undefined && value < schema.minimum)
      return `${at}${shown} must be at least ${schema.minimum}.`;
    if (schema.maximum !== undefined && value > schema.maximum)
      return `${at}${shown} must be at most ${schema.maximum}.`;
  }
  if (typeof value === "string" && schema.maxLength !== undefined && value.length > schema.maxLength)
    return `${at}${shown} is too long (maximum is ${schema.maxLength} characters).`;
  if (typeof value === "string" && schema.pattern !== undefined && !new RegExp(schema.pattern).test(value))
    return `${value} does not match /${schema.pattern}/.`;
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices && !choices.some((choice) => flaw(choice, value, place) === undefined))
    return `${at}No subschema in "${schema.oneOf ? "oneOf" : "anyOf"}" matched.`;
  if (Array.isArray(value)) return arrayFlaw(schema, value, place, at);
  return typeof value === "object"
    ? objectFlaw(schema, value as Record<string, unknown>, place, at)
    : undefined;
}

function arrayFlaw(schema: Schema, value: unknown[], place: string, at: string): string | undefined {
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    return `${at}No more than ${schema.maxItems} items are allowed; ${value.length} were supplied.`;
  const { items } = schema;
  if (!items) return undefined;
  for (const [index, item] of value.entries()) {
    const found = flaw(items, item, `${place}/${index}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function objectFlaw(
  schema: Schema,
  value: Record<string, unknown>,
  place: string,
  at: string,
): string | undefined {
  for (const name of schema.required ?? [])
    if (value[name] === undefined) return `${at}"${name}" wasn't supplied.`;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (value[name] === undefined) continue;
    const found = flaw(
      property,
      value[name],
      place === "" ? `properties/${name}` : `${place}/properties/${name}`,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Checks a request body against GitHub's own description of the operation.
 * @param operation method and path template, `POST /repos/{owner}/{repo}/git/refs`
 * @throws ApiFailure 422 naming the field that does not fit
 */
export function checkRequestBody(operation: string, body: Record<string, unknown>): void {
  const schema = BODIES[operation];
  if (!schema) return;
  const found = flaw(schema, body, "");
  if (found !== undefined) throw invalidRequest(found);
  if (!CLOSED.has(operation)) return;
  const unknown = Object.keys(body).find((name) => schema.properties?.[name] === undefined);
  if (unknown !== undefined) throw invalidRequest(`"${unknown}" is not a permitted key.`);
}
