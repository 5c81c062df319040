/**
 * What carries this installation's marker and no object owns. A thing is only called a leak when everything speaks for
 * it: it was seen, it is older than a create may stay unknown, and the store knew it neither before nor after the look.
 */
import type { Clock } from "../../../controller/runtime/clock.ts";
import type { ConnectionHandle } from "../graph.ts";
import { judgeLeak } from "./verdict.ts";
import type { SlotsOf } from "./verdict.ts";
import { keyOfFound, lookForMarked } from "./marked-resources.ts";
import type { FoundResource, Look, Missed } from "./marked-resources.ts";
import type { MarkerParts } from "../marker.ts";
import { createMarkReader, ownershipOf } from "./ownership.ts";
import type { StoreView } from "./ownership.ts";
import type { Patience } from "./patience.ts";
import { CREATE_GRACE } from "../plan.ts";
import type { ResourceDefinition } from "../resource.ts";
import type { Tombstone } from "../tombstones.ts";

/** Something of ours that nobody owns. */
export interface Leak {
  found: FoundResource;
  /** Whom the marker names; undefined where only a hash of it is left and no known object has it. */
  owner: MarkerParts | undefined;
  /** Why it is thought to be a leak, or why that cannot be told, for people. */
  why: string;
}

export interface LeakReport {
  leaks: Leak[];
  /** Left in place on purpose, and whether it was seen: nobody looks for types that carry no marker. */
  tombstones: { tombstone: Tombstone; found: boolean }[];
  /** Of which it cannot be told yet whether somebody is going to own it. */
  undecided: Leak[];
  missed: Missed[];
  notes: string[];
  /** Everything that carries a marker of the installation, owned or not. */
  found: readonly FoundResource[];
}

export interface LeakSearch {
  installation: string;
  definitions: readonly ResourceDefinition<unknown, unknown, unknown>[];
  connections: readonly ConnectionHandle[];
  /** The store as it is now. */
  readStore: () => Promise<StoreView>;
  slotsOf: SlotsOf;
  /** Told what is being done, for people. */
  progress: (text: string) => void;
  patience: Patience;
  clock: Clock;
  signal: AbortSignal;
}

/**
 * Finds what nobody owns. Where that does not tell its age it is only believed after {@link CREATE_GRACE}: then the
 * search waits, and looks again. Never throws for a provider's fault.
 * @throws what `readStore` throws, and the signal's reason
 */
export async function findLeaks(search: LeakSearch): Promise<LeakReport> {
  const seen = new Map<string, number>();
  const first = await lookOnce(search, seen);
  const ageless = first.undecided.filter(
    ({ found }) => found.createdAt === undefined && isYoung(found, seen, search),
  );
  if (ageless.length === 0) return first;
  const types = new Set(
    ageless.map(({ found: { definition } }) => `${definition.provider} ${definition.type}`),
  );
  search.progress(
    `waiting ${CREATE_GRACE / 1000} s for a second look: nothing tells when ${[...types].toSorted().join(" and ")} were made`,
  );
  await search.clock.sleep(CREATE_GRACE, search.signal);
  return lookOnce(search, seen);
}

/** @param seen wall clock milliseconds at which this search first saw a thing, by key; added to */
async function lookOnce(search: LeakSearch, seen: Map<string, number>): Promise<LeakReport> {
  const before = await search.readStore();
  const look = await lookForMarked(search);
  const after = await search.readStore();
  for (const found of look.found) {
    const key = keyOfFound(found);
    if (!seen.has(key)) seen.set(key, search.clock.now());
  }
  return sift(look, { before, after }, seen, search);
}

/** Whether it may be so new that whoever made it is not known yet. */
function isYoung(
  found: FoundResource,
  seen: ReadonlyMap<string, number>,
  { clock }: Pick<LeakSearch, "clock">,
): boolean {
  const since = found.createdAt ?? seen.get(keyOfFound(found)) ?? clock.now();
  return clock.now() - since < CREATE_GRACE;
}

async function sift(
  look: Look,
  { after, before }: { before: StoreView; after: StoreView },
  seen: ReadonlyMap<string, number>,
  search: LeakSearch,
): Promise<LeakReport> {
  const read = createMarkReader(search.installation, look.found, after);
  const leaks: Leak[] = [];
  const undecided: Leak[] = [];
  const standing = new Set<Tombstone>();
  const [earlier, now] = [ownershipOf(before), ownershipOf(after)];
  for (const found of look.found) {
    // What came or went during the look is known to one of the two.
    if (earlier.ownerOf(found) !== undefined || now.ownerOf(found) !== undefined) continue;
    const tombstone = now.tombstoneOf(found);
    if (tombstone !== undefined) {
      standing.add(tombstone);
      continue;
    }
    const owner = read(found);
    if (isYoung(found, seen, search)) {
      undecided.push({
        found,
        owner,
        why: `it may be younger than ${CREATE_GRACE / 1000} s, and its owner not known yet`,
      });
      continue;
    }
    const { leak, why } = await judgeLeak({ found, owner, store: after, others: look.found }, search.slotsOf);
    (leak ? leaks : undecided).push({ found, owner, why });
  }
  return {
    leaks: leaks.toSorted(byPlace),
    undecided: undecided.toSorted(byPlace),
    tombstones: after.tombstones
      .filter((tombstone) => !now.isOwnedAgain(tombstone))
      .map((tombstone) => ({ tombstone, found: standing.has(tombstone) })),
    missed: look.missed,
    notes: look.notes,
    found: look.found,
  };
}

const placeOf = ({ found: { definition, name, scope } }: Leak): string =>
  [definition.provider, definition.type, scope, name].join(" ");

const byPlace = (a: Leak, b: Leak): number => (placeOf(a) < placeOf(b) ? -1 : 1);
