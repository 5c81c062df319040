/**
 * What a pass over an object's graph would do, without doing it: every node observes and plans as in `converge.ts`, and
 * nothing is created, written or removed. The caller's fetch must refuse writes; nothing here sends one.
 */
import type { Clock } from "../../controller/runtime/clock.ts";
import { FlaresmithError } from "../../controller/runtime/errors.ts";
import { hashOf } from "../../controller/runtime/hash.ts";
import { setAside, takeBack } from "./aside.ts";
import { resourceContext } from "./context.ts";
import type { Consents } from "./pass.ts";
import { toFlaresmithError } from "./pass.ts";
import type { ConnectionHandle, GraphNode, LookupNode, ResourceNode } from "./graph.ts";
import { checkGraph } from "./graph.ts";
import { createMarker } from "./marker.ts";
import type { MarkerParts } from "./marker.ts";
import { describe, plan, removalConfirmation } from "./plan.ts";
import type { Plan } from "./plan.ts";
import type { FieldChange, InventoryEntry, Observation, Outputs } from "./resource.ts";
import { witnessOf } from "./witness.ts";

/** What would happen to one external resource. */
export interface PlannedChange {
  slot: string;
  provider: string;
  type: string;
  /** Where and what, for people. */
  what: string;
  /**
   * `create`, `update`, `remove`: carried out by the next pass. `orphan`: left in place and written down. `confirm`:
   * waits for a person first. `report`: differs, and `drift: Warn` only says so. `wait`: something is under way.
   * `failed`: cannot be told, or cannot be done; the message says why.
   */
  action: "create" | "update" | "remove" | "orphan" | "confirm" | "report" | "wait" | "failed";
  /** Differences by field; values are for people and never secret. */
  fields: readonly FieldChange[];
  message?: string;
  error?: FlaresmithError;
}

export interface PreviewOptions {
  nodes: readonly GraphNode[];
  /** Nothing is written to it. */
  inventory: ReadonlyMap<string, InventoryEntry>;
  marker: Omit<MarkerParts, "slot">;
  consents: Consents;
  drift: "Correct" | "Warn";
  removals: RemovalPreview;
  clock: Clock;
  signal: AbortSignal;
}

/** What removals depend on besides the entries. */
export interface RemovalPreview {
  /** What happens to an entry that leaves. */
  readonly policy: (entry: InventoryEntry) => "Orphan" | "Delete";
  /** What it holds, when a person has to agree to its deletion; undefined: nobody has to. */
  readonly guarded: (entry: InventoryEntry) => { holds: string; type: string } | undefined;
  readonly consents: Pick<Consents, "confirm">;
}

/** As {@link PreviewOptions}, with an inventory of its own in which things are set aside. */
interface Planning extends PreviewOptions {
  inventory: Map<string, InventoryEntry>;
}

interface NodePreview {
  slot: string;
  outputs?: Outputs | undefined;
  /** False when nobody can tell what stands here, so that nobody can tell about what needs it either. */
  known: boolean;
  change?: PlannedChange;
}

/** Milliseconds that observations shared within one preview may be old: it is over long before. */
const FRESHNESS = 600_000;

/**
 * Plans a whole graph. Never throws for a provider's fault.
 * @returns what would change, in the order of the graph; what is as desired is left out
 */
export async function previewChanges(given: PreviewOptions): Promise<PlannedChange[]> {
  checkGraph(given.nodes);
  const inventory = new Map(given.inventory);
  const options = { ...given, inventory };
  const bySlot = new Map(options.nodes.map((node) => [node.slot, node] as const));
  const running = new Map<string, Promise<NodePreview>>();
  const start = (slot: string): Promise<NodePreview> => {
    const known = running.get(slot);
    if (known) return known;
    const node = bySlot.get(slot);
    const result = node ? previewNode(node, options, start) : Promise.reject(new Error(`no node ${slot}`));
    running.set(slot, result);
    return result;
  };
  const results = await Promise.all(options.nodes.map((node) => start(node.slot)));
  const leaving = [...inventory.values()].filter(({ slot }) => !bySlot.has(slot));
  return [
    ...results.flatMap(({ change }) => (change ? [change] : [])),
    ...previewRemovals(leaving, options.removals),
  ];
}

/** What removal of these entries does. */
export function previewRemovals(
  entries: readonly InventoryEntry[],
  { consents, guarded, policy }: RemovalPreview,
): PlannedChange[] {
  return entries.map((entry) => {
    const { id, name, provider, scope = "", slot, type } = entry;
    const what = describe({ provider, type }, { scope, name: name ?? id ?? slot });
    const change = { slot, provider, type, what, fields: [] };
    if (policy(entry) === "Orphan") return { ...change, action: "orphan" };
    const held = entry.state === "deleting" ? undefined : guarded(entry);
    if (held === undefined || id === undefined) return { ...change, action: "remove" };
    const { hash, message } = removalConfirmation(slot, what, held, id);
    return consents.confirm.has(hash)
      ? { ...change, action: "remove" }
      : { ...change, action: "confirm", message };
  });
}

async function previewNode(
  node: GraphNode,
  options: Planning,
  start: (slot: string) => Promise<NodePreview>,
): Promise<NodePreview> {
  const needed = await Promise.all(node.needs.map(start));
  const missing = needed.find(({ outputs }) => outputs === undefined);
  if (missing) return withoutInputs(node, missing, options);
  const inputs = new Map(needed.map(({ outputs, slot }) => [slot, outputs ?? {}] as const));
  try {
    if (node.connection instanceof FlaresmithError) throw node.connection;
    return node.kind === "lookup"
      ? await look(node, node.connection, inputs, options)
      : await observeAndPlan(node, node.connection, inputs, options, start);
  } catch (thrown) {
    const error = toFlaresmithError(thrown);
    if (error.code === "DEPENDENCY_NOT_READY") return later(node, options, error.message);
    return { slot: node.slot, known: false, change: failure(node, error) };
  }
}

/** What needs something that is not there yet comes with it; what needs something unknown is unknown too. */
function withoutInputs(node: GraphNode, missing: NodePreview, options: PreviewOptions): NodePreview {
  if (missing.known) return later(node, options, `after ${missing.slot}`);
  return { slot: node.slot, known: false };
}

function later(node: GraphNode, options: PreviewOptions, why: string): NodePreview {
  if (node.kind === "lookup") return { slot: node.slot, known: true };
  const entry = options.inventory.get(node.slot);
  const exists = entry?.id !== undefined;
  return {
    slot: node.slot,
    known: true,
    change: {
      ...identity(node),
      what: describe(node.definition, { scope: entry?.scope ?? "", name: entry?.name ?? node.slot }),
      action: exists ? "update" : "create",
      fields: [],
      message: why,
    },
  };
}

function identity({ definition, slot }: GraphNode): Pick<PlannedChange, "slot" | "provider" | "type"> {
  return { slot, provider: definition.provider, type: definition.type };
}

function failure(node: GraphNode, error: FlaresmithError): PlannedChange {
  const what = `${node.definition.provider} ${node.definition.type} ${node.slot}`;
  return { ...identity(node), what, action: "failed", fields: [], message: error.message, error };
}

async function look(
  node: LookupNode,
  connection: ConnectionHandle,
  inputs: ReadonlyMap<string, Outputs>,
  { clock, signal }: PreviewOptions,
): Promise<NodePreview> {
  const outputs = await node.definition.look(node.input(inputs), {
    client: connection.client,
    clock,
    signal,
    depth: "deep",
    fresh: false,
    shared: (key, load, maxAge) => connection.source.shared(key, maxAge ?? FRESHNESS, load),
  });
  return { slot: node.slot, known: true, outputs };
}

async function observeAndPlan(
  node: ResourceNode,
  connection: ConnectionHandle,
  inputs: ReadonlyMap<string, Outputs>,
  options: Planning,
  start: (slot: string) => Promise<NodePreview>,
): Promise<NodePreview> {
  const { definition, slot } = node;
  const { clock, consents, drift, inventory, signal } = options;
  const desired = node.desired(inputs);
  const specHash = hashOf(desired);
  const named = definition.reference(desired);
  setAside(node, named, inventory);
  takeBack(node, named, inventory);
  const found = inventory.get(slot);
  const entry = found?.type === definition.type && found.provider === definition.provider ? found : undefined;
  const reference = {
    ...named,
    ...(entry?.id === undefined ? {} : { id: entry.id }),
  };
  const gone = entry?.id !== undefined && consents.gone.has(entry.id);
  const marker = createMarker({ ...options.marker, slot }, entry?.nonce ?? "");
  const witness = witnessOf(connection.witnessKey, marker, definition.secrets?.(desired) ?? {});
  const context = resourceContext(
    {
      connection,
      type: definition.type,
      clock,
      signal,
      marker,
      witness,
      depth: "deep",
      fresh: false,
      entry: entry && gone ? { ...entry, data: { ...entry.data, confirmGone: entry.id ?? "" } } : entry,
      parentEntry: "slot" in node.parent ? inventory.get(node.parent.slot) : undefined,
      freshness: FRESHNESS,
      sinceWrite: Number.POSITIVE_INFINITY,
    },
    reference.scope,
  );
  const observation = await definition.observe(reference, context);
  const parent =
    "slot" in node.parent ? (await start(node.parent.slot)).outputs !== undefined : node.parent.ours;
  const decided = plan(
    {
      definition,
      desired,
      specHash,
      witness,
      observation,
      entry,
      parentOurs: parent,
      adopt: consents.adopt.has(slot),
      confirmed: consents.confirm,
      drift,
      ephemeral: node.ephemeral,
      // Nothing is done about it: the wall clock is good enough.
      intentAge:
        entry?.since === undefined ? Number.POSITIVE_INFINITY : clock.now() - Date.parse(entry.since),
    },
    slot,
  );
  return {
    slot,
    ...told(node, desired, observation),
    ...changed(node, describe(definition, reference), decided),
  };
}

function told(
  node: ResourceNode,
  desired: unknown,
  observation: Observation<unknown>,
): Pick<NodePreview, "known" | "outputs"> {
  if (observation.state === "unknown") return { known: false };
  if (observation.state === "absent" || observation.pending !== undefined) return { known: true };
  return { known: true, outputs: node.definition.outputs(desired, observation.observed) };
}

function changed(
  node: ResourceNode,
  what: string,
  decided: Plan,
): Pick<NodePreview, "change"> | Partial<NodePreview> {
  const base = { ...identity(node), what, fields: [] };
  switch (decided.do) {
    case "nothing":
      return {};
    case "create":
      return { change: { ...base, action: "create" } };
    case "update":
      return { change: { ...base, action: "update", fields: decided.changes } };
    case "report":
      return { change: { ...base, action: "report", fields: decided.changes } };
    case "wait":
      return { change: { ...base, action: "wait", message: decided.message } };
    case "confirm":
      return { change: { ...base, action: "confirm", message: decided.message } };
    case "fail":
      // What is somebody else's gives nothing to those who need it.
      return { known: false, outputs: undefined, change: failure(node, decided.error) };
  }
}
