/** Slots name the parts of an object. A thing that the spec no longer names keeps its old slot's marker under a new slot. */

/** Slot under which the thing of that name is set aside when its slot now stands for another. */
export function asideSlot(slot: string, name: string): string {
  return `${markedSlot(slot)}@${encodeURIComponent(name)}`;
}

/** The slot that stands in a thing's marker, set aside or not. Names in slots are escaped, so the separator is unique. */
export function markedSlot(slot: string): string {
  const [marked = slot] = slot.split("@", 1);
  return marked;
}
