/**
 * Deletes leaks that a person asked to be deleted. Right before each deletion everything that made it a leak is looked at
 * once more, at the provider and in the store.
 */
import { isFlaresmithError } from "../../../controller/runtime/errors.ts";
import type { FlaresmithError } from "../../../controller/runtime/errors.ts";
import { resourceContext } from "../context.ts";
import { judgeLeak } from "./verdict.ts";
import type { Leak, LeakReport, LeakSearch } from "./find-leaks.ts";
import type { FoundResource } from "./marked-resources.ts";
import { markerOfMark } from "../marker.ts";
import { describeObject, holdsFor, ownershipOf } from "./ownership.ts";
import { toFlaresmithError } from "../pass.ts";
import { describe } from "../plan.ts";
import type { InventoryEntry, Observation, ResourceContext } from "../resource.ts";

export interface RemovedLeak {
  leak: Leak;
  /** `kept`: it turned out not to be one any more, or something else would go with it. */
  result: "deleted" | "kept" | "failed";
  /** For people; empty after a deletion. */
  why: string;
  error?: FlaresmithError;
}

/** Milliseconds between two looks at something that is being deleted. */
const PAUSE = 1_000;
/** Milliseconds after which a deletion that does not show is reported as failed. */
const PATIENCE = 120_000;

/**
 * Deletes the chosen leaks, what lies in others first, each alone. One that fails is tried again after others went:
 * providers refuse what others still refer to. Never throws for a provider's fault.
 * @throws what `readStore` throws, and the signal's reason
 */
export async function removeLeaks(
  chosen: readonly Leak[],
  report: Pick<LeakReport, "found">,
  search: LeakSearch,
): Promise<RemovedLeak[]> {
  const gone = new Set<FoundResource>();
  let waiting = [...chosen];
  let results: RemovedLeak[] = [];
  for (;;) {
    const before = gone.size;
    results = results.filter(({ result }) => result !== "failed");
    for (const leak of inOrder(waiting)) {
      search.progress(`deleting ${textOf(leak.found)}`);
      const removed = await removeLeak(
        leak,
        report.found.filter((one) => !gone.has(one)),
        search,
      );
      results.push(removed);
      if (removed.result === "deleted") gone.add(leak.found);
    }
    waiting = results.flatMap(({ leak, result }) => (result === "failed" ? [leak] : []));
    if (waiting.length === 0 || gone.size === before) return results;
  }
}

const textOf = ({ definition, name, scope }: FoundResource): string => describe(definition, { name, scope });

function liesIn(inner: FoundResource, outer: FoundResource): boolean {
  return (
    inner.definition.provider === outer.definition.provider &&
    (inner.inside ?? []).some(({ id, type }) => type === outer.definition.type && id === outer.id)
  );
}

/** What lies in something comes before it. */
function inOrder(leaks: readonly Leak[]): Leak[] {
  const ordered: Leak[] = [];
  const visit = (leak: Leak): void => {
    if (ordered.includes(leak)) return;
    for (const inner of leaks) if (inner !== leak && liesIn(inner.found, leak.found)) visit(inner);
    ordered.push(leak);
  };
  leaks.forEach(visit);
  return ordered;
}

/** @param standing everything of ours that was found and not deleted since */
async function removeLeak(
  leak: Leak,
  standing: readonly FoundResource[],
  search: LeakSearch,
): Promise<RemovedLeak> {
  const { found } = leak;
  let deadline = search.clock.monotonic() + PATIENCE;
  let asked = false;
  let acknowledged = false;
  let problem: FlaresmithError | undefined;
  for (;;) {
    problem = undefined;
    const observation = await observe(found, acknowledged, search);
    if (observation.state === "absent") return { leak, result: "deleted", why: "" };
    if (observation.state === "unknown") problem = observation.error;
    else if (observation.id !== found.id && observation.pending === undefined)
      return asked
        ? { leak, result: "deleted", why: "" }
        : { leak, result: "kept", why: "another one is in its place now" };
    else if (observation.owner !== "ours")
      return { leak, result: "kept", why: "it does not carry the marker any more" };
    else if (!asked && observation.pending === undefined) {
      const reason = await whyNot(leak, standing, search);
      if (reason !== undefined) return { leak, result: "kept", why: reason };
      try {
        acknowledged = (await found.definition.remove(found, contextOf(found, false, search))) === "deleted";
        asked = true;
        continue;
      } catch (thrown) {
        search.signal.throwIfAborted();
        problem = toFlaresmithError(thrown);
      }
    }
    if (problem !== undefined && !passes(problem)) return failed(leak, problem);
    const before = search.clock.monotonic();
    if (problem !== undefined && (await search.patience.waitFor([problem]))) {
      deadline += search.clock.monotonic() - before;
      continue;
    }
    if (search.clock.monotonic() >= deadline) return failed(leak, problem);
    await search.clock.sleep(PAUSE, search.signal);
  }
}

function failed(leak: Leak, error: FlaresmithError | undefined): RemovedLeak {
  if (error !== undefined) return { leak, result: "failed", why: error.message, error };
  return { leak, result: "failed", why: `it is still there ${PATIENCE / 1000} s later` };
}

/** Whether an error may be gone a moment later. */
const passes = (error: FlaresmithError): boolean =>
  error.class === "transient" || error.class === "rateLimited" || error.class === "unknownOutcome";

/** Why the thing must not be deleted after all; undefined when it is a leak as before. */
async function whyNot(
  { found, owner }: Leak,
  standing: readonly FoundResource[],
  { readStore, slotsOf }: LeakSearch,
): Promise<string | undefined> {
  const store = await readStore();
  const ownership = ownershipOf(store);
  const object = ownership.ownerOf(found);
  if (object !== undefined) return `${describeObject(object)} owns it now`;
  if (ownership.tombstoneOf(found) !== undefined) return "it is left in place on purpose now";
  const { leak, why } = await judgeLeak({ found, owner, store, others: standing }, slotsOf);
  if (!leak) return why;
  const other = standing.find((one) => liesIn(one, found));
  const inner = other === undefined ? holdsFor(found, store) : textOf(other);
  return inner === undefined ? undefined : `${inner} lies in it`;
}

async function observe(
  found: FoundResource,
  acknowledged: boolean,
  search: LeakSearch,
): Promise<Observation<unknown>> {
  try {
    return await found.definition.observe(found, contextOf(found, acknowledged, search));
  } catch (thrown) {
    search.signal.throwIfAborted();
    if (isFlaresmithError(thrown)) return { state: "unknown", error: thrown };
    return { state: "unknown", error: toFlaresmithError(thrown) };
  }
}

/** Reads past every cache, and recognises the very mark that was found. */
function contextOf(
  found: FoundResource,
  acknowledged: boolean,
  { clock, signal }: LeakSearch,
): ResourceContext<unknown> {
  const { connection, definition, id, mark, name, scope } = found;
  // That the provider acknowledged the deletion is worth something only together with the id (law 1).
  const entry: InventoryEntry | undefined = acknowledged
    ? {
        slot: definition.segment,
        provider: definition.provider,
        type: definition.type,
        key: "",
        state: "deleting",
        id,
        name,
        scope,
        data: { confirmGone: id },
      }
    : undefined;
  return resourceContext(
    {
      connection,
      type: definition.type,
      clock,
      signal,
      marker: markerOfMark(mark),
      witness: "",
      depth: "shallow",
      fresh: true,
      entry,
      freshness: 0,
      sinceWrite: 0,
    },
    scope,
  );
}
