import type { StatusCause } from "../../resource-client.ts";
import { isObject } from "../../../runtime/json.ts";
import type { TypeDefinition } from "../type-definition.ts";
import { decodeStruct, field, objectSchema, zeroObject } from "./struct.ts";

const schema = objectSchema("Who holds something, and until when.", {
  spec: field.struct("The lease.", {
    holderIdentity: field.textPointer("Who holds it."),
    leaseDurationSeconds: field.integerPointer("How long it lasts without being renewed."),
    acquireTime: field.microTime("When it was acquired."),
    renewTime: field.microTime("When it was last renewed."),
    leaseTransitions: field.integerPointer("How often it changed hands."),
    strategy: field.textPointer("How the next holder is chosen."),
    preferredHolder: field.textPointer("Who should hold it next."),
  }),
});

/** coordination.k8s.io/v1 Lease. */
export const leaseType: TypeDefinition = {
  type: { group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases", namespaced: true },
  singular: "lease",
  shortNames: [],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  builtIn: true,
  createOnUpdate: true,
  schema,
  zero: zeroObject(schema),
  decode: (object) => decodeStruct(object, leaseType),
  validate(object) {
    const spec = isObject(object["spec"]) ? object["spec"] : {};
    const causes: StatusCause[] = [];
    for (const [field, least, text] of [
      ["leaseDurationSeconds", 1, "must be greater than 0"],
      ["leaseTransitions", 0, "must be greater than or equal to 0"],
    ] as const) {
      const value = spec[field];
      if (value !== undefined && value !== null && (typeof value !== "number" || value < least)) {
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
