/** What a Source is to this folder: its object, its name on what it applies, its annotations. */
import { kinds, resourceType } from "../../crds/index.ts";
import { GROUP } from "../../crds/kind.ts";
import type { SourceSpec, SourceStatus } from "../../crds/source.ts";
import { sha256 } from "../runtime/hash.ts";
import type { Caches } from "../runtime/reconcile.ts";
import type { KubernetesObject, ResourceType } from "../store/resource-client.ts";
import { SOURCE_KINDS, SOURCE_LABEL } from "./read/check-manifest.ts";

/** A Source as the API serves it. */
export interface SourceObject extends KubernetesObject {
  spec: SourceSpec;
  status?: SourceStatus;
}

const typeOf = (name: string): ResourceType => {
  const kind = kinds.find((candidate) => candidate.kind === name);
  if (kind === undefined) throw new RangeError(`there is no kind ${name}`);
  return resourceType(kind);
};

/** The type of Sources. */
export const sourceType: ResourceType = Object.freeze(typeOf("Source"));
/** The types that a Source applies, by kind, in order of application. */
export const appliedTypes: ReadonlyMap<string, ResourceType> = new Map(
  SOURCE_KINDS.map((kind) => [kind, Object.freeze(typeOf(kind))]),
);

/** Owns the fields that a source sets. */
export const FIELD_MANAGER = "flaresmith-source";
/** Keeps a Source until what it applied is released or pruned. */
export const SOURCE_FINALIZER = `${GROUP}/source`;
/** Any token: asks for a sync now; answered by `status.lastHandledReconcileAt`. */
export const REQUEST_ANNOTATION = `${GROUP}/reconcile-requested-at`;
/** The consent that the condition names: to a large prune of these very objects at this revision. */
export const CONFIRM_PRUNE_ANNOTATION = `${GROUP}/confirm-prune`;
/** Written by the controller: how many objects were deleted since when, of how many (see `PruneWindow`). */
export const PRUNE_WINDOW_ANNOTATION = `${GROUP}/prune-window`;
/** `true` on a Source: deleting it deletes what it applied. */
export const PRUNE_ON_DELETE_ANNOTATION = `${GROUP}/prune-on-delete`;

/** The value of the label that names a Source: its name, cut with a hash where it is longer than a label may be. */
export function labelValueOf(name: string): string {
  return name.length <= 63 ? name : `${name.slice(0, 52).replace(/[-.]+$/, "")}-${sha256(name).slice(0, 10)}`;
}

/** The label value of the Source that applied an object. */
export function ownerLabel(object: KubernetesObject): string | undefined {
  return object.metadata.labels?.[SOURCE_LABEL];
}

/** Everything in the Source's namespace that carries its label, as the caches know it. */
export function ownedObjects(source: KubernetesObject, caches: Caches): KubernetesObject[] {
  const label = labelValueOf(source.metadata.name);
  return [...appliedTypes.values()].flatMap((type) =>
    caches
      .of(type)
      .list(source.metadata.namespace ?? "")
      .filter((object) => ownerLabel(object) === label),
  );
}

/** The type of a kind that Sources apply. @throws RangeError for another kind */
export function appliedType(kind: string): ResourceType {
  const type = appliedTypes.get(kind);
  if (type === undefined) throw new RangeError(`a Source does not apply kind ${kind}`);
  return type;
}
