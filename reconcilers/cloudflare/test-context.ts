/** For tests: drives one definition as the engine does, with an inventory entry of its own. */
import { virtualClock } from "../../controller/runtime/adapters/virtual.ts";
import type { Fetch } from "../../controller/runtime/clock.ts";
import { createMarker } from "../engine/marker.ts";
import { createObservationSource } from "../engine/observation-source.ts";
import { witnessKey, witnessOf } from "../engine/witness.ts";
import type {
  Depth,
  FieldChange,
  InventoryEntry,
  Observation,
  Outputs,
  Reference,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import { createCloudflareClient } from "./client.ts";
import type { CloudflareClient } from "./client.ts";
import type { Bundle } from "./types.ts";
import { readBundle } from "./bundle.ts";

export interface Slot<Desired, Observed> {
  /** What the inventory remembers; tests may lose it. */
  entry: InventoryEntry | undefined;
  observe(desired: Desired, options?: { depth?: Depth; fresh?: boolean }): Promise<Observation<Observed>>;
  /** Names of the fields that differ, from a fresh deep look (or a shallow one); throws when it is not present. */
  differences(desired: Desired, options?: { depth?: Depth; fresh?: boolean }): Promise<string[]>;
  /** Creates or updates what differs, once, and returns what was done; throws when it is unknown. */
  converge(desired: Desired): Promise<{ did: "nothing" | "created" | "updated"; changes: string[] }>;
  outputs(desired: Desired): Promise<Outputs>;
  remove(reference: Reference): Promise<"deleted" | void>;
  /** Runs the definition's `create` alone. */
  create(desired: Desired): Promise<WriteResult<Observed>>;
}

export interface SlotOptions {
  client: CloudflareClient;
  /** Default `test`. */
  installation?: string;
  /** Default `worker/shop`. */
  slot?: string;
  /** What the key of witnesses follows from. Default `credential`. */
  credential?: string;
  /** Whether what is removed holds nothing but copies. Default: no. */
  disposable?: boolean;
}

/** A client over a sandbox's fetch. */
export function testClient(
  send: (request: Request) => Promise<Response>,
  options: { apiToken: string; workersUrl?: string; accountId?: string },
): CloudflareClient {
  const fetch: Fetch = (input, init) => send(input instanceof Request ? input : new Request(input, init));
  return createCloudflareClient({
    endpoint: "http://localhost/client/v4",
    fetch,
    clock: virtualClock(),
    ...options,
  });
}

/** One slot of one object's inventory. */
export function testSlot<Desired, Observed>(
  definition: ResourceDefinition<Desired, Observed, CloudflareClient>,
  options: SlotOptions,
): Slot<Desired, Observed> {
  const clock = virtualClock();
  const source = createObservationSource(clock);
  let nonce = 0;
  const parts = {
    installation: options.installation ?? "test",
    namespace: "default",
    kind: "Environment",
    name: "shop",
    slot: options.slot ?? "worker/shop",
  };
  const key = witnessKey(options.credential ?? "credential");
  const witnessed = (desired: Desired): string =>
    witnessOf(key, createMarker(parts, ""), definition.secrets?.(desired) ?? {});
  const context = (
    desired: Desired | undefined,
    scope: string,
    entry: InventoryEntry | undefined,
    depth: Depth,
    fresh: boolean,
  ): ResourceContext<CloudflareClient> => ({
    client: options.client,
    clock,
    signal: new AbortController().signal,
    marker: createMarker(parts, entry?.nonce ?? ""),
    witness: desired === undefined ? "" : witnessed(desired),
    depth,
    fresh,
    entry,
    disposable: options.disposable,
    read: async (read) => (fresh ? read.single() : read.find(await read.list())),
    shared: (key, load) => source.shared(`${scope}:${key}`, 0, load),
  });
  const referenceOf = (desired: Desired): Reference => {
    const id = slot.entry?.id;
    return { ...definition.reference(desired), ...(id === undefined ? {} : { id }) };
  };
  const remember = (desired: Desired, written: WriteResult<Observed>): void => {
    const { name, scope } = definition.reference(desired);
    slot.entry = {
      ...(slot.entry ?? {
        slot: options.slot ?? "worker/shop",
        provider: definition.provider,
        type: definition.type,
        key: "k",
        nonce: `n${nonce}`,
      }),
      state: written.pending === undefined ? "ready" : "pending",
      id: written.id,
      name: written.name ?? name,
      scope,
      fingerprint: written.fingerprint,
      data: written.data ?? slot.entry?.data,
    };
  };
  /** As the engine does with what it finds as desired. */
  const recognise = (
    desired: Desired,
    found: { id: string; fingerprint?: string; observed: Observed },
  ): void => {
    const { fingerprint = slot.entry?.fingerprint, id, observed } = found;
    const data = definition.recall?.(desired, observed, slot.entry?.data) ?? slot.entry?.data;
    remember(desired, { id });
    if (slot.entry) slot.entry = { ...slot.entry, fingerprint, data };
  };
  const changesOf = (desired: Desired, observation: Observation<Observed>): FieldChange[] => {
    if (observation.state === "unknown") throw observation.error;
    if (observation.state === "absent") throw new Error("it is absent");
    const changes = definition.diff(desired, observation.observed, slot.entry, witnessed(desired));
    const marker: FieldChange = { field: "marker", effect: "in-place" };
    return definition.ownership === "marked" && observation.owner !== "ours" ? [...changes, marker] : changes;
  };
  const slot: Slot<Desired, Observed> = {
    entry: undefined,
    observe: (desired, { depth = "deep", fresh = depth === "deep" } = {}) => {
      const reference = referenceOf(desired);
      return definition.observe(reference, context(desired, reference.scope, slot.entry, depth, fresh));
    },
    differences: async (desired, look) =>
      changesOf(desired, await slot.observe(desired, look)).map((change) => change.field),
    converge: async (desired) => {
      const observation = await slot.observe(desired);
      const { scope } = definition.reference(desired);
      if (observation.state === "absent") {
        remember(desired, await slot.create(desired));
        return { did: "created", changes: [] };
      }
      const changes = changesOf(desired, observation);
      if (observation.state !== "present" || changes.length === 0) {
        if (observation.state === "present") recognise(desired, observation);
        return { did: "nothing", changes: [] };
      }
      remember(
        desired,
        await definition.update(
          desired,
          observation.observed,
          changes,
          context(desired, scope, slot.entry, "deep", true),
        ),
      );
      return { did: "updated", changes: changes.map((change) => change.field) };
    },
    outputs: async (desired) => {
      const observation = await slot.observe(desired);
      if (observation.state !== "present") throw new Error(`it is ${observation.state}`);
      return definition.outputs(desired, observation.observed);
    },
    remove: (reference) => {
      if (slot.entry) slot.entry = { ...slot.entry, state: "deleting" };
      return definition.remove(reference, context(undefined, reference.scope, slot.entry, "deep", true));
    },
    create: (desired) => {
      const { name, scope } = definition.reference(desired);
      nonce += 1;
      slot.entry = {
        slot: options.slot ?? "worker/shop",
        provider: definition.provider,
        type: definition.type,
        key: "k",
        nonce: `n${nonce}`,
        state: "creating",
        name,
        scope,
      };
      return definition.create(desired, context(desired, scope, slot.entry, "deep", true));
    },
  };
  return slot;
}

/** A file of a bundle. */
export function file(path: string, content: string): { path: string; content: Uint8Array } {
  return { path, content: new TextEncoder().encode(content) };
}

/** A bundle of one module, or of a directory. */
export function moduleBundle(
  source = "export default { fetch() { return new Response('hello'); } };",
): Bundle {
  return readBundle({ path: "dist/worker.js", kind: "file", files: [file("worker.js", source)] });
}
