/** What the steps of one resource in one pass share. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ResourceNode } from "./graph.ts";
import type { SlotMemory } from "./memory.ts";
import type { NodeOptions } from "./pass.ts";
import type { Reference, ResourceContext } from "./resource.ts";

/** Everything about one resource node that its steps share. */
export interface Step {
  node: ResourceNode;
  options: NodeOptions;
  desired: unknown;
  specHash: string;
  reference: Reference;
  memory: SlotMemory;
  context: ResourceContext<unknown>;
}

/** Where the provider may call it otherwise than the spec does, its name there is the one to remember. */
export function followsName({ keepsIdentity }: ResourceNode["definition"]): boolean {
  return keepsIdentity === "name" || keepsIdentity === "both";
}

/** Of the Connection, for the inventory; undefined while it cannot be used. */
export function connectionKey(node: ResourceNode): string | undefined {
  return node.connection instanceof FlaresmithError ? undefined : node.connection.key;
}
