import type { TypeDefinition } from "../type-definition.ts";

/** core/v1 Namespace. Deleting one deletes what it holds; it goes once it is empty. */
export const namespaceType: TypeDefinition = {
  type: { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false },
  singular: "namespace",
  shortNames: ["ns"],
  categories: [],
  hasStatus: true,
  hasGeneration: false,
  prepare(object, { old }) {
    object["spec"] = { finalizers: ["kubernetes"] };
    object["status"] = old?.["status"] ?? { phase: "Active" };
    object.metadata.labels = {
      ...object.metadata.labels,
      "kubernetes.io/metadata.name": object.metadata.name,
    };
    return { unknownFields: [] };
  },
  selectableFields: {
    "status.phase": (object) => (object["status"] as { phase?: string } | undefined)?.phase ?? "",
  },
};
