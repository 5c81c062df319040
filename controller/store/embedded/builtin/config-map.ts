import { shapeObject, type Struct } from "../field-shape.ts";
import { isObject } from "../../../runtime/json.ts";
import type { TypeDefinition } from "../type-definition.ts";
import { validateDataKeys, validateImmutable } from "./secret.ts";

const type = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true };
const FIELDS: Struct["fields"] = { data: "map", binaryData: "map", immutable: "boolean" };

/** core/v1 ConfigMap. */
export const configMapType: TypeDefinition = {
  type,
  singular: "configmap",
  shortNames: ["cm"],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  prepare: (object) => ({ unknownFields: shapeObject(type, FIELDS, object) }),
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
          message: `Invalid value: ${JSON.stringify(key)}: duplicate of key present in data`,
          field: `binaryData[${key}]`,
        });
      }
    }
    causes.push(...validateImmutable(object, old, ["data", "binaryData"]));
    return causes;
  },
};
