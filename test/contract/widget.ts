/** A custom resource with one field of every sort, for asking a real kube-apiserver and the embedded store the same. */
import type { CrossFieldRule } from "../../crds/kind.ts";
import type { StructuralSchema } from "../../crds/schema/structural.ts";
import { customType, type TypeDefinition } from "../../controller/store/embedded/index.ts";

const spec: StructuralSchema = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", minLength: 1, maxLength: 5, pattern: "^[a-z]+$" },
    count: { type: "integer", format: "int64", minimum: 0, maximum: 10, default: 3 },
    ratio: { type: "number", minimum: 0.5 },
    on: { type: "boolean" },
    mode: { type: "string", enum: ["A", "B"] },
    list: { type: "array", minItems: 1, maxItems: 2, items: { type: "string", maxLength: 3 } },
    items: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: {
        type: "object",
        required: ["name"],
        properties: {
          name: { type: "string" },
          value: { type: "string" },
          size: { type: "integer", default: 1 },
        },
      },
    },
    map: { type: "object", additionalProperties: { type: "string", maxLength: 2 } },
    when: { type: "string", format: "date-time" },
    nested: {
      type: "object",
      required: ["b"],
      properties: { a: { type: "string", default: "z" }, b: { type: "string" } },
    },
  },
  "x-kubernetes-validations": [
    { rule: "!has(self.ratio) || self.count > 0", message: "ratio needs count" },
    { rule: "self.name == oldSelf.name", message: "name is fixed" },
  ],
};

/** The schema of the whole object, as it stands in the CustomResourceDefinition. */
const widgetSchema: StructuralSchema = {
  type: "object",
  required: ["spec"],
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec,
    status: {
      type: "object",
      default: { observedGeneration: -1 },
      properties: { observedGeneration: { type: "integer" }, note: { type: "string" } },
    },
  },
};

interface WidgetSpec {
  name: string;
  count: number;
  ratio?: number;
}

const rules: readonly CrossFieldRule[] = [
  {
    path: "spec",
    cel: "!has(self.ratio) || self.count > 0",
    message: "ratio needs count",
    test: (value: WidgetSpec) => value.ratio === undefined || value.count > 0,
  },
  {
    path: "spec",
    cel: "self.name == oldSelf.name",
    message: "name is fixed",
    test: (value: WidgetSpec, old) => value.name === (old as WidgetSpec).name,
  },
];

export const widgetType = {
  group: "probe.dev",
  version: "v1alpha1",
  kind: "Widget",
  plural: "widgets",
  namespaced: true,
} as const;

/** The widget as a type of the embedded store. */
export const widgetDefinition: TypeDefinition = customType({
  type: widgetType,
  singular: "widget",
  shortNames: [],
  categories: [],
  schema: widgetSchema,
  rules,
});

/** The CustomResourceDefinition to give to a real API server. */
export const widgetCrd = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.probe.dev" },
  spec: {
    group: "probe.dev",
    scope: "Namespaced",
    names: { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" },
    versions: [
      {
        name: "v1alpha1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: widgetSchema },
      },
    ],
  },
};
