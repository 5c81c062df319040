/**
 * Drives a definition as the engine does, for tests: observe, create, update and remove, with the inventory entry kept
 * between the steps.
 */
import type { Clock } from "../../controller/runtime/clock.ts";
import { createMarker } from "../engine/marker.ts";
import { createObservationSource } from "../engine/observation-source.ts";
import type { ObservationSource } from "../engine/observation-source.ts";
import type {
  Depth,
  FieldChange,
  InventoryEntry,
  Observation,
  ReadOptions,
  Reference,
  ResourceContext,
  ResourceDefinition,
  WriteResult,
} from "../engine/resource.ts";
import { createGitHubClient } from "./client.ts";
import type { GitHubClient, GitHubCredentials } from "./client.ts";
import { witnessKey, witnessOf } from "../engine/witness.ts";
import type { ReadContext } from "./repository-access.ts";

export interface Harness {
  client: GitHubClient;
  clock: Clock;
  source: ObservationSource;
  signal?: AbortSignal;
}

/**
 * A client on something that answers requests, such as the sandbox, which only test files may import.
 *
 * @param options.now the clock of what answers, in milliseconds since the epoch
 */
export function harnessOn(options: {
  fetch: (request: Request) => Promise<Response>;
  endpoint: string;
  now: () => number;
  credentials: GitHubCredentials;
}): Harness {
  const { now } = options;
  const clock: Clock = {
    now,
    monotonic: now,
    setTimer: () => ({ cancel: () => undefined }),
    sleep: async () => undefined,
  };
  const client = createGitHubClient({
    endpoint: options.endpoint,
    credentials: options.credentials,
    clock,
    userAgent: "flaresmith-test",
    fetch: (input, init) => options.fetch(new Request(input, { ...init, redirect: "manual" })),
  });
  return { client, clock, source: createObservationSource(clock) };
}

/** What `look` of a lookup is called with. */
export function lookupContext(
  harness: Harness,
  options: { fresh?: boolean; depth?: Depth } = {},
): ReadContext & { clock: Clock; depth: Depth } {
  const { client, clock, source } = harness;
  const { fresh = false, depth = "shallow" } = options;
  return {
    client,
    clock,
    fresh,
    depth,
    signal: harness.signal ?? new AbortController().signal,
    shared: (key, load, maxAge = 60_000) => source.shared(key, fresh ? 0 : maxAge, load),
  };
}

/** One slot of one object, as the engine would remember it. */
export interface Slot<Desired, Observed> {
  entry: InventoryEntry | undefined;
  observe(desired: Desired, options?: { depth?: Depth; fresh?: boolean }): Promise<Observation<Observed>>;
  /** Fresh and deep; the changes that are left. @throws Error unless it is present */
  diff(desired: Desired, options?: { depth?: Depth; fresh?: boolean }): Promise<FieldChange[]>;
  create(desired: Desired): Promise<WriteResult<Observed>>;
  /** Observes, and updates when something differs; false when nothing did. */
  correct(desired: Desired): Promise<boolean>;
  remove(desired: Desired): Promise<"deleted" | void>;
}

export function slotOf<Desired, Observed>(
  harness: Harness,
  definition: ResourceDefinition<Desired, Observed, GitHubClient>,
  options: {
    installation?: string;
    project?: string;
    credential?: string;
    parentEntry?: InventoryEntry;
  } = {},
): Slot<Desired, Observed> {
  const parts = {
    installation: options.installation ?? "inst-1",
    namespace: "default",
    kind: "Project",
    name: options.project ?? "shop",
    slot: definition.segment,
  };
  const key = witnessKey(options.credential ?? "credential");
  const witness = (desired: Desired): string =>
    witnessOf(key, createMarker(parts, ""), definition.secrets?.(desired) ?? {});
  const contextOf = (
    desired: Desired,
    { depth = "deep", fresh = true, nonce = "" }: { depth?: Depth; fresh?: boolean; nonce?: string } = {},
  ): ResourceContext<GitHubClient> => ({
    ...lookupContext(harness, { fresh, depth }),
    marker: createMarker(parts, nonce),
    witness: witness(desired),
    entry: slot.entry,
    parentEntry: options.parentEntry,
    read: async <Listing, Item>(read: ReadOptions<Listing, Item>) => {
      if (fresh) return read.single();
      return read.find(
        await harness.source.shared(`list:${definition.type}:${read.listing}`, 60_000, () => read.list()),
      );
    },
  });
  const referenceOf = (desired: Desired): Reference => {
    const id = slot.entry?.id;
    return { ...definition.reference(desired), ...(id === undefined ? {} : { id }) };
  };
  const keep = (result: WriteResult<Observed>): WriteResult<Observed> => {
    const base = slot.entry ?? {
      slot: definition.segment,
      provider: "github",
      type: definition.type,
      key: definition.segment,
      state: "ready" as const,
    };
    slot.entry = {
      ...base,
      id: result.id,
      state: result.pending === undefined ? "ready" : "pending",
      data: result.data ?? base.data,
      fingerprint: result.fingerprint ?? base.fingerprint,
    };
    return result;
  };
  const slot: Slot<Desired, Observed> = {
    entry: undefined,
    observe: (desired, look) => definition.observe(referenceOf(desired), contextOf(desired, look)),
    diff: async (desired, observeOptions) => {
      const found = await slot.observe(desired, observeOptions);
      if (found.state !== "present")
        throw new Error(
          `${definition.type} is ${found.state}`,
          found.state === "unknown" ? { cause: found.error } : {},
        );
      return definition.diff(desired, found.observed, slot.entry, witness(desired));
    },
    create: async (desired) => keep(await definition.create(desired, contextOf(desired, { nonce: "n0nce" }))),
    correct: async (desired) => {
      const found = await slot.observe(desired);
      if (found.state !== "present")
        throw new Error(
          `${definition.type} is ${found.state}`,
          found.state === "unknown" ? { cause: found.error } : {},
        );
      const changes = definition.diff(desired, found.observed, slot.entry, witness(desired));
      if (changes.length === 0) return false;
      keep(await definition.update(desired, found.observed, changes, contextOf(desired)));
      return true;
    },
    remove: (desired) => definition.remove(referenceOf(desired), contextOf(desired)),
  };
  return slot;
}
