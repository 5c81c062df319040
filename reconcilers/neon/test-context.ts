/**
 * For tests: drives a definition as the engine does, with an inventory entry of its own, over the real transport. What
 * answers is given by the test file, because only those may import the sandbox.
 */
import { seededRandom } from "../../controller/runtime/adapters/virtual.ts";
import type { Clock, Fetch } from "../../controller/runtime/clock.ts";
import { createProviderIdentities } from "../../controller/runtime/provider-identity.ts";
import { secretValues } from "../../controller/runtime/secret-value.ts";
import { createTracker } from "../../controller/runtime/tracker.ts";
import { createTransport } from "../../controller/runtime/transport.ts";
import { createMarker } from "../engine/marker.ts";
import { createObservationSource } from "../engine/observation-source.ts";
import type { ObservationSource } from "../engine/observation-source.ts";
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
import { changeKey, createNeonClient } from "./client.ts";
import type { NeonClient } from "./client.ts";

export interface Harness {
  client: NeonClient;
  clock: Clock;
  source: ObservationSource;
  /** Moves the time of what answers, and with it its operations. */
  advance(milliseconds: number): void;
}

/** What answers the client, such as the sandbox, with the clock it goes by. */
export interface World {
  neon: { fetch: (request: Request) => Promise<Response> };
  url: string;
  orgKey: string;
  context: { clock: { now(): number; advance(milliseconds: number): void } };
}

/**
 * A client on a world. Waiting in the transport moves the world's time, so that no test sleeps.
 * @param apiKey default: the organization's
 */
export function harnessOn(world: World, apiKey: string = world.orgKey): Harness {
  const now = (): number => world.context.clock.now();
  const advance = (milliseconds: number): void => world.context.clock.advance(milliseconds);
  const clock: Clock = {
    now,
    monotonic: now,
    setTimer: () => ({ cancel: () => undefined }),
    sleep: async (milliseconds) => advance(milliseconds),
  };
  const tracker = createTracker({ clock });
  const connection = "default/neon";
  const fetch: Fetch = createTransport({
    provider: "neon",
    connection,
    identity: createProviderIdentities({ clock, tracker }).of({
      provider: "neon",
      identity: "org:acme",
      connection,
    }),
    fetch: (input, init) => world.neon.fetch(new Request(input, init)),
    clock,
    random: seededRandom(1),
    tracker,
    safeStatuses: [423, 503],
    serialize: changeKey,
  });
  const client = createNeonClient({ endpoint: world.url, apiKey, fetch, makeSecret: secretValues("key") });
  return { client, clock, source: createObservationSource(clock), advance };
}

/** What `look` of a lookup is called with. */
export function lookupContext(
  harness: Harness,
  options: { fresh?: boolean } = {},
): Pick<ResourceContext<NeonClient>, "client" | "clock" | "signal" | "depth" | "fresh" | "shared"> {
  const { client, clock, source } = harness;
  const { fresh = false } = options;
  return {
    client,
    clock,
    fresh,
    depth: fresh ? "deep" : "shallow",
    signal: new AbortController().signal,
    shared: (key, load, maxAge = 60_000) => source.shared(key, fresh ? 0 : maxAge, load),
  };
}

interface Look {
  depth?: Depth;
  fresh?: boolean;
}

/** One slot of one object, as the engine would remember it. */
export interface Slot<Desired, Observed> {
  /** Tests may lose or change it. */
  entry: InventoryEntry | undefined;
  observe(desired: Desired, look?: Look): Promise<Observation<Observed>>;
  /** The changes that are left, from a fresh deep look unless told otherwise. @throws Error unless present and settled */
  changes(desired: Desired, look?: Look): Promise<FieldChange[]>;
  /** Names of the fields that differ, sorted. */
  differences(desired: Desired, look?: Look): Promise<string[]>;
  create(desired: Desired): Promise<WriteResult<Observed>>;
  /** Writes what differs, whatever its effect: as after a person's confirmation. */
  update(desired: Desired): Promise<WriteResult<Observed>>;
  /** Creates, waits and updates until nothing differs; what was done, in order. */
  converge(desired: Desired): Promise<string[]>;
  /** Asks for removal and looks again, as the engine does. */
  remove(desired: Desired): Promise<Observation<Observed>["state"]>;
  outputs(desired: Desired): Promise<Outputs>;
}

const NONCE = "n0nce";

export function slotOf<Desired, Observed>(
  harness: Harness,
  definition: ResourceDefinition<Desired, Observed, NeonClient>,
  options: { installation?: string; name?: string } = {},
): Slot<Desired, Observed> {
  const { installation = "inst-1", name = "shop" } = options;
  const parts = { installation, namespace: "default", kind: "Project", name, slot: definition.segment };
  const contextOf = ({ depth = "deep", fresh = true }: Look = {}): ResourceContext<NeonClient> => ({
    ...lookupContext(harness),
    depth,
    fresh,
    shared: (key, load, maxAge = 60_000) => harness.source.shared(key, fresh ? 0 : maxAge, load),
    marker: createMarker(parts, NONCE),
    witness: "",
    entry: slot.entry,
    read: async (read) => (fresh ? read.single() : read.find(await read.list())),
  });
  const referenceOf = (desired: Desired): Reference => {
    const id = slot.entry?.id;
    return { ...definition.reference(desired), ...(id === undefined ? {} : { id }) };
  };
  const remember = (seen: {
    id: string;
    fingerprint?: string | undefined;
    data?: Record<string, string>;
  }): void => {
    const base = slot.entry ?? {
      slot: definition.segment,
      provider: "neon",
      type: definition.type,
      key: definition.segment,
      nonce: NONCE,
      state: "ready" as const,
    };
    slot.entry = {
      ...base,
      id: seen.id,
      fingerprint: seen.fingerprint ?? base.fingerprint,
      data: seen.data ?? base.data,
    };
  };
  const present = async (desired: Desired, look?: Look) => {
    const found = await slot.observe(desired, look);
    if (found.state === "present" && found.pending === undefined) return found;
    throw new Error(`${definition.type} is ${found.state === "present" ? found.pending : found.state}`);
  };
  const slot: Slot<Desired, Observed> = {
    entry: undefined,
    observe: (desired, look) => definition.observe(referenceOf(desired), contextOf(look)),
    changes: async (desired, look) => {
      const found = await present(desired, look);
      const changes = definition.diff(desired, found.observed, slot.entry, "");
      remember(found);
      return changes;
    },
    differences: async (desired, look) =>
      (await slot.changes(desired, look)).map((change) => change.field).toSorted(),
    create: async (desired) => {
      // As in the engine's first pass over a slot: nothing was written yet that others' listings could lack.
      const result = await definition.create(desired, contextOf({ fresh: false }));
      remember(result);
      return result;
    },
    update: async (desired) => {
      const found = await present(desired);
      const changes = definition.diff(desired, found.observed, slot.entry, "");
      const result = await definition.update(desired, found.observed, changes, contextOf());
      remember(result);
      return result;
    },
    converge: async (desired) => {
      const done: string[] = [];
      for (let round = 0; round < 10; round += 1) {
        const found = await slot.observe(desired);
        if (found.state === "unknown") throw found.error;
        if (found.state === "absent") {
          await slot.create(desired);
          done.push("created");
        } else if (found.pending !== undefined) {
          done.push("waited");
          harness.advance(5_000);
        } else {
          const fields = await slot.differences(desired);
          if (fields.length === 0) return done;
          await slot.update(desired);
          done.push(`updated ${fields.join(", ")}`);
        }
      }
      throw new Error(`${definition.type} does not converge: ${done.join("; ")}`);
    },
    remove: async (desired) => {
      const reference = referenceOf(desired);
      const answer = await definition.remove(reference, contextOf({ depth: "shallow" }));
      if (answer === "deleted" && reference.id !== undefined) {
        remember({ id: reference.id, data: { confirmGone: reference.id } });
      }
      return (await slot.observe(desired, { depth: "shallow" })).state;
    },
    outputs: async (desired) => definition.outputs(desired, (await present(desired)).observed),
  };
  return slot;
}
