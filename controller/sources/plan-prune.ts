/** What happens to objects that a Source applied and no longer declares. Pure; law 5 of the design. */
import type { KubernetesObject } from "../store/resource-client.ts";
import { objectKey } from "./desired.ts";
import { firstOf } from "./first-of.ts";
import { CONFIRM_PRUNE_ANNOTATION } from "./source-object.ts";

/** Deletions that need no confirmation: this many, or this share of what the Source owns if that is more. */
const FREE_DELETIONS = 2;
const FREE_SHARE = 0.25;

export type PrunePlan =
  | { readonly kind: "none" }
  | { readonly kind: "delete"; readonly objects: readonly KubernetesObject[] }
  /** `prune: false`: the objects stay and are nobody's. */
  | { readonly kind: "release"; readonly objects: readonly KubernetesObject[] }
  | { readonly kind: "held"; readonly reason: string; readonly message: string };

/**
 * Plans the removal of what is no longer declared.
 *
 * @param options.owned what carries the Source's label and is not being deleted yet
 * @param options.declared keys (`<kind>/<name>`) that the listing declares
 * @param options.complete whether the listing is complete and nothing in it is wrong
 * @param options.confirmed the revision that a person confirmed
 * @param options.approved a revision whose prune began within the guard and goes on
 */
export function planPrune(options: {
  owned: readonly KubernetesObject[];
  declared: ReadonlySet<string>;
  complete: boolean;
  prune: boolean;
  revision: string;
  confirmed?: string | undefined;
  approved?: string | undefined;
}): PrunePlan {
  const { owned, declared, revision } = options;
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
  const free = Math.max(FREE_DELETIONS, owned.length * FREE_SHARE);
  const consented = options.confirmed === revision || options.approved === revision;
  if (extra.length <= free || consented) return { kind: "delete", objects: extra };
  return {
    kind: "held",
    reason: "ConfirmationRequired",
    message: `${revision} no longer declares ${extra.length} of ${count(owned.length)}: ${listed(extra)}. To delete them, set the annotation ${CONFIRM_PRUNE_ANNOTATION}: ${revision} on this Source; to keep them, put their manifests back.`,
  };
}

function count(objects: number): string {
  return objects === 1 ? "1 object" : `${objects} objects`;
}

function listed(objects: readonly KubernetesObject[]): string {
  return firstOf(objects.map((object) => `${object.kind} ${object.metadata.name}`).toSorted());
}
