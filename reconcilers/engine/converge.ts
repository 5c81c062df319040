/**
 * One pass over an object's graph: every node observes, plans and acts as soon as what it needs is there. Nodes are
 * independent tasks, so a provider that is slow or down delays only those who need it (law 7); what they share is the
 * inventory, and the intents that must be durable before any of them creates (law 2).
 */
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { createActivity } from "./activity.ts";
import type { GraphNode, LookupNode } from "./graph.ts";
import { checkGraph } from "./graph.ts";
import { createIntents } from "./intents.ts";
import { RefusedIntent, toFlaresmithError } from "./pass.ts";
import type { NodeOptions, PassOptions } from "./pass.ts";
import type { Outputs } from "./resource.ts";
import type { NodeResult } from "./result.ts";
import { settle } from "./settle.ts";

/**
 * Converges a graph once. Never throws for a provider's fault; throws what `persist` throws, because a pass whose
 * intents are refused must not go on.
 */
export async function converge(options: PassOptions): Promise<NodeResult[]> {
  checkGraph(options.nodes);
  const activity = createActivity();
  const intents = createIntents({
    inventory: options.inventory,
    activity,
    clock: options.clock,
    write: () => options.persist(),
    check: () => options.confirm(),
  });
  const running = new Map<string, Promise<NodeResult>>();
  const bySlot = new Map(options.nodes.map((node) => [node.slot, node] as const));
  const start = (node: GraphNode): Promise<NodeResult> => {
    const known = running.get(node.slot);
    if (known) return known;
    const result = runNode(node);
    running.set(node.slot, result);
    return result;
  };
  /** Milliseconds since the last write to a node or to what it needs: it must not read what is older. */
  const sinceWriteOf = (node: GraphNode): number => {
    const slots = new Set<string>();
    const visit = (slot: string): void => {
      if (slots.has(slot)) return;
      slots.add(slot);
      for (const need of bySlot.get(slot)?.needs ?? []) visit(need);
    };
    visit(node.slot);
    const writes = [...slots].map(
      (slot) => options.memory.slots.get(slot)?.written?.at ?? Number.NEGATIVE_INFINITY,
    );
    return options.clock.monotonic() - Math.max(...writes);
  };
  const runNode = async (node: GraphNode): Promise<NodeResult> => {
    const needed = await Promise.all(
      node.needs.map((slot) => {
        const need = bySlot.get(slot);
        return need ? start(need) : Promise.reject(new Error(`no node ${slot}`));
      }),
    );
    const missing = needed.find((result) => result.outputs === undefined);
    const base = { slot: node.slot, provider: node.definition.provider };
    if (missing) return { ...base, status: "waiting", message: `${node.slot} waits for ${missing.slot}` };
    const inputs = new Map(needed.map((result) => [result.slot, result.outputs ?? {}] as const));
    activity.begin();
    const phase = { active: true };
    const leave = (): void => {
      if (phase.active) activity.end();
      phase.active = false;
    };
    try {
      return node.kind === "lookup"
        ? await look(node, inputs, { ...options, sinceWrite: sinceWriteOf(node) })
        : await settle(node, inputs, { ...options, sinceWrite: sinceWriteOf(node) }, intents, leave, running);
    } catch (error) {
      if (error instanceof RefusedIntent) throw error.cause;
      return { ...base, status: "failed", error: toFlaresmithError(error) };
    } finally {
      leave();
    }
  };
  // Whatever was refused, nobody goes on writing behind the back of the next pass.
  const ended = await Promise.allSettled(options.nodes.map(start));
  return ended.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}

async function look(
  node: LookupNode,
  inputs: ReadonlyMap<string, Outputs>,
  options: NodeOptions,
): Promise<NodeResult> {
  if (node.connection instanceof FlaresmithError) throw node.connection;
  const { source, client } = node.connection;
  const { clock, signal } = options;
  const outputs = await node.definition.look(node.input(inputs), {
    client,
    clock,
    signal,
    depth: options.requested ? "deep" : "shallow",
    fresh: options.requested,
    // What changes without notice, such as a password, is asked for again whenever everything is compared.
    shared: (key, load, maxAge = options.freshness) => {
      const age = Math.min(maxAge, options.deepInterval, options.sinceWrite);
      return source.shared(key, options.requested ? 0 : age, load);
    },
  });
  return { slot: node.slot, provider: node.definition.provider, status: "ready", outputs };
}
