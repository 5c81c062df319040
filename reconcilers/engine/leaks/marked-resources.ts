/** One look through all accounts for what carries a marker of this installation. */
import type { FlaresmithError } from "../../../controller/runtime/errors.ts";
import type { ConnectionHandle } from "../graph.ts";
import { isOfInstallation } from "../marker.ts";
import { toFlaresmithError } from "../pass.ts";
import type { Patience } from "./patience.ts";
import type { MarkedResource, ResourceDefinition } from "../resource.ts";

type Definition = ResourceDefinition<unknown, unknown, unknown>;

/** Something at a provider that carries a marker of this installation. */
export interface FoundResource extends Omit<MarkedResource, "marks"> {
  definition: Definition;
  connection: ConnectionHandle;
  /** Text or hash of the marker. */
  mark: string;
}

/** What could not be looked at. */
export interface Missed {
  /** `<namespace>/<name>` of the Connection. */
  connection: string;
  provider: string;
  /** What of it, for people: a type of resource, or a part of the account. */
  what: string;
  error: FlaresmithError;
}

export interface Look {
  found: FoundResource[];
  missed: Missed[];
  /** What bounds the look although nothing failed. */
  notes: string[];
}

export interface LookOptions {
  installation: string;
  connections: readonly ConnectionHandle[];
  definitions: readonly Definition[];
  /** Told before each listing, for people. */
  progress: (text: string) => void;
  patience: Patience;
  signal: AbortSignal;
}

/** Equal for the same thing, whichever Connection shows it. */
export const keyOfFound = ({ definition, id, scope }: FoundResource): string =>
  [definition.provider, definition.type, scope, id].join(" ").toLowerCase();

/**
 * Looks through every account, waiting where a provider wants it. Never throws for a provider's fault: what it could not
 * see is in `missed`.
 */
export async function lookForMarked(options: LookOptions): Promise<Look> {
  const { definitions, installation, progress } = options;
  const found = new Map<string, FoundResource>();
  const missed = new Map<string, Missed>();
  const notes = new Set<string>();
  for (const connection of distinct(options.connections)) {
    const { key, provider } = connection;
    const values = new Map<string, Promise<unknown>>();
    for (const definition of definitions) {
      if (definition.provider !== provider || definition.listMarked === undefined) continue;
      progress(`looking for ${provider} ${definition.type} through Connection ${key}`);
      const listing = await listPatiently(definition, connection, values, options);
      for (const one of listing.missed) missed.set(`${key} ${one.what}`, one);
      for (const note of listing.notes) notes.add(note);
      for (const { marks, ...resource } of listing.found) {
        const mark = marks.find((one) => isOfInstallation(one, installation));
        if (mark === undefined) continue;
        const one = { ...resource, definition, connection, mark };
        if (!found.has(keyOfFound(one))) found.set(keyOfFound(one), one);
      }
    }
  }
  return { found: [...found.values()], missed: [...missed.values()], notes: [...notes] };
}

interface Listing {
  found: readonly MarkedResource[];
  missed: readonly Missed[];
  notes: readonly string[];
}

/** A listing that ran into a rate limit is made again for what it did not get. */
async function listPatiently(
  definition: Definition,
  connection: ConnectionHandle,
  values: Map<string, Promise<unknown>>,
  options: LookOptions,
): Promise<Listing> {
  for (;;) {
    const listing = await listOnce(definition, connection, values, options.signal);
    if (!(await options.patience.waitFor(listing.missed.map(({ error }) => error)))) return listing;
  }
}

async function listOnce(
  definition: Definition,
  { account, client, key, provider }: ConnectionHandle,
  values: Map<string, Promise<unknown>>,
  signal: AbortSignal,
): Promise<Listing> {
  const missed: Missed[] = [];
  const notes: string[] = [];
  const miss = (what: string, error: FlaresmithError): void =>
    void missed.push({ connection: key, provider, what, error });
  const shared = <Value>(name: string, load: () => Promise<Value>): Promise<Value> => {
    const known = values.get(name) as Promise<Value> | undefined;
    if (known !== undefined) return known;
    const value = load().catch((error: unknown): never => {
      values.delete(name);
      throw error;
    });
    values.set(name, value);
    return value;
  };
  try {
    const context = {
      account,
      client,
      missed: miss,
      note: (text: string) => void notes.push(text),
      shared,
      signal,
    };
    const found = (await definition.listMarked?.(context)) ?? [];
    return { found, missed, notes };
  } catch (thrown) {
    signal.throwIfAborted();
    miss(definition.type, toFlaresmithError(thrown));
    return { found: [], missed, notes };
  }
}

/** Connections that share what they observed see the same of the same account: one look serves them all. */
function distinct(connections: readonly ConnectionHandle[]): ConnectionHandle[] {
  const kept: ConnectionHandle[] = [];
  for (const connection of connections) {
    const { account, source } = connection;
    if (!kept.some((other) => other.source === source && other.account === account)) kept.push(connection);
  }
  return kept;
}
