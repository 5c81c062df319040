import type { TypeDefinition } from "../type-definition.ts";
import { decodeStruct, field, objectSchema, zeroObject } from "./struct.ts";

const schema = objectSchema("A space for names of objects.", {
  spec: field.struct("What should be.", {
    finalizers: {
      description: "What must be done before the namespace goes.",
      type: "array",
      items: { type: "string", default: "" },
    },
  }),
  status: field.struct("What is the case.", {
    phase: field.text("Active or Terminating."),
    conditions: {
      description: "What is the case, in more detail.",
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
      items: field.struct("One condition.", {
        type: field.plainText("Which condition."),
        status: field.plainText("True, False or Unknown."),
        lastTransitionTime: field.plainTime(field.time("When the status changed.")),
        reason: field.text("Why, in one word for programs."),
        message: field.text("Why, for people."),
      }),
    },
  }),
});

/** core/v1 Namespace. Deleting one deletes what it holds; it goes once it is empty. */
export const namespaceType: TypeDefinition = {
  type: { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false },
  singular: "namespace",
  shortNames: ["ns"],
  categories: [],
  hasStatus: true,
  hasGeneration: false,
  verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
  builtIn: true,
  unconditionalUpdate: true,
  schema,
  zero: zeroObject(schema),
  decode(object) {
    const decoded = decodeStruct(object, namespaceType);
    object.metadata.labels = {
      ...object.metadata.labels,
      "kubernetes.io/metadata.name": object.metadata.name,
    };
    return decoded;
  },
  complete(object, { old }) {
    object["spec"] = { finalizers: ["kubernetes"] };
    object["status"] = old?.["status"] ?? { phase: "Active" };
  },
  selectableFields: {
    "status.phase": (object) => (object["status"] as { phase?: string } | undefined)?.phase ?? "",
  },
};
