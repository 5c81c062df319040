/** What a kind reconciler makes of an object: the external resources it stands for, and what they need of each other. */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import type { ObservationSource } from "./observation-source.ts";
import type { LookupDefinition, Outputs, ResourceDefinition } from "./resource.ts";

/** A provider identity that can be talked to. */
export interface ConnectionHandle<Client = unknown> {
  /** `<namespace>/<name>` of the Connection. */
  key: string;
  provider: string;
  /** The account things are created in: a GitHub owner, a Neon organization, a Cloudflare account id. */
  account: string;
  client: Client;
  source: ObservationSource;
  /** See `witness.ts`. */
  witnessKey: Uint8Array;
}

/** Outputs of the nodes that a node needs, by slot. */
export type Inputs = ReadonlyMap<string, Outputs>;

interface NodeBase {
  slot: string;
  /** A connection that cannot be used fails this node alone (law 7). */
  connection: ConnectionHandle | FlaresmithError;
  /** Slots whose outputs are needed first. */
  needs: readonly string[];
}

export interface ResourceNode extends NodeBase {
  kind: "resource";
  definition: ResourceDefinition<unknown, unknown, unknown>;
  /** Idempotency key, `<namespace>/<project>-<resource>-<environment>`. */
  key: string;
  /** Pure. May throw FlaresmithError when an input is wrong or missing. */
  desired(inputs: Inputs): unknown;
  /** For types that cannot carry a marker: the slot they lie in, or whether the thing they lie in is ours. */
  parent: { slot: string } | { ours: boolean };
  /** What happens to it when it leaves the spec or the object is deleted. */
  removal: "Orphan" | "Delete";
  /** Ephemeral things are recreated when they vanish, even if they hold data: a preview's are copies. */
  ephemeral: boolean;
}

export interface LookupNode extends NodeBase {
  kind: "lookup";
  definition: LookupDefinition<unknown, unknown>;
  input(inputs: Inputs): unknown;
}

export type GraphNode = ResourceNode | LookupNode;

/** Declares a resource with its types checked against the definition. A parent slot is needed by itself. Defaults: no needs, parent not ours, not ephemeral. */
export function resource<Desired, Observed, Client>(options: {
  slot: string;
  definition: ResourceDefinition<Desired, Observed, Client>;
  connection: ConnectionHandle<Client> | FlaresmithError;
  key: string;
  desired(inputs: Inputs): Desired;
  removal: "Orphan" | "Delete";
  needs?: readonly string[];
  parent?: { slot: string } | { ours: boolean };
  ephemeral?: boolean;
}): ResourceNode {
  const { needs = [], parent = { ours: false }, ephemeral = false } = options;
  const known = "slot" in parent && !needs.includes(parent.slot) ? [...needs, parent.slot] : needs;
  return { ...options, kind: "resource", needs: known, parent, ephemeral };
}

/** Declares a lookup. */
export function lookup<Input, Client>(options: {
  slot: string;
  definition: LookupDefinition<Input, Client>;
  connection: ConnectionHandle<Client> | FlaresmithError;
  input(inputs: Inputs): Input;
  needs?: readonly string[];
}): LookupNode {
  const { needs = [], definition, ...rest } = options;
  return { kind: "lookup", ...rest, definition, needs };
}

/** One output of a needed node. @throws FlaresmithError INTERNAL when the graph names an output that does not exist */
export function input<Value>(inputs: Inputs, slot: string, name: string): Value {
  const value = inputs.get(slot)?.[name];
  if (value === undefined) {
    throw new FlaresmithError({
      code: "INTERNAL_ERROR",
      message: `the graph asks ${slot} for ${name}, which it does not give`,
    });
  }
  return value as Value;
}

/**
 * Checks that slots are unique and that needs exist and form no cycle.
 * @throws FlaresmithError INTERNAL
 */
export function checkGraph(nodes: readonly GraphNode[]): void {
  const bySlot = new Map<string, GraphNode>();
  const fail = (message: string): never => {
    throw new FlaresmithError({ code: "INTERNAL_ERROR", message });
  };
  for (const node of nodes) {
    if (bySlot.has(node.slot)) fail(`two nodes have the slot ${node.slot}`);
    bySlot.set(node.slot, node);
  }
  const done = new Set<string>();
  const visit = (slot: string, path: readonly string[]): void => {
    if (done.has(slot)) return;
    if (path.includes(slot)) fail(`the graph has a cycle: ${[...path, slot].join(" -> ")}`);
    const node = bySlot.get(slot);
    if (!node) return fail(`${path.at(-1) ?? "the graph"} needs ${slot}, which is not in the graph`);
    for (const need of node.needs) visit(need, [...path, slot]);
    done.add(slot);
  };
  for (const node of nodes) visit(node.slot, []);
}

/** Slot of what the node is a part of, when that is of the same object. */
export function partOf(node: ResourceNode): string | undefined {
  return "slot" in node.parent ? node.parent.slot : undefined;
}
