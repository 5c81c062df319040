import type { KubernetesObject, StatusCause } from "../../resource-client.ts";
import { shapeObject, type Struct } from "../field-shape.ts";
import { equalJson, isObject, setField, shownJson } from "../../../runtime/json.ts";
import type { TypeDefinition, ValidationContext } from "../type-definition.ts";

const KEY = /^[-._a-zA-Z0-9]+$/;
const KEY_TEXT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MAX_BYTES = 1024 * 1024;

/** What is wrong with the keys of a Secret's or ConfigMap's data (core validation `IsConfigMapKey`). */
export function validateDataKeys(data: unknown, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!isObject(data)) return causes;
  for (const key of Object.keys(data).toSorted()) {
    const at = `${field}[${key}]`;
    if (key.length > 253) causes.push(wrong(at, key, "must be no more than 253 bytes"));
    if (!KEY.test(key)) causes.push(wrong(at, key, KEY_TEXT));
    else if (key === "." || key === "..") causes.push(wrong(at, key, `must not be '${key}'`));
  }
  return causes;
}

function wrong(field: string, value: string, text: string): StatusCause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${text}`, field };
}

/** Errors of changing an object with `immutable: true`. */
export function validateImmutable(
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  fields: readonly string[],
): StatusCause[] {
  if (old?.["immutable"] !== true) return [];
  const causes: StatusCause[] = [];
  if (object["immutable"] !== true) causes.push(immutable("immutable"));
  for (const field of fields) if (!equalJson(object[field], old[field])) causes.push(immutable(field));
  return causes;
}

function immutable(field: string): StatusCause {
  return {
    reason: "FieldValueForbidden",
    message: "Forbidden: field is immutable when `immutable` is set",
    field,
  };
}

function validate(object: KubernetesObject, { old }: ValidationContext): StatusCause[] {
  const causes = validateDataKeys(object["data"], "data");
  const data = isObject(object["data"]) ? object["data"] : {};
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    if (typeof value !== "string" || !BASE64.test(value)) {
      // The value itself stays out of the text: it may be the plain secret.
      causes.push({
        reason: "FieldValueInvalid",
        message: "Invalid value: must be base64; use stringData for plain text",
        field: `data[${key}]`,
      });
    } else size += Buffer.byteLength(value, "base64");
  }
  if (size > MAX_BYTES)
    causes.push({
      reason: "FieldValueTooLong",
      message: `Too long: may not be more than ${MAX_BYTES} bytes`,
      field: "data",
    });
  if (old !== undefined && object["type"] !== old["type"])
    causes.push(wrong("type", shownJson(object["type"]), "field is immutable"));
  causes.push(...validateImmutable(object, old, ["data"]));
  return causes;
}

const type = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };
const FIELDS: Struct["fields"] = { data: "map", stringData: "map", type: "string", immutable: "boolean" };

/** core/v1 Secret: stringData is merged into data, type is Opaque unless set and never changes. */
export const secretType: TypeDefinition = {
  type,
  singular: "secret",
  shortNames: [],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  prepare(object) {
    const unknownFields = shapeObject(type, FIELDS, object);
    const plain = object["stringData"];
    if (isObject(plain)) {
      const data = isObject(object["data"]) ? { ...object["data"] } : {};
      for (const [key, value] of Object.entries(plain))
        setField(data, key, Buffer.from(shownJson(value)).toString("base64"));
      object["data"] = data;
    }
    delete object["stringData"];
    if (object["type"] === undefined || object["type"] === "") object["type"] = "Opaque";
    return { unknownFields };
  },
  validate,
  selectableFields: { type: ({ type }) => (typeof type === "string" ? type : "") },
};
