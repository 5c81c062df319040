/** Server-side apply. */
import type { KubernetesObject } from "../resource-client.ts";
import type { Transaction } from "./transaction.ts";
import type { TypeDefinition } from "./type-definition.ts";
import { createObject, replaceObject, type Written } from "./write.ts";
import { jsonMergePatch } from "./patch/json-merge-patch.ts";
import { parseObject } from "./state.ts";

export interface ApplyRequest {
  manager: string;
  status: boolean;
  force: boolean;
}

export function applyObject(tx: Transaction, definition: TypeDefinition, submitted: KubernetesObject, options: ApplyRequest): Written {
  const stored = tx.get(definition, definition.type.namespaced ? (submitted.metadata.namespace ?? "") : "", submitted.metadata.name);
  if (stored === undefined) return createObject(tx, definition, submitted, { manager: options.manager });
  const merged = jsonMergePatch(parseObject(stored.text), submitted) as KubernetesObject;
  return replaceObject(tx, definition, stored, merged, { manager: options.manager, status: options.status, unconditional: true });
}
