/** Whether something of ours that no inventory holds is a leak: would the object that its marker names take it up? */
import type { ReconciledObject } from "../kind.ts";
import type { FoundResource } from "./marked-resources.ts";
import type { MarkerParts } from "../marker.ts";
import { entryNamed, objectNamed } from "./ownership.ts";
import type { StoreView } from "./ownership.ts";
import { toFlaresmithError } from "../pass.ts";

/** Slots that an object stands for by its spec. @throws FlaresmithError when its graph cannot be made */
export type SlotsOf = (object: ReconciledObject) => Promise<ReadonlySet<string>>;

/** @param question.others everything that was found, to tell a second one of the same from the first */
export async function judgeLeak(
  question: {
    found: FoundResource;
    owner: MarkerParts | undefined;
    store: StoreView;
    others: readonly FoundResource[];
  },
  slotsOf: SlotsOf,
): Promise<{ leak: boolean; why: string }> {
  const { found, others, owner, store } = question;
  const object = owner && objectNamed(owner, store);
  if (owner === undefined || object === undefined) {
    if (store.incomplete !== undefined) return { leak: false, why: store.incomplete };
    const why = owner ? "the object does not exist" : "no object that exists has its marker";
    return { leak: true, why };
  }
  if (object.metadata.deletionTimestamp !== undefined)
    return { leak: true, why: "the object is being deleted and does not know of it" };
  const entry = entryNamed(owner, object);
  const second =
    entry?.id !== undefined &&
    others.some(({ definition, id }) => definition === found.definition && id === entry.id);
  if (second) return { leak: true, why: `the object stands for another one (${entry.id})` };
  let slots: ReadonlySet<string>;
  try {
    slots = await slotsOf(object);
  } catch (thrown) {
    return {
      leak: false,
      why: `it cannot be told what the object stands for: ${toFlaresmithError(thrown).message}`,
    };
  }
  if (!slots.has(owner.slot)) return { leak: true, why: `the object stands for no ${owner.slot} any more` };
  return { leak: false, why: "the object declares it and has not taken it up yet" };
}
