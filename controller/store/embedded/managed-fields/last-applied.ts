/** The annotation of client-side `kubectl apply`, so that both ways of applying can follow each other. */
import type { KubernetesObject } from "../../resource-client.ts";
import { isObject } from "../../../runtime/json.ts";
import type { TypeDefinition } from "../type-definition.ts";
import { difference, type PathSet } from "./path-set.ts";
import { mergeSchema } from "./shape.ts";
import { compare, fieldSetOf } from "./values.ts";

/** What client-side apply remembers its configuration in. */
export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
/** Larger annotations are dropped by kubectl and kube-apiserver alike. */
const LONGEST = 256 * 1024;

/** Fields that client-side apply set and that still have its value; undefined when there is no such record. */
export function allowedByLastApplied(
  definition: TypeDefinition,
  live: KubernetesObject,
): PathSet | undefined {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined || text === "") return undefined;
  let applied: unknown;
  try {
    applied = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(applied) || applied["apiVersion"] !== live.apiVersion) return undefined;
  const schema = mergeSchema(definition.schema);
  const { added, modified, removed } = compare(applied, live, schema);
  return difference(difference(difference(fieldSetOf(applied, schema), modified), added), removed);
}

/** Brings the annotation up to what was applied on the server, in place. */
export function syncLastApplied(object: KubernetesObject, config: KubernetesObject): void {
  const { [LAST_APPLIED]: _, ...annotations } = config.metadata.annotations ?? {};
  const copy = { ...config, metadata: { ...config.metadata, annotations } };
  const text = `${JSON.stringify(copy)}\n`;
  const all = { ...object.metadata.annotations };
  if (text.length > LONGEST) delete all[LAST_APPLIED];
  else all[LAST_APPLIED] = text;
  object.metadata.annotations = all;
}
