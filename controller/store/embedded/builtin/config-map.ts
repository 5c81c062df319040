import { isObject } from "../../../runtime/json.ts";
import type { TypeDefinition } from "../type-definition.ts";
import { decodeStruct, field, objectSchema } from "./struct.ts";
import { validateDataKeys, validateDataSize, validateImmutable } from "./secret.ts";

/** core/v1 ConfigMap. */
export const configMapType: TypeDefinition = {
  type: { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true },
  singular: "configmap",
  shortNames: ["cm"],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  builtIn: true,
  unconditionalUpdate: true,
  schema: objectSchema("Configuration by key.", {
    data: field.texts("The values by key, as text."),
    binaryData: field.bytes("Binary values by key, in base64."),
    immutable: field.flagPointer("Whether the values can no longer be changed."),
  }),
  decode: (object) => decodeStruct(object, configMapType),
  validate(object, { old }) {
    const causes = [
      ...validateDataKeys(object["data"], "data"),
      ...validateDataKeys(object["binaryData"], "binaryData"),
    ];
    const data = isObject(object["data"]) ? object["data"] : {};
    for (const key of Object.keys(data)) {
      if (isObject(object["binaryData"]) && Object.hasOwn(object["binaryData"], key)) {
        causes.push({
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(key)}: duplicate of key present in binaryData`,
          field: `data[${key}]`,
        });
      }
    }
    // kube-apiserver names no field here, which it prints so.
    causes.push(...validateDataSize({ texts: object["data"], bytes: object["binaryData"] }, "[]"));
    causes.push(...validateImmutable(object, old, ["data", "binaryData"]));
    return causes;
  },
};
