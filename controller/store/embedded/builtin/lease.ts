import type { StatusCause } from "../../resource-client.ts";
import { shapeObject, type Struct } from "../field-shape.ts";
import { isObject } from "../../../runtime/json.ts";
import type { TypeDefinition } from "../type-definition.ts";

const type = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
};
const FIELDS: Struct["fields"] = {
  spec: {
    struct: "LeaseSpec",
    fields: {
      holderIdentity: "string",
      leaseDurationSeconds: "number",
      acquireTime: "string",
      renewTime: "string",
      leaseTransitions: "number",
      strategy: "string",
      preferredHolder: "string",
    },
  },
};

/** coordination.k8s.io/v1 Lease. */
export const leaseType: TypeDefinition = {
  type,
  singular: "lease",
  shortNames: [],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  prepare(object) {
    const unknownFields = shapeObject(type, FIELDS, object);
    if (object["spec"] === undefined) object["spec"] = {};
    return { unknownFields };
  },
  validate(object) {
    const spec = isObject(object["spec"]) ? object["spec"] : {};
    const causes: StatusCause[] = [];
    for (const [field, least, text] of [
      ["leaseDurationSeconds", 1, "must be greater than 0"],
      ["leaseTransitions", 0, "must be greater than or equal to 0"],
    ] as const) {
      const value = spec[field];
      if (typeof value === "number" && value < least) {
        causes.push({
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(value)}: ${text}`,
          field: `spec.${field}`,
        });
      }
    }
    return causes;
  },
};
