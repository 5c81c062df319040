import { shapeObject } from "../field-shape.ts";
import type { TypeDefinition } from "../type-definition.ts";

const type = { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false };

/** core/v1 Namespace. Deleting one deletes what it holds; it goes once it is empty. */
export const namespaceType: TypeDefinition = {
  type,
  singular: "namespace",
  shortNames: ["ns"],
  categories: [],
  hasStatus: true,
  hasGeneration: false,
  prepare(object, { old }) {
    const unknownFields = shapeObject(type, { spec: "object", status: "object" }, object);
    object["spec"] = { finalizers: ["kubernetes"] };
    object["status"] = old?.["status"] ?? { phase: "Active" };
    object.metadata.labels = {
      ...object.metadata.labels,
      "kubernetes.io/metadata.name": object.metadata.name,
    };
    return { unknownFields };
  },
  selectableFields: {
    "status.phase": (object) => (object["status"] as { phase?: string } | undefined)?.phase ?? "",
  },
};
