import type { KubernetesObject, StatusCause } from "../../resource-client.ts";
import { equalJson, isObject, setField } from "../../../runtime/json.ts";
import type { TypeDefinition, ValidationContext } from "../type-definition.ts";
import { decodeStruct, field, objectSchema } from "./struct.ts";

const KEY = /^[-._a-zA-Z0-9]+$/;
const KEY_TEXT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const MAX_BYTES = 1024 * 1024;

/** What is wrong with how much a Secret or ConfigMap holds: keys do not count. */
export function validateDataSize(values: { texts?: unknown; bytes?: unknown }, field: string): StatusCause[] {
  const sizeOf = (data: unknown, encoding: "utf8" | "base64"): number =>
    isObject(data)
      ? Object.values(data).reduce<number>(
          (sum, value) => sum + Buffer.byteLength(String(value), encoding),
          0,
        )
      : 0;
  if (sizeOf(values.texts, "utf8") + sizeOf(values.bytes, "base64") <= MAX_BYTES) return [];
  const message = `Too long: may not be more than ${MAX_BYTES} bytes`;
  return [{ reason: "FieldValueTooLong", message, field }];
}

/** What is wrong with the keys of a Secret's or ConfigMap's data (core validation `IsConfigMapKey`). */
export function validateDataKeys(data: unknown, field: string): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!isObject(data)) return causes;
  for (const key of Object.keys(data).toSorted()) {
    const at = `${field}[${key}]`;
    if (key.length > 253) causes.push(wrong(at, key, "must be no more than 253 characters"));
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

const required = (field: string): StatusCause => ({
  reason: "FieldValueRequired",
  message: "Required value",
  field,
});

/** A value that has to be there and has to be JSON. Its text stays out of the message. */
function jsonCauses(data: Record<string, unknown>, key: string): StatusCause[] {
  const value = data[key];
  if (typeof value !== "string") return [required(`data[${key}]`)];
  try {
    JSON.parse(Buffer.from(value, "base64").toString());
    return [];
  } catch {
    return [wrong(`data[${key}]`, "<secret contents redacted>", "must be JSON")];
  }
}

/** What the types of Kubernetes ask of their data (core validation `ValidateSecret`). */
function typeCauses(object: KubernetesObject, data: Record<string, unknown>): StatusCause[] {
  const missing = (...keys: string[]): StatusCause[] =>
    keys.filter((key) => data[key] === undefined).map((key) => required(`data[${key}]`));
  switch (object["type"]) {
    case "kubernetes.io/service-account-token": {
      const key = "kubernetes.io/service-account.name";
      return (object.metadata.annotations?.[key] ?? "") === ""
        ? [required(`metadata.annotations[${key}]`)]
        : [];
    }
    case "kubernetes.io/dockercfg":
      return jsonCauses(data, ".dockercfg");
    case "kubernetes.io/dockerconfigjson":
      return jsonCauses(data, ".dockerconfigjson");
    case "kubernetes.io/basic-auth": {
      const causes = missing("username", "password");
      // One of them will do.
      return causes.length === 2 ? causes : [];
    }
    case "kubernetes.io/ssh-auth":
      return (data["ssh-privatekey"] ?? "") === "" ? [required("data[ssh-privatekey]")] : [];
    case "kubernetes.io/tls":
      return missing("tls.crt", "tls.key");
    default:
      return [];
  }
}

function validate(object: KubernetesObject, { old }: ValidationContext): StatusCause[] {
  const causes = validateDataKeys(object["data"], "data");
  const data = isObject(object["data"]) ? object["data"] : {};
  causes.push(...validateDataSize({ bytes: data }, "data"));
  causes.push(...typeCauses(object, data));
  if (old !== undefined && object["type"] !== old["type"])
    causes.push(wrong("type", String(object["type"]), "field is immutable"));
  causes.push(...validateImmutable(object, old, ["data"]));
  return causes;
}

/** core/v1 Secret: stringData is merged into data, type is Opaque unless set and never changes. */
export const secretType: TypeDefinition = {
  type: { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true },
  singular: "secret",
  shortNames: [],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  builtIn: true,
  unconditionalUpdate: true,
  schema: objectSchema("Values that must not be seen, such as credentials of a Connection.", {
    data: field.bytes("The values by key, in base64."),
    stringData: field.texts("The values by key as plain text; write-only, merged into data."),
    type: field.text("What the secret is for. Default Opaque. Cannot be changed."),
    immutable: field.flagPointer("Whether the values can no longer be changed."),
  }),
  decode(object) {
    const decoded = decodeStruct(object, secretType);
    const plain = object["stringData"];
    if (isObject(plain)) {
      const data = isObject(object["data"]) ? object["data"] : {};
      for (const [key, value] of Object.entries(plain))
        setField(data, key, Buffer.from(String(value)).toString("base64"));
      object["data"] = data;
    }
    delete object["stringData"];
    object["type"] ??= "Opaque";
    return decoded;
  },
  validate,
  selectableFields: { type: ({ type }) => (typeof type === "string" ? type : "") },
};
