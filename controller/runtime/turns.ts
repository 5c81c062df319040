/**
 * Who is next when several groups wait in one line: start-time fair queueing (Goyal, Vin and Cheng 1996) with items of one
 * size. Each group's items stand one turn apart, from the turn that is being served; so groups alternate while they have
 * items, a single group is served in the order of arrival, and one that was idle gains nothing by it.
 */
export interface Turns {
  /** The turn of the next item of a group: lower goes first, equal ones in the order of their arrival. */
  next(group: string): number;
  /** An item with that turn is served. */
  took(turn: number): void;
}

/** Nobody waits yet. Memory is kept for groups whose last item is still to come. */
export function createTurns(): Turns {
  const last = new Map<string, number>();
  let serving = 0;
  let forgetAt = 0;
  return {
    next: (group) => {
      const turn = Math.max(serving, last.get(group) ?? 0) + 1;
      last.set(group, turn);
      return turn;
    },
    took: (turn) => {
      serving = Math.max(serving, turn);
      // Groups whose turns are all over begin from the present one, known or not.
      if (serving < forgetAt) return;
      for (const [group, known] of last) if (known <= serving) last.delete(group);
      forgetAt = serving + last.size + 1_000;
    },
  };
}
