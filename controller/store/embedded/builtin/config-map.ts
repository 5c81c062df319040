import { isObject } from "../../../runtime/json.ts";
import type { TypeDefinition } from "../type-definition.ts";
import { validateDataKeys, validateImmutable } from "./secret.ts";

/** core/v1 ConfigMap. */
export const configMapType: TypeDefinition = {
  type: { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true },
  singular: "configmap",
  shortNames: ["cm"],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  prepare(object) {
    for (const field of ["data", "binaryData"]) if (object[field] === null) delete object[field];
    return { unknownFields: [] };
  },
  validate(object, { old }) {
    const causes = [
      ...validateDataKeys(object["data"], "data"),
      ...validateDataKeys(object["binaryData"], "binaryData"),
    ];
    const data = isObject(object["data"]) ? object["data"] : {};
    for (const [key, value] of Object.entries(data)) {
      if (typeof value !== "string") {
        causes.push({
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(value)}: must be a string`,
          field: `data[${key}]`,
        });
      }
      if (isObject(object["binaryData"]) && Object.hasOwn(object["binaryData"], key)) {
        causes.push({
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(key)}: duplicate of key present in data`,
          field: `binaryData[${key}]`,
        });
      }
    }
    causes.push(...validateImmutable(object, old, ["data", "binaryData"]));
    return causes;
  },
};
