/** A place in a text, both from 1; columns count as JavaScript counts characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Finds the place of an offset. */
export function createPlaces(text: string): (offset: number) => Place {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/** The place of one offset. */
export function placeAt(text: string, offset: number): Place {
  return createPlaces(text)(offset);
}
