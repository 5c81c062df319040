/**
 * Structural validation with the causes and texts of kube-apiserver 1.36 (kube-openapi `validation`, apiextensions-apiserver
 * `validation.go`); test/fixtures/kube-apiserver holds its answers.
 */
import { isDateTime } from "./date-time.ts";
import { isFields } from "./json.ts";
import type { StructuralSchema } from "./structural.ts";

/** One wrong place: the shape of a StatusCause. */
export interface Cause {
  reason:
    | "FieldValueRequired"
    | "FieldValueInvalid"
    | "FieldValueTypeInvalid"
    | "FieldValueNotSupported"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueDuplicate";
  message: string;
  field: string;
}

/** Reasons after which cross-field rules are not evaluated, because they could not rely on the object's shape. */
const BLOCKING: ReadonlySet<string> = new Set([
  "FieldValueRequired",
  "FieldValueTypeInvalid",
  "FieldValueNotSupported",
  "FieldValueTooLong",
  "FieldValueTooMany",
]);

/** What stands in place of the rules that were not evaluated. */
export const RULES_NOT_CHECKED: Cause = {
  reason: "FieldValueInvalid",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
  field: "<nil>",
};

/** Whether one of these causes keeps cross-field rules from being evaluated. */
export function blocksRules(causes: readonly { reason: string }[]): boolean {
  return causes.some((cause) => BLOCKING.has(cause.reason));
}

/**
 * What is wrong with the status alone, as the status subresource reports it: in the messages, paths begin below `status`.
 */
export function validateStatus(status: unknown, schema: StructuralSchema): Cause[] {
  const { status: statusSchema } = schema.properties ?? {};
  if (status === undefined || statusSchema === undefined) return [];
  return validateStructure(status, statusSchema).map((cause) => ({
    ...cause,
    field: cause.field === "<nil>" ? cause.field : cause.field === "" ? "status" : `status.${cause.field}`,
  }));
}

/** Everything in which a prepared object differs from its schema; empty when it fits. Metadata is not looked at. */
export function validateStructure(object: unknown, schema: StructuralSchema): Cause[] {
  const causes: Cause[] = [];
  visit(object, schema, "", causes);
  return causes;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "integer" : "number";
  return typeof value;
}

/** A number as Go prints it. */
function goNumber(value: number): string {
  if (
    Math.abs(value) >= 1e21 ||
    (value !== 0 && Math.abs(value) < 1e-4) ||
    (!Number.isSafeInteger(value) && Math.abs(value) >= 1e21)
  ) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return String(value);
}

function shown(value: unknown): string {
  return typeof value === "number" ? goNumber(value) : JSON.stringify(value);
}

function invalid(field: string, value: unknown, text: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${shown(value)}: ${text}`, field };
}

function wrongType(field: string, actual: string, wanted: string): Cause {
  const text = JSON.stringify(actual);
  return {
    reason: "FieldValueTypeInvalid",
    message: `Invalid value: ${text}: ${field} in body must be of type ${wanted}: ${text}`,
    field,
  };
}

function fits(value: unknown, schema: StructuralSchema): boolean {
  const actual = typeOf(value);
  return actual === schema.type || (schema.type === "number" && actual === "integer");
}

function visit(value: unknown, schema: StructuralSchema, path: string, causes: Cause[]): void {
  if (path === "metadata") return;
  if (!fits(value, schema)) {
    if (schema.type === "integer" && typeof value === "number") {
      causes.push(wrongType(path, "float64", schema.format ?? "integer"));
      causes.push({
        ...invalid(
          "<nil>",
          "",
          `Checked value must be of type integer with format ${schema.format ?? ""} in ${path}`,
        ),
      });
    } else if (schema.format !== undefined && typeof value === "number") {
      // With a format, formats are compared instead of types.
      causes.push(wrongType(path, Number.isSafeInteger(value) ? "int64" : "float64", schema.format));
    } else causes.push(wrongType(path, typeOf(value), schema.type ?? "object"));
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    const allowed = schema.enum.map((one) =>
      JSON.stringify(typeof one === "string" ? one : JSON.stringify(one)),
    );
    causes.push({
      reason: "FieldValueNotSupported",
      message: `Unsupported value: ${shown(value)}: supported values: ${allowed.join(", ")}`,
      field: path,
    });
  }
  if (typeof value === "string") visitString(value, schema, path, causes);
  else if (typeof value === "number") visitNumber(value, schema, path, causes);
  else if (Array.isArray(value)) visitArray(value, schema, path, causes);
  else if (isFields(value)) visitObject(value, schema, path, causes);
}

const patterns = new Map<string, RegExp>();

function compiled(pattern: string): RegExp {
  let expression = patterns.get(pattern);
  if (expression === undefined) {
    expression = new RegExp(pattern, "u");
    patterns.set(pattern, expression);
  }
  return expression;
}

function visitString(value: string, schema: StructuralSchema, path: string, causes: Cause[]): void {
  if (schema.type !== "string") return;
  if (schema.format === "date-time" && !isDateTime(value)) {
    const text = JSON.stringify(value);
    causes.push({
      reason: "FieldValueTypeInvalid",
      message: `Invalid value: ${text}: ${path} in body must be of type date-time: ${text}`,
      field: path,
    });
  }
  const { minLength, maxLength, pattern } = schema;
  // Lengths are counted in characters, whatever the text says; only the first fault of a text is reported.
  const length = minLength === undefined && maxLength === undefined ? 0 : [...value].length;
  if (maxLength !== undefined && length > maxLength) {
    causes.push({
      reason: "FieldValueTooLong",
      message: `Too long: may not be more than ${maxLength} bytes`,
      field: path,
    });
  } else if (minLength !== undefined && length < minLength) {
    causes.push(invalid(path, value, `${path} in body should be at least ${minLength} chars long`));
  } else if (pattern !== undefined && !compiled(pattern).test(value)) {
    causes.push(invalid(path, value, `${path} in body should match '${pattern}'`));
  }
}

function visitNumber(value: number, schema: StructuralSchema, path: string, causes: Cause[]): void {
  const { minimum, maximum } = schema;
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    const relation = schema.exclusiveMaximum === true ? "less than" : "less than or equal to";
    causes.push(invalid(path, value, `${path} in body should be ${relation} ${maximum}`));
  }
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    const relation = schema.exclusiveMinimum === true ? "greater than" : "greater than or equal to";
    causes.push(invalid(path, value, `${path} in body should be ${relation} ${minimum}`));
  }
}

function visitArray(
  value: readonly unknown[],
  schema: StructuralSchema,
  path: string,
  causes: Cause[],
): void {
  if (schema.type !== "array") return;
  const { items, minItems, maxItems } = schema;
  if (items !== undefined) value.forEach((item, index) => visit(item, items, `${path}[${index}]`, causes));
  if (minItems !== undefined && value.length < minItems) {
    causes.push(invalid(path, value.length, `${path} in body should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && value.length > maxItems) causes.push(tooMany(path, value.length, maxItems));
  if (schema["x-kubernetes-list-type"] === "map") visitListMap(value, schema, path, causes);
  if (schema["x-kubernetes-list-type"] === "set") visitSet(value, path, causes);
}

function tooMany(field: string, count: number, most: number): Cause {
  return {
    reason: "FieldValueTooMany",
    message: `Too many: ${count}: must have at most ${most} items`,
    field,
  };
}

function visitListMap(
  value: readonly unknown[],
  schema: StructuralSchema,
  path: string,
  causes: Cause[],
): void {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const seen = new Map<string, number>();
  for (const [index, item] of value.entries()) {
    if (item === null) continue;
    if (!isFields(item)) {
      causes.push(invalid(`${path}[${index}]`, item, "must be an object for an array of list-type map"));
      continue;
    }
    const key: Record<string, unknown> = {};
    for (const name of keys) if (item[name] !== undefined) key[name] = item[name];
    const text = JSON.stringify(key);
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    // Only the second of several is reported, as kube-apiserver does.
    if (times === 1)
      causes.push({
        reason: "FieldValueDuplicate",
        message: `Duplicate value: ${text}`,
        field: `${path}[${index}]`,
      });
  }
}

function visitSet(value: readonly unknown[], path: string, causes: Cause[]): void {
  const seen = new Map<string, number>();
  for (const [index, item] of value.entries()) {
    const text = JSON.stringify(item);
    const times = seen.get(text) ?? 0;
    seen.set(text, times + 1);
    if (times === 1)
      causes.push({
        reason: "FieldValueDuplicate",
        message: `Duplicate value: ${text}`,
        field: `${path}[${index}]`,
      });
  }
}

function visitObject(
  value: Readonly<Record<string, unknown>>,
  schema: StructuralSchema,
  path: string,
  causes: Cause[],
): void {
  if (schema.type !== "object") return;
  const below = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const { properties = {}, additionalProperties, minProperties, maxProperties } = schema;
  const count = Object.keys(value).length;
  if (minProperties !== undefined && count < minProperties) {
    causes.push(invalid(path, count, `${path} in body should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && count > maxProperties) causes.push(tooMany(path, count, maxProperties));
  for (const key of Object.keys(value)) {
    const child = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (child !== undefined) visit(value[key], child, below(key), causes);
  }
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key))
      causes.push({ reason: "FieldValueRequired", message: "Required value", field: below(key) });
  }
}
