import type { TypeDefinition } from "../type-definition.ts";
import { configMapType } from "./config-map.ts";
import { customResourceDefinitionType } from "./custom-resource-definition.ts";
import { eventType, newEventType } from "./event.ts";
import { leaseType } from "./lease.ts";
import { namespaceType } from "./namespace.ts";
import { secretType } from "./secret.ts";

/** The types of Kubernetes itself that the embedded store serves besides kinds of ours. */
export const builtinTypes: readonly TypeDefinition[] = [
  namespaceType,
  secretType,
  configMapType,
  eventType,
  newEventType,
  leaseType,
  customResourceDefinitionType,
];
