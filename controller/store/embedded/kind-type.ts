import { resourceType, schemaOf } from "../../../crds/index.ts";
import { CATEGORY, type KindDefinition } from "../../../crds/kind.ts";
import { applyDefaults, pruneUnknownFields } from "../../../crds/schema/prepare.ts";
import { validateRules } from "../../../crds/schema/rules.ts";
import { blocksRules, RULES_NOT_CHECKED, validateStructure } from "../../../crds/schema/validate.ts";
import type { TypeDefinition } from "./type-definition.ts";

/** A kind of ours as a type of the store: pruned, defaulted and validated as a cluster does it from the CRD. */
export function kindType(kind: KindDefinition): TypeDefinition {
  const schema = schemaOf(kind);
  return {
    type: resourceType(kind),
    singular: kind.singular,
    shortNames: kind.shortNames,
    categories: [CATEGORY],
    hasStatus: true,
    hasGeneration: true,
    schema,
    prepare(object) {
      const unknownFields = pruneUnknownFields(object, schema);
      applyDefaults(object, schema);
      return { unknownFields };
    },
    validate(object, { old, causes }) {
      const found = validateStructure(object, schema);
      if (blocksRules([...causes, ...found])) return kind.rules.length === 0 ? found : [...found, RULES_NOT_CHECKED];
      return [...found, ...validateRules(kind, schema, object, old)];
    },
  };
}
