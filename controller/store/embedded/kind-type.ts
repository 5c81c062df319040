import { crdOf, resourceType, schemaOf } from "../../../crds/index.ts";
import { CATEGORY, type CrossFieldRule, type KindDefinition } from "../../../crds/kind.ts";
import { applyDefaults, pruneUnknownFields } from "../../../crds/schema/prepare.ts";
import { validateRules } from "../../../crds/schema/rules.ts";
import {
  blocksRules,
  RULES_NOT_CHECKED,
  validateStatus,
  validateStructure,
} from "../../../crds/schema/validate.ts";
import type { ResourceType } from "../resource-client.ts";
import type { Schema } from "./schema.ts";
import type { TypeDefinition } from "./type-definition.ts";

export interface CustomTypeOptions {
  type: ResourceType;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  /** Structural schema of the whole object. */
  schema: Schema;
  rules: readonly CrossFieldRule[];
}

/** A custom resource as a type of the store: pruned, defaulted and validated as a cluster does it from the CRD. */
export function customType(options: CustomTypeOptions): TypeDefinition {
  const { schema, rules, ...names } = options;
  const blank: Record<string, unknown> = {};
  applyDefaults(blank, { properties: { status: schema.properties?.["status"] ?? {} } });
  return {
    ...names,
    hasStatus: true,
    hasGeneration: true,
    initialStatus: blank["status"],
    schema,
    decode(object, { applied }) {
      const unknownFields = pruneUnknownFields(object, schema);
      applyDefaults(object, schema, { keepNulls: applied });
      return { unknownFields };
    },
    validate(object, { old, causes, status }) {
      if (status) {
        const found = validateStatus(object["status"], schema);
        return blocksRules([...causes, ...found]) && rules.length > 0 ? [...found, RULES_NOT_CHECKED] : found;
      }
      const found = validateStructure(object, schema);
      if (blocksRules([...causes, ...found]))
        return rules.length === 0 ? found : [...found, RULES_NOT_CHECKED];
      return [...found, ...validateRules(rules, schema, object, old)];
    },
  };
}

/** A kind of ours as a type of the store. */
export function kindType(kind: KindDefinition): TypeDefinition {
  const definition = customType({
    type: resourceType(kind),
    singular: kind.singular,
    shortNames: kind.shortNames,
    categories: [CATEGORY],
    schema: schemaOf(kind),
    rules: kind.rules,
  });
  return { ...definition, customResourceDefinition: crdOf(kind) };
}
