import type { FieldChange } from "../engine/resource.ts";

type Scalar = string | number | boolean | undefined;
/** Notes a difference; `undefined` on either side means not managed, or not looked at. */
export type Compare = (field: string, to: Scalar, from: Scalar) => void;

/** Collects in-place differences of scalars. @param prefix put before every field */
export function collectChanges(compareAll: (compare: Compare) => void, prefix = ""): FieldChange[] {
  const changes: FieldChange[] = [];
  compareAll((field, to, from) => {
    if (to === undefined || from === undefined || to === from) return;
    changes.push({ field: prefix + field, effect: "in-place", from: String(from), to: String(to) });
  });
  return changes;
}

/** Items as one text that does not depend on their order. */
export const sortedText = (items: readonly string[]): string => [...new Set(items)].toSorted().join(", ");
