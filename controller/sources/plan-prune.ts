/** What happens to objects that a Source applied and no longer declares. Pure; law 5 of the design. */
import { hashOf } from "../runtime/hash.ts";
import type { KubernetesObject } from "../store/resource-client.ts";
import { objectKey } from "./desired.ts";
import { firstOf } from "./first-of.ts";
import { CONFIRMATION_REQUIRED } from "./prune-window.ts";
import type { PruneWindow } from "./prune-window.ts";
import { CONFIRM_PRUNE_ANNOTATION } from "./source-object.ts";

/** Deletions that need no confirmation: this many, or this share of what the Source owns if that is more. */
const FREE_DELETIONS = 2;
const FREE_SHARE = 0.25;

/** A prune that began: what it takes, and at which revision. */
export interface ApprovedPrune {
  readonly revision: string;
  readonly uids: ReadonlySet<string>;
}

export type PrunePlan =
  | { readonly kind: "none" }
  | {
      readonly kind: "delete";
      readonly objects: readonly KubernetesObject[];
      /** To be handed in again while the deletion goes on: what is left of it needs no consent of its own. */
      readonly approved: ApprovedPrune;
      /** What the next plans have to count; the very window that was handed in when this deletion counts for nothing. */
      readonly window: PruneWindow;
    }
  /** `prune: false`: the objects stay and are nobody's. */
  | { readonly kind: "release"; readonly objects: readonly KubernetesObject[] }
  | { readonly kind: "held"; readonly reason: string; readonly message: string };

/**
 * Plans the removal of what is no longer declared.
 *
 * @param options.owned what carries the Source's label and is not being deleted yet
 * @param options.declared keys (`<kind>/<name>`) that the listing declares
 * @param options.complete whether the listing is complete and nothing in it is wrong
 * @param options.confirmed the consent that a person gave
 * @param options.approved the prune that began last and may go on
 * @param options.window what was deleted of late: many small deletions are no way around the guard
 */
export function planPrune(options: {
  owned: readonly KubernetesObject[];
  declared: ReadonlySet<string>;
  complete: boolean;
  prune: boolean;
  revision: string;
  confirmed?: string | undefined;
  approved?: ApprovedPrune | undefined;
  window: PruneWindow;
}): PrunePlan {
  const { approved, owned, declared, revision, window } = options;
  const extra = owned.filter((object) => !declared.has(objectKey(object)));
  if (extra.length === 0 || !options.complete) return { kind: "none" };
  if (declared.size === 0) {
    return {
      kind: "held",
      reason: "EmptySource",
      message: `Nothing is declared at ${revision}, which never deletes anything; the ${count(extra.length)} applied before ${extra.length === 1 ? "stays" : "stay"}: ${listed(extra)}. Put the manifests back, or delete the objects by name with kubectl delete.`,
    };
  }
  if (!options.prune) return { kind: "release", objects: extra };
  const remove = (next: PruneWindow): PrunePlan => ({
    kind: "delete",
    objects: extra,
    approved: { revision, uids: new Set(extra.map(uidOf)) },
    window: next,
  });
  if (goesOn(extra, revision, approved)) return remove(window);
  // What an earlier prune was to take, and still waits for, was counted then.
  const fresh = extra.filter((object) => approved?.uids.has(uidOf(object)) !== true).length;
  const next = {
    since: window.since,
    owned: Math.max(window.owned, owned.length),
    deleted: window.deleted + fresh,
  };
  if (extra.length <= freeOf(owned.length) && next.deleted <= freeOf(next.owned)) return remove(next);
  const consent = consentTo(extra, revision);
  if (options.confirmed === consent) return remove(window);
  const before = window.deleted === 0 ? "" : `, and ${window.deleted} went within ten minutes before`;
  return {
    kind: "held",
    reason: CONFIRMATION_REQUIRED,
    message: `${revision} no longer declares ${extra.length} of ${count(owned.length)}${before}: ${listed(extra)}. To delete them, set the annotation ${CONFIRM_PRUNE_ANNOTATION}: ${consent} on this Source; to keep them, put their manifests back.`,
  };
}

function freeOf(owned: number): number {
  return Math.max(FREE_DELETIONS, owned * FREE_SHARE);
}

/** Whether nothing is to go that was not to go when the prune began. */
function goesOn(
  extra: readonly KubernetesObject[],
  revision: string,
  approved: ApprovedPrune | undefined,
): boolean {
  return approved?.revision === revision && extra.every((object) => approved.uids.has(uidOf(object)));
}

/**
 * What a person confirms: a revision, and a hash of the very objects that go. The revision alone says little, because
 * another folder of the same commit declares other objects; and with uids, a consent that is left on the Source does
 * not speak for objects that were made after it was given.
 */
function consentTo(extra: readonly KubernetesObject[], revision: string): string {
  const objects = extra.map((object) => `${objectKey(object)} ${uidOf(object)}`).toSorted();
  return `${revision}#${hashOf(objects).slice(0, 12)}`;
}

function uidOf({ metadata }: KubernetesObject): string {
  return metadata.uid ?? "";
}

function count(objects: number): string {
  return objects === 1 ? "1 object" : `${objects} objects`;
}

function listed(objects: readonly KubernetesObject[]): string {
  return firstOf(objects.map((object) => `${object.kind} ${object.metadata.name}`).toSorted());
}
