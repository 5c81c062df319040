/** Builds what a definition is called with: reads go through shared listings, or past them when the slot is doubted. */
import type { Clock } from "../../controller/runtime/clock.ts";
import type { ConnectionHandle } from "./graph.ts";
import type { Marker } from "./marker.ts";
import type { Depth, InventoryEntry, ReadOptions, ResourceContext } from "./resource.ts";

export interface ContextOptions {
  connection: ConnectionHandle;
  /** Type of the definition; with the scope it names the listings. */
  type: string;
  clock: Clock;
  signal: AbortSignal;
  marker: Marker;
  witness: string;
  depth: Depth;
  fresh: boolean;
  entry: InventoryEntry | undefined;
  parentEntry?: InventoryEntry | undefined;
  disposable?: boolean | undefined;
  /** Milliseconds that a shared read may be old when its reader does not say. */
  freshness: number;
  /** Milliseconds since the last write to the slot or to what it needs: nothing read may be older. */
  sinceWrite: number;
}

const listingKey = (type: string, listing: string): string => `list:${type}:${listing}`;

export function resourceContext(options: ContextOptions, scope: string): ResourceContext<unknown> {
  const { clock, connection, depth, entry, fresh, freshness, marker, signal, sinceWrite, type, witness } =
    options;
  const age = (most: number): number => Math.min(most, sinceWrite);
  return {
    client: connection.client,
    clock,
    signal,
    marker,
    witness,
    depth,
    fresh,
    entry,
    parentEntry: options.parentEntry,
    disposable: options.disposable,
    read: async <Listing, Item>(read: ReadOptions<Listing, Item>): Promise<Item | undefined> => {
      if (fresh) return read.single();
      const listing = await connection.source.shared(
        listingKey(type, read.listing ?? scope),
        age(freshness),
        () => read.list(),
      );
      return read.find(listing);
    },
    shared: (key, load, maxAge) => connection.source.shared(key, fresh ? 0 : age(maxAge ?? freshness), load),
  };
}
