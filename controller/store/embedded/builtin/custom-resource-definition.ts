import { timestamp, type Clock } from "../../../runtime/clock.ts";
import type { KubernetesObject } from "../../resource-client.ts";
import type { TypeDefinition } from "../type-definition.ts";
import { field, objectSchema } from "./struct.ts";

/** apiextensions.k8s.io/v1 CustomResourceDefinition: readable, written by the process itself at start only. */
export const customResourceDefinitionType: TypeDefinition = {
  type: {
    group: "apiextensions.k8s.io",
    version: "v1",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    namespaced: false,
  },
  singular: "customresourcedefinition",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  // No subresource here, because nobody but the process writes these.
  hasStatus: false,
  hasGeneration: true,
  builtIn: true,
  schema: objectSchema("Which kinds are served and what their objects look like. Read-only here.", {
    spec: field.pointer("Names, versions and schemas.", {}),
    status: field.pointer("What is the case.", {}),
  }),
  verbs: ["get", "list", "watch"],
};

/** A CustomResourceDefinition with the status of one that is served, as `kubectl wait --for=condition=Established` wants it. */
export function servedDefinition(crd: object, clock: Clock): KubernetesObject {
  const object = structuredClone(crd) as KubernetesObject & {
    spec: { names: unknown; versions: { name: string }[] };
  };
  const lastTransitionTime = timestamp(clock);
  return {
    ...object,
    status: {
      acceptedNames: object.spec.names,
      conditions: [
        {
          type: "NamesAccepted",
          status: "True",
          reason: "NoConflicts",
          message: "no conflicts found",
          lastTransitionTime,
        },
        {
          type: "Established",
          status: "True",
          reason: "InitialNamesAccepted",
          message: "the initial names have been accepted",
          lastTransitionTime,
        },
      ],
      storedVersions: object.spec.versions.map((version) => version.name),
    },
  };
}
