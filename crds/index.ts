/** Every kind, and the CustomResourceDefinitions made from them. */
import { connection } from "./connection.ts";
import { environment } from "./environment.ts";
import { CATEGORY, GROUP, VERSION, type KindDefinition } from "./kind.ts";
import { preview } from "./preview.ts";
import { project } from "./project.ts";
import { kindSchema, type StructuralSchema } from "./schema/structural.ts";
import { source } from "./source.ts";

/** Every kind of ours, in the order in which they are applied. */
export const kinds: readonly KindDefinition[] = [connection, source, project, environment, preview];

/** What names a served kind in URLs; the shape of the store's ResourceType. */
export interface KindResourceType {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

/** Group, version and plural of a kind. */
export function resourceType(kind: KindDefinition): KindResourceType {
  return { group: GROUP, version: VERSION, kind: kind.kind, plural: kind.plural, namespaced: true };
}

/** A CustomResourceDefinition, apiextensions.k8s.io/v1, as far as we write one. */
export interface CustomResourceDefinition {
  apiVersion: "apiextensions.k8s.io/v1";
  kind: "CustomResourceDefinition";
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    group: string;
    names: {
      kind: string;
      listKind: string;
      plural: string;
      singular: string;
      shortNames: readonly string[];
      categories: readonly string[];
    };
    scope: "Namespaced";
    versions: readonly {
      name: string;
      served: true;
      storage: true;
      subresources: { status: Record<string, never> };
      additionalPrinterColumns: readonly {
        name: string;
        type: string;
        jsonPath: string;
        description: string;
        priority?: number;
      }[];
      schema: { openAPIV3Schema: StructuralSchema };
    }[];
  };
}

const schemas = new Map<KindDefinition, StructuralSchema>();

/** The schema of a kind's whole object, made once. The result is shared: do not change it. */
export function schemaOf(kind: KindDefinition): StructuralSchema {
  let schema = schemas.get(kind);
  if (schema === undefined) {
    schema = kindSchema(kind);
    schemas.set(kind, schema);
  }
  return schema;
}

/** The CustomResourceDefinition of a kind; its schema is shared: do not change it. */
export function crdOf(kind: KindDefinition): CustomResourceDefinition {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${kind.plural}.${GROUP}`, labels: { "app.kubernetes.io/part-of": "flaresmith" } },
    spec: {
      group: GROUP,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
        categories: [CATEGORY],
      },
      scope: "Namespaced",
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns,
          schema: { openAPIV3Schema: schemaOf(kind) },
        },
      ],
    },
  };
}
