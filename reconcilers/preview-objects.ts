/** What the providers would see of a set of objects: their graphs are built as for a reconciliation and only planned. */
import type { Clock, Fetch, Random } from "../controller/runtime/clock.ts";
import type { FlaresmithError } from "../controller/runtime/errors.ts";
import type { Tracker } from "../controller/runtime/tracker.ts";
import type { KubernetesObject } from "../controller/store/resource-client.ts";
import { READING, detachedKinds, fetchThatOnly } from "./detached-kinds.ts";
import { toFlaresmithError } from "./engine/pass.ts";
import { previewChanges, previewRemovals } from "./engine/preview-changes.ts";
import type { PlannedChange } from "./engine/preview-changes.ts";
import { consentsOf } from "./engine/annotations.ts";
import { isGuarded } from "./engine/guarded.ts";
import type { InventoryEntry } from "./engine/resource.ts";
import { definitionOf } from "./providers.ts";
import type { KindReconciler, ReconciledObject } from "./engine/kind.ts";
import type { ObjectReader } from "./objects.ts";

export interface PreviewObjectsOptions {
  /** The desired world: everything that could be referred to, with defaults and, where it exists, status. */
  objects: readonly KubernetesObject[];
  /** Which of them are planned; Projects, Environments and Previews. */
  planned: readonly KubernetesObject[];
  /** Objects that would be deleted. */
  deleted: readonly KubernetesObject[];
  secret: ObjectReader["secret"];
  fetch: Fetch;
  clock: Clock;
  random: Random;
  tracker: Tracker;
  installation: string;
  hashKey: string;
  version: string;
  publicUrl?: string | undefined;
  signal: AbortSignal;
}

export interface ObjectPreview {
  kind: string;
  namespace: string;
  name: string;
  changes: PlannedChange[];
  /** Why nothing could be planned at all. */
  error?: FlaresmithError;
}

/** Plans every object, one after another, over shared observations. Never throws for a provider's fault. */
export async function previewObjects(options: PreviewObjectsOptions): Promise<ObjectPreview[]> {
  const { kinds } = detachedKinds({
    ...options,
    objects: () => options.objects,
    fetch: fetchThatOnly(READING, options.fetch),
  });
  const previews: ObjectPreview[] = [];
  for (const object of options.planned) {
    const kind = kinds[object.kind];
    if (kind !== undefined)
      previews.push(await previewObject(object as ReconciledObject, kind, options, options.signal));
  }
  for (const object of options.deleted) {
    const kind = kinds[object.kind];
    if (kind === undefined) continue;
    const living = object as ReconciledObject;
    const removals = {
      policy: (entry: InventoryEntry) => kind.removalPolicy(living, entry),
      guarded: () => undefined,
      consents: consentsOf(living),
    };
    const changes = previewRemovals(living.status?.inventory ?? [], removals);
    previews.push({ ...placeOf(object), changes });
  }
  return previews;
}

function placeOf({ kind, metadata }: KubernetesObject): Pick<ObjectPreview, "kind" | "namespace" | "name"> {
  return { kind, namespace: metadata.namespace ?? "", name: metadata.name };
}

async function previewObject(
  object: ReconciledObject,
  kind: KindReconciler<ReconciledObject>,
  { clock, installation }: PreviewObjectsOptions,
  signal: AbortSignal,
): Promise<ObjectPreview> {
  const place = placeOf(object);
  if (object.spec.suspend) return { ...place, changes: [] };
  try {
    const blueprint = await kind.build(object, signal);
    const inventory = new Map((object.status?.inventory ?? []).map((entry) => [entry.slot, entry] as const));
    const guarded = (entry: InventoryEntry): ReturnType<typeof definitionOf> => {
      const definition = definitionOf(entry);
      const isAsked = blueprint.archive === undefined && isGuarded(kind, object, entry, definition);
      return isAsked ? definition : undefined;
    };
    const consents = consentsOf(object);
    const changes = await previewChanges({
      removals: { policy: (entry) => kind.removalPolicy(object, entry), guarded, consents },
      nodes: blueprint.archive === undefined ? blueprint.nodes : [],
      inventory,
      marker: { installation, namespace: place.namespace, kind: place.kind, name: place.name },
      consents,
      drift: object.spec.drift ?? "Correct",
      clock,
      signal,
    });
    return { ...place, changes };
  } catch (thrown) {
    signal.throwIfAborted();
    return { ...place, changes: [], error: toFlaresmithError(thrown) };
  }
}
