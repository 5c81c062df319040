/** What the providers hold that no object owns: every Connection is looked through, as the controller would reach it. */
import type { Clock, Fetch, Random } from "../controller/runtime/clock.ts";
import { getCondition } from "../controller/runtime/conditions.ts";
import { FlaresmithError } from "../controller/runtime/errors.ts";
import type { Tracker } from "../controller/runtime/tracker.ts";
import type { KubernetesObject } from "../controller/store/resource-client.ts";
import { READING, detachedKinds, fetchThatOnly } from "./detached-kinds.ts";
import type { ConnectionHandle } from "./engine/graph.ts";
import type { ReconciledObject } from "./engine/kind.ts";
import { findLeaks } from "./engine/leaks/find-leaks.ts";
import type { Leak, LeakReport, LeakSearch } from "./engine/leaks/find-leaks.ts";
import type { Missed } from "./engine/leaks/marked-resources.ts";
import type { StoreView } from "./engine/leaks/ownership.ts";
import { toFlaresmithError } from "./engine/pass.ts";
import { createPatience } from "./engine/leaks/patience.ts";
import { removeLeaks } from "./engine/leaks/remove-leaks.ts";
import type { RemovedLeak } from "./engine/leaks/remove-leaks.ts";
import { TOMBSTONE_LABEL, readTombstone } from "./engine/tombstones.ts";
import { connectionType } from "./objects.ts";
import type { ConnectionObject, ObjectReader } from "./objects.ts";
import { definitions } from "./providers.ts";

export interface LeaksOptions {
  /** Every object of the kinds, and every ConfigMap with the label of tombstones, as they are now. */
  readObjects: (tombstoneLabel: string) => Promise<{
    objects: readonly KubernetesObject[];
    tombstones: readonly KubernetesObject[];
  }>;
  secret: ObjectReader["secret"];
  fetch: Fetch;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  installation: string;
  hashKey: string;
  version: string;
  publicUrl?: string | undefined;
  /** Whether `remove` may be called: without it nothing but reads is ever sent. */
  deleting: boolean;
  progress: (text: string) => void;
  signal: AbortSignal;
}

export interface LeakFinder {
  /** @throws what the store throws */
  find(): Promise<LeakReport>;
  /** Deletes some of the leaks that `find` reported. @throws what the store throws */
  remove(chosen: readonly Leak[], report: LeakReport): Promise<RemovedLeak[]>;
}

/** Part of the limits that a controller uses where its Connection does not say. */
const SHARE = 0.8;

/** The running controller spends its share of a provider's limits; a command takes what is left, or both would be blocked. */
function withRestOfBudget(object: KubernetesObject): KubernetesObject {
  if (object.kind !== connectionType.kind) return object;
  const { spec } = object as ConnectionObject;
  const share = Math.max(0.1, 1 - (spec.budget?.share ?? SHARE));
  return { ...object, spec: { ...spec, budget: { ...spec.budget, share } } };
}

/** In a store that begins anew, objects come as fast as the Sources that declare them are read. */
function missingObjects(objects: readonly KubernetesObject[]): string | undefined {
  const behind = objects.find(({ kind, metadata, ...rest }) => {
    if (kind !== "Source") return false;
    const { conditions, observedGeneration } = (rest as Pick<ReconciledObject, "status">).status ?? {};
    const ready = getCondition(conditions ?? [], "Ready")?.status === "True";
    return !ready || observedGeneration !== metadata.generation;
  });
  if (behind === undefined) return undefined;
  const { name, namespace = "" } = behind.metadata;
  return `its object may be yet to come: Source ${namespace}/${name} is not Ready`;
}

/**
 * Opens every Connection that the store has; one that cannot be opened is reported as not looked at.
 * @throws FlaresmithError SPEC_REFERENCE_MISSING when there is none, and what the store throws
 */
export async function createLeakFinder(options: LeaksOptions): Promise<LeakFinder> {
  const { clock, deleting, installation, progress, signal } = options;
  const patience = createPatience({ clock, progress, signal });
  let objects: readonly KubernetesObject[] = [];
  const readStore = async (): Promise<StoreView> => {
    const read = await options.readObjects(TOMBSTONE_LABEL);
    objects = read.objects.map(withRestOfBudget);
    return {
      objects: objects.filter(({ kind }) => kind in kinds) as ReconciledObject[],
      tombstones: read.tombstones.map((one) => readTombstone(one)),
      incomplete: missingObjects(objects),
    };
  };
  const methods = deleting ? [...READING, "DELETE"] : READING;
  const { connections, kinds } = detachedKinds({
    ...options,
    objects: () => objects,
    fetch: fetchThatOnly(methods, options.fetch),
  });
  await readStore();
  const handles: ConnectionHandle[] = [];
  const closed: Missed[] = [];
  const found = objects.filter(({ kind }) => kind === connectionType.kind) as ConnectionObject[];
  if (found.length === 0) {
    throw new FlaresmithError({
      code: "SPEC_REFERENCE_MISSING",
      message: "there is no Connection, so that no provider can be looked through",
      hint: "Apply the Connections of this installation: what is without an owner is found through them.",
    });
  }
  for (const connection of found) {
    const key = `${connection.metadata.namespace ?? ""}/${connection.metadata.name}`;
    progress(`opening Connection ${key}`);
    try {
      const open = () => connections.open(connection, signal);
      handles.push((await patience.patiently(open)).handle);
    } catch (thrown) {
      signal.throwIfAborted();
      const provider = connection.spec.provider.toLowerCase();
      closed.push({ connection: key, provider, what: "everything", error: toFlaresmithError(thrown) });
    }
  }
  const search: LeakSearch = {
    installation,
    definitions,
    connections: handles,
    readStore,
    slotsOf: async (object) => {
      const blueprint = await kinds[object.kind]?.build(object, signal);
      if (blueprint === undefined || blueprint.archive !== undefined) return new Set();
      // What waits for its turn stands for nothing now, and for something later.
      const waiting = blueprint.parts?.find(({ status }) => status !== "True");
      if (waiting !== undefined)
        throw new FlaresmithError({ code: "DEPENDENCY_NOT_READY", message: waiting.message });
      return new Set(blueprint.nodes.map(({ slot }) => slot));
    },
    progress,
    patience,
    clock,
    signal,
  };
  return {
    find: async () => {
      const report = await findLeaks(search);
      return { ...report, missed: [...closed, ...report.missed] };
    },
    remove: (chosen, report) => removeLeaks(chosen, report, search),
  };
}
