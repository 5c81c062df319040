/** Cross-field rules of a kind, run through their twins where a cluster runs CEL. */
import type { CrossFieldRule } from "../kind.ts";
import { isFields } from "./json.ts";
import type { StructuralSchema } from "./structural.ts";
import type { Cause } from "./validate.ts";

interface Place {
  field: string;
  value: unknown;
  /** The value before, when it can be told which one it was. */
  old: unknown;
}

/** Everywhere in an object that a rule path (`spec.secrets[].from`) leads to. */
function places(object: unknown, old: unknown, schema: StructuralSchema, path: string): Place[] {
  let found: Place[] = [{ field: "", value: object, old }];
  let at: StructuralSchema | undefined = schema;
  for (const part of path.split(".")) {
    const name = part.replace("[]", "");
    at = at?.properties?.[name];
    found = found.flatMap(({ field, value, old: before }) => {
      if (!isFields(value) || value[name] === undefined) return [];
      return [
        {
          field: field === "" ? name : `${field}.${name}`,
          value: value[name],
          old: isFields(before) ? before[name] : undefined,
        },
      ];
    });
    if (!part.endsWith("[]")) continue;
    const list = at;
    found = found.flatMap(({ field, value, old: before }) =>
      Array.isArray(value)
        ? value.map((item: unknown, index) => ({
            field: `${field}[${index}]`,
            value: item,
            old: counterpart(item, before, list),
          }))
        : [],
    );
    at = at?.items;
  }
  return found;
}

/** The item of the old list with the same keys; items of atomic lists have none, as in Kubernetes. */
function counterpart(item: unknown, old: unknown, list: StructuralSchema | undefined): unknown {
  const keys = list?.["x-kubernetes-list-map-keys"];
  if (keys === undefined || !Array.isArray(old) || !isFields(item)) return undefined;
  return old.find((one: unknown) => isFields(one) && keys.every((key) => one[key] === item[key])) as unknown;
}

/** What a rule says against a place; undefined when it holds. As kube-apiserver does, it quotes what is no object or list. */
function objection(rule: CrossFieldRule, { old, value }: Place): string | undefined {
  try {
    if (rule.test(value as never, old)) return undefined;
  } catch {
    // A value so wrong that the rule cannot be computed does not satisfy it; CEL reports an evaluation error then.
    return `Invalid value: ${rule.message}`;
  }
  const quoted = typeof value === "object" ? "" : `${JSON.stringify(value)}: `;
  return `Invalid value: ${quoted}${rule.message}`;
}

/**
 * The rules that a structurally valid object breaks.
 * @param old the stored object; rules that name `oldSelf` run only where it had a value
 */
export function validateRules(
  rules: readonly CrossFieldRule[],
  schema: StructuralSchema,
  object: unknown,
  old: unknown,
): Cause[] {
  const causes: Cause[] = [];
  for (const rule of rules) {
    const transition = /\boldSelf\b/.test(rule.cel);
    for (const place of places(object, old, schema, rule.path)) {
      if (transition && place.old === undefined) continue;
      const message = objection(rule, place);
      if (message !== undefined) causes.push({ reason: "FieldValueInvalid", message, field: place.field });
    }
  }
  return causes;
}
